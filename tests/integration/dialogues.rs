//! The helpdesk's own conversations, played with its real actions.

use crate::support::{FakeActions, HelpdeskActions, Output, Project, helpdesk_model, repository};

/// `sapa test core` with the helpdesk's model, on these paths.
fn test_core(project: &Project, stories: &str, more: &[&str]) -> Output {
    let model = helpdesk_model().to_str().expect("a path");
    project.sapa(&[&["test", "core", "--e2e", "-m", model, "-s", stories], more].concat())
}

fn with_actions() -> (Project, HelpdeskActions) {
    let project = Project::empty();
    let actions = HelpdeskActions::start();
    actions.serve(&project);
    (project, actions)
}

#[test]
fn every_dialogue_of_the_helpdesk_goes_as_written() {
    let (project, _actions) = with_actions();
    let folder = repository().join("tests/dialogues");
    let output = test_core(&project, folder.to_str().expect("a path"), &[]);
    assert_eq!(output.code, Some(0), "{}{}", output.out, output.err);
    let summary = output.out.lines().last().expect("a summary");
    let files = std::fs::read_dir(folder).expect("the dialogues").count();
    let counts: Vec<usize> = summary.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(counts.len() == 2 && counts[0] == counts[1] && counts[0] >= files, "{summary}");
}

#[test]
fn every_test_story_of_the_helpdesk_is_predicted() {
    let project = Project::empty();
    let stories = repository().join("tests/test_stories.yml");
    let output = test_core(&project, stories.to_str().expect("a path"), &["--fail-on-prediction-errors"]);
    assert_eq!(output.code, Some(0), "{}{}", output.out, output.err);
    assert!(project.path("results/story_report.json").exists());
}

#[test]
fn a_dialogue_that_goes_otherwise_is_named_with_its_line() {
    let (project, _actions) = with_actions();
    let right = "# A title\n\n```dialogue\n> /jam_layanan\n< Jam layanan petugas kami: …\n```\n";
    let wrong =
        "```dialogue\n> /jam_layanan\n< Jam layanan petugas kami: …\n> /lupa_password\n< Sesuatu yang lain\n```\n";
    project.write("dialogues/right.md", right);
    project.write("dialogues/wrong.md", wrong);
    let output = test_core(&project, "dialogues", &[]);
    assert_eq!(output.code, Some(1), "{output:?}");
    for words in [
        "dialogue dialogues/wrong.md:1 failed",
        "line 4: > /lupa_password",
        "Sesuatu yang lain",
        "Password apa yang Anda maksud?",
        "1 of 2 dialogues passed",
    ] {
        assert!(output.out.contains(words), "`{words}` is not said: {}", output.out);
    }
}

#[test]
fn a_missing_or_an_extra_message_and_a_wrong_button_are_differences() {
    let (project, _actions) = with_actions();
    for (what, lines) in [
        ("missing", "> /jam_layanan\n< Jam layanan petugas kami: …\n< Dan satu lagi\n"),
        ("extra", "> /jam_layanan\n"),
        ("button", "> /lupa_password\n< Password apa yang Anda maksud?\n[SIMASN] [Email dinas]\n"),
    ] {
        project.write("dialogues/wrong.md", format!("```dialogue\n{lines}```\n"));
        let output = test_core(&project, "dialogues", &[]);
        assert_eq!(output.code, Some(1), "{what}: {output:?}");
    }
}

#[test]
fn a_dialogue_that_cannot_be_read_is_an_error_with_its_line() {
    let (project, _actions) = with_actions();
    for (text, words) in [
        ("```dialogue\n> hai\n", "wrong.md:1:"),
        ("```dialogue\n> hai\nHalo\n```\n", "wrong.md:3:"),
        ("```dialogue\n< Halo\n```\n", "wrong.md:2:"),
    ] {
        project.write("dialogues/wrong.md", text);
        let output = test_core(&project, "dialogues", &[]);
        assert_eq!(output.code, Some(1), "{text}: {output:?}");
        assert!(output.err.contains(words), "{text}: {}", output.err);
    }
}

const GREETING: &str = "```dialogue\n> hi\n< Hello!\n```\n";
const WORK: &str = "```dialogue\n> do the work\n< Done.\n```\n";

