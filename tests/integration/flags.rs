//! Flags of Rasa's command line: taken, and said to mean nothing where they do.

use crate::support::Project;

#[test]
fn flags_without_effect_are_said_once() {
    let project = Project::tiny();
    let line = "train --augmentation 20 --debug-plots --persist-nlu-data --finetune --epoch-fraction 0.5 --skip-validation \
        --validation-max-history 3 --endpoints endpoints.yml";
    let trained = project.sapa(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let idle = "note: `--skip-validation`, `--augmentation`, `--debug-plots`, `--persist-nlu-data`, `--finetune`, `--epoch-fraction`, `--endpoints` have no effect here";
    assert_eq!(trained.err.matches(idle).count(), 1, "{trained:?}");
    let plain = project.sapa(&["train", "nlu", "-u", "data/nlu.yml"]);
    assert!(plain.code == Some(0) && !plain.err.contains("no effect"), "{plain:?}");
    let checked = project.sapa(&["data", "validate", "stories", "--max-history", "3", "--logging-config-file", "x"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.err.contains("--max-history") && checked.err.contains("`--logging-config-file` has no effect"));
    assert!(!project.sapa(&["--quiet", "train", "--augmentation", "3"]).err.contains("no effect"));
}

#[test]
fn understanding_is_trained_without_a_domain() {
    let project = Project::tiny();
    std::fs::remove_file(project.path("domain.yml")).expect("the domain");
    let trained = project.sapa(&["train", "nlu", "-u", "data/nlu.yml"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(!trained.err.contains("not in the domain"), "{trained:?}");
    let parsed = project.sapa_with_input(&["shell", "nlu"], "when do you open\n");
    assert!(parsed.out.contains("\"name\": \"hours\""), "{parsed:?}");
    for command in [&["train"][..], &["train", "core"], &["train", "nlu", "-d", "other.yml"]] {
        assert_eq!(project.sapa(command).code, Some(1), "{command:?}");
    }
}

#[test]
fn several_configurations_are_not_silently_one() {
    let project = Project::tiny();
    for part in [&["train"][..], &["train", "nlu"]] {
        let told = project.sapa(&[part, &["-c", "config.yml", "other.yml"]].concat());
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.err.contains("one configuration is trained at a time"), "{told:?}");
    }
}

#[test]
fn the_shell_takes_what_run_takes() {
    let project = Project::tiny().trained();
    let line = "shell -p 5005 -i 0.0.0.0 -t secret --cors * --enable-api --connector rest --log-file x.log --use-syslog \
        --syslog-port 514 --ssl-certificate x.pem --response-timeout 3 --request-timeout 5 --conversation-id me";
    let chat = project.sapa_with_input(&line.split_whitespace().collect::<Vec<_>>(), "hello\n");
    assert_eq!(chat.code, Some(0), "{chat:?}");
    assert!(chat.out.contains("Hello!"), "{chat:?}");
    for flag in ["--port", "--interface", "--connector", "--ssl-certificate", "--response-timeout"] {
        assert!(chat.err.contains(&format!("`{flag}`")), "{flag}: {chat:?}");
    }
}

#[test]
fn a_model_that_lies_elsewhere_is_not_replaced_by_another() {
    let project = Project::tiny().trained();
    for command in ["run", "shell"] {
        let told = project.sapa_that_ends(&[command, "--remote-storage", "aws"]);
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.err.contains("`--model`"), "{told:?}");
    }
}

#[test]
fn run_actions_says_what_to_start_instead() {
    let project = Project::tiny();
    for line in
        ["run actions", "run actions --actions mine -p 6000 --cors * --auto-reload --log-file x --ssl-keyfile y"]
    {
        let told = project.sapa_that_ends(&line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(told.code, Some(1), "{told:?}");
        for words in ["python -m rasa_sdk", "helpdesk-actions", "action_endpoint"] {
            assert!(told.err.contains(words), "`{words}` is not said: {told:?}");
        }
    }
}

#[test]
fn commands_that_are_not_served_say_what_to_do_instead() {
    let project = Project::empty();
    for (line, cure) in [
        (&["init", "--no-prompt"][..], "docs/bot-developers.md"),
        (&["interactive", "-m", "models"], "`sapa shell --debug`"),
        (&["visualize", "--out", "graph.html"], "`sapa test --coverage`"),
        (&["evaluate", "markers", "all", "out.csv"], "markers are not evaluated"),
        (&["telemetry", "disable"], "nothing is reported"),
    ] {
        let output = project.sapa(line);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(
            output.err.contains(&format!("`{}` is not served", line[0])) && output.err.contains(cure),
            "{output:?}"
        );
    }
    let help = project.sapa(&["--help"]).out;
    assert!(!help.contains("visualize"), "{help}");
}

#[test]
fn health_takes_an_address_without_its_scheme() {
    let server = crate::support::Server::of(Project::tiny().trained());
    let address = server.base().trim_start_matches("http://");
    assert_eq!(Project::empty().sapa(&["health", &format!("{address}/health")]).code, Some(0));
}