#[test]
fn one_malformed_line_does_not_keep_the_other_dialogues_and_stories_from_being_run() {
    let project = Project::tiny().trained();
    project.write("tests/a.md", format!("{GREETING}\n```dialogue\n> hi\nHello!\n```\n\n{GREETING}"));
    project.write("tests/b.md", GREETING.replace("Hello!", "Bye!"));
    let story = "stories:\n- story: greeting\n  steps:\n  - user: hi\n    intent: greet\n  - action: utter_greet\n";
    project.write("tests/test_stories.yml", story);
    let output = project.sapa(&["test"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("tests/a.md:8: a `<` line must come first"), "{}", output.err);
    for words in ["1 of 1 test stories passed", "dialogue tests/b.md:1 failed", "2 of 3 dialogues passed"] {
        assert!(output.out.contains(words), "`{words}` is not said: {}", output.out);
    }
    // The malformed line alone is a failure too.
    project.write("tests/b.md", GREETING);
    let output = project.sapa(&["test"]);
    assert!(output.code == Some(1) && output.out.contains("3 of 3 dialogues passed"), "{output:?}");
}

#[test]
fn an_action_server_that_is_not_there_is_told_once_with_the_cure() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let project = Project::tiny().trained();
    project.write("tests/a.md", format!("{WORK}{GREETING}{WORK}"));
    let unreachable = format!("http://{closed}/webhook");
    for (endpoints, words) in [
        (format!("action_endpoint: {{url: '{unreachable}'}}\n"), [unreachable.as_str(), "endpoints.yml"]),
        (String::new(), ["endpoints.yml", "action_endpoint"]),
    ] {
        project.write("endpoints.yml", endpoints);
        let output = project.sapa(&["test"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        for words in words.into_iter().chain(["2 dialogues could not be judged", "helpdesk-actions run"]) {
            assert!(output.err.contains(words), "`{words}` is not said: {}", output.err);
        }
        assert_eq!(output.err.lines().count(), 1, "{}", output.err);
        assert!(output.out.contains("1 of 3 dialogues passed") && !output.out.contains("failed"), "{}", output.out);
    }
}

#[test]
fn an_address_with_a_password_is_shown_without_it() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let project = Project::tiny().trained();
    project.write("tests/a.md", WORK);
    project.write("endpoints.yml", format!("action_endpoint: {{url: 'http://ann:geheim@{closed}/a?token=geheim'}}\n"));
    let output = project.sapa(&["test"]);
    assert!(output.err.contains(&format!("http://{closed}/a ")), "{}", output.err);
    assert!(!output.err.contains("geheim") && !output.out.contains("geheim"), "{output:?}");
}

#[test]
fn an_action_server_that_answers_is_judged_by_its_answers() {
    let project = Project::tiny().trained();
    let actions = FakeActions::start();
    actions.serve(&project, 10.0);
    project.write("tests/a.md", format!("{WORK}{GREETING}"));
    let output = project.sapa(&["test"]);
    assert!(output.code == Some(0) && output.out.contains("2 of 2 dialogues passed"), "{output:?}");
    actions.answer("action_work", 500, "broken");
    let output = project.sapa(&["test"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.out.contains("dialogue tests/a.md:1 failed") && output.out.contains("500"), "{output:?}");
}

#[test]
fn a_failed_test_story_and_its_step_are_named_by_file_and_line() {
    let project = Project::tiny().trained();
    let right = "- story: right\n  steps:\n  - user: hi\n    intent: greet\n  - action: utter_greet\n";
    let wrong = "- story: wrong\n  steps:\n  - user: hi\n    intent: greet\n  - action: utter_hours\n";
    project.write("tests/test_a.yml", format!("stories:\n{right}{wrong}"));
    let output = project.sapa(&["test"]);
    assert_eq!(output.code, Some(0), "as Rasa: {output:?}");
    for words in ["story tests/test_a.yml:7 `wrong` failed", "tests/test_a.yml:11: expected action `utter_hours`"] {
        assert!(output.out.contains(words), "`{words}` is not said: {}", output.out);
    }
    assert_eq!(project.sapa(&["test", "--fail-on-prediction-errors"]).code, Some(1));

    project.write("tests/test_a.yml", "stories:\n- story: [\n");
    let output = project.sapa(&["test"]);
    assert_eq!(output.code, Some(1), "a story that cannot be read is not passed: {output:?}");
    assert!(output.err.contains("tests/test_a.yml:"), "{}", output.err);
}

#[test]
fn a_path_that_does_not_exist_and_a_project_without_tests_are_told() {
    let project = Project::tiny().trained();
    let output = project.sapa(&["test"]);
    assert!(output.code == Some(0) && output.out.contains("No tests were found"), "{output:?}");
    project.write("tests/a.md", GREETING);
    let output = project.sapa(&["test", "-s", "tests/b.md"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("`tests/b.md`") && output.err.contains("did you mean `tests/a.md`"), "{}", output.err);
}
