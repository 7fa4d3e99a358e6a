//! `sapa train`: the same bytes for the same sources, and nothing half done.

use std::fs::File;
use std::time::{Duration, SystemTime};

use crate::support::{Output, Project, helpdesk_model, repository};

/// The model id that `train` prints.
fn model_id(output: &Output) -> String {
    let (_, after) = output.out.split_once(", id ").unwrap_or_else(|| panic!("no id: {output:?}"));
    after.trim_end().trim_end_matches(").").to_owned()
}

/// The same sources, written in the opposite order and at another time.
fn rewritten_backwards(project: &Project) -> Project {
    let copy = Project::empty();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for (age, (path, bytes)) in project.files("").into_iter().rev().enumerate() {
        copy.write(&path, bytes);
        let file = File::options().append(true).open(copy.path(&path)).expect("a file");
        file.set_modified(long_ago + Duration::from_secs(age as u64)).expect("a time");
    }
    copy
}

#[test]
fn the_same_sources_give_the_same_bytes_in_any_folder_with_any_number_of_threads() {
    let first = Project::helpdesk();
    let second = rewritten_backwards(&first);
    let one = first.sapa(&["train", "--num-threads", "1"]);
    let two = second.sapa(&["train", "--num-threads", "2"]);
    assert_eq!((one.code, two.code), (Some(0), Some(0)), "{}{}", one.err, two.err);
    assert_eq!(model_id(&one), model_id(&two));
    assert!(first.only_model() == second.only_model(), "the bytes differ");
    let third = std::fs::read(helpdesk_model()).expect("a model");
    assert!(first.only_model() == third, "the bytes depend on the model's name or folder");
    let folder = repository().to_str().expect("a path").as_bytes();
    assert!(!third.windows(folder.len()).any(|part| part == folder), "a path of this machine is in the model");
}

#[test]
fn training_does_not_touch_the_sources() {
    let project = Project::tiny();
    let time = |path: &str| project.path(path).metadata().and_then(|m| m.modified()).expect("a time");
    let before: Vec<_> = project.files("").into_iter().map(|(path, bytes)| (time(&path), path, bytes)).collect();
    assert_eq!(project.sapa(&["train"]).code, Some(0));
    for (modified, path, bytes) in before {
        assert_eq!(std::fs::read(project.path(&path)).expect("a file"), bytes, "{path}");
        assert_eq!(time(&path), modified, "{path}");
    }
    let beside: Vec<String> = project.files("").into_keys().filter(|path| !path.starts_with("models/")).collect();
    assert_eq!(beside, ["config.yml", "data/nlu.yml", "data/rules.yml", "domain.yml", "endpoints.yml"]);
}

#[test]
fn unchanged_sources_are_not_trained_again_unless_forced() {
    let project = Project::tiny().trained();
    let model = project.only_model();
    let again = project.sapa(&["train"]);
    assert_eq!(again.code, Some(0));
    assert!(again.out.contains("Nothing changed") && !again.err.contains("learning"), "{again:?}");
    assert_eq!(project.only_model(), model);

    let forced = project.sapa(&["train", "--force", "--fixed-model-name", "forced"]);
    assert!(forced.out.contains("Trained") && forced.err.contains("learning"), "{forced:?}");
    assert_eq!(project.files("models")["forced.sapa"], model);
}

#[test]
fn any_change_of_a_source_or_of_a_variable_it_uses_needs_training() {
    let project = Project::tiny();
    project.edit("domain.yml", "text: Hello!", "text: Hello ${WHO}!");
    let train = |who: &str, arguments: &[&str]| {
        let output = project.command(arguments).env("WHO", who).output().expect("the program runs");
        output.status.code()
    };
    assert_eq!(train("Ann", &["train"]), Some(0));
    assert_eq!(train("Ann", &["train", "--dry-run"]), Some(0));
    assert_eq!(train("Bob", &["train", "--dry-run"]), Some(1));
    for (path, from, to) in [
        ("data/nlu.yml", "- hello\n", "- hello there\n"),
        ("data/rules.yml", "rule: greet", "rule: greeting"),
        ("domain.yml", "Done.", "Ready."),
        ("config.yml", "language: en", "language: id"),
    ] {
        project.edit(path, from, to);
        assert_eq!(train("Ann", &["train", "--dry-run"]), Some(1), "{path}");
        project.edit(path, to, from);
        assert_eq!(train("Ann", &["train", "--dry-run"]), Some(0), "{path}");
    }
}

#[test]
fn a_dry_run_answers_by_its_exit_code_and_writes_nothing() {
    let project = Project::tiny();
    assert_eq!(project.sapa(&["train", "--dry-run"]).code, Some(1));
    assert!(!project.path("models").exists());
    let project = project.trained();
    let before = project.files("models");
    assert_eq!(project.sapa(&["train", "--dry-run"]).code, Some(0));
    assert_eq!(project.sapa(&["train", "--dry-run", "--force"]).code, Some(8));
    project.edit("data/nlu.yml", "- hello", "- hallo");
    assert_eq!(project.sapa(&["train", "--dry-run"]).code, Some(1));
    assert_eq!(project.files("models"), before);
}

#[test]
fn partial_models_carry_their_kind_in_the_name_and_do_only_their_part() {
    let project = Project::tiny();
    assert_eq!(project.sapa(&["train", "nlu", "--out", "nlu"]).code, Some(0));
    assert_eq!(project.sapa(&["train", "core", "--out", "core"]).code, Some(0));
    let name = |folder: &str| project.files(folder).into_keys().next().expect("a model");
    assert!(name("nlu").starts_with("nlu-") && name("core").starts_with("core-"));

    let understood = project.sapa_with_input(&["shell", "-m", "nlu"], "hello\n").out;
    assert!(understood.contains("\"name\": \"greet\""), "an NLU model only understands: {understood}");
    let answered = project.sapa_with_input(&["shell", "-m", "core"], "/greet\n").out;
    assert!(answered.contains("Bot  > Hello!"), "a dialogue model knows intents by name: {answered}");
}

#[test]
fn after_a_training_its_model_is_the_one_that_is_served() {
    let project = Project::tiny().trained();
    assert_eq!(project.sapa(&["train", "nlu"]).code, Some(0));
    assert!(project.sapa_with_input(&["shell"], "hello\n").out.contains("\"name\": \"greet\""));
    let again = project.sapa(&["train"]);
    assert!(again.out.contains("Nothing changed"), "{again:?}");
    assert!(project.sapa_with_input(&["shell"], "hello\n").out.contains("Bot  > Hello!"));
}

#[test]
fn a_part_without_data_is_left_out_and_this_is_said() {
    let project = Project::tiny();
    project.write("data/rules.yml", "version: \"3.1\"\n");
    let output = project.sapa(&["train"]);
    assert!(output.out.contains("No stories and no rules: only an NLU model is trained."), "{output:?}");
    assert!(project.files("models").keys().all(|name| name.starts_with("nlu-")), "{output:?}");
    let project = Project::tiny();
    project.write("data/nlu.yml", "version: \"3.1\"\n");
    let output = project.sapa(&["train"]);
    assert!(output.out.contains("No NLU examples: only a dialogue model is trained."), "{output:?}");
    assert!(project.files("models").keys().all(|name| name.starts_with("core-")), "{output:?}");
}

#[test]
fn a_failed_training_writes_nothing_and_keeps_the_old_model() {
    let project = Project::tiny().trained();
    let before = project.files("models");
    project.edit("data/rules.yml", "utter_greet", "utter_gret");
    for arguments in [&["train"][..], &["train", "--force"], &["train", "nlu"], &["train", "core"]] {
        let output = project.sapa(arguments);
        assert_eq!(output.code, Some(1), "{arguments:?}: {output:?}");
        assert_eq!(project.files("models"), before, "{arguments:?}");
    }
    let fresh = Project::tiny();
    fresh.edit("data/rules.yml", "utter_greet", "utter_gret");
    assert_eq!(fresh.sapa(&["train"]).code, Some(1));
    assert!(!fresh.path("models").exists());
}

#[test]
fn a_project_without_training_data_is_no_model() {
    let project = Project::tiny();
    project.write("data/nlu.yml", "version: \"3.1\"\n");
    project.write("data/rules.yml", "version: \"3.1\"\n");
    let output = project.sapa(&["train"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("nothing to train on"), "{}", output.err);
    assert!(!project.path("models").exists());
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_changes_nothing() {
    let project = Project::tiny();
    let plain = project.sapa(&["train", "--force"]);
    std::os::unix::fs::symlink(".", project.path("data/back")).expect("a link");
    let linked = project.sapa(&["train", "--force"]);
    assert_eq!(linked.code, Some(0), "{linked:?}");
    assert_eq!(model_id(&linked), model_id(&plain), "every file counts once");
}

#[cfg(unix)]
#[test]
fn a_pipe_among_the_data_does_not_hang_training() {
    let project = Project::tiny();
    for name in ["data/pipe.yml", "data/pipe.json"] {
        let made = std::process::Command::new("mkfifo").arg(project.path(name)).status().expect("mkfifo");
        assert!(made.success());
    }
    let output = project.sapa_that_ends(&["train"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let plain = Project::tiny().sapa(&["train"]);
    assert_eq!(model_id(&output), model_id(&plain), "a pipe holds nothing to learn");
}

#[test]
fn a_quiet_training_says_nothing_but_errors_and_warnings() {
    let project = Project::tiny();
    // A note: nothing uses this response.
    project.edit("domain.yml", "  utter_done:\n", "  utter_spare:\n  - text: Spare.\n  utter_done:\n");
    let loud = project.sapa(&["train", "--out", "loud"]);
    assert!(loud.err.contains("note[") && loud.err.contains("learning"), "{loud:?}");
    for arguments in [
        &["train", "--quiet"][..],
        &["train", "--quiet"],
        &["--quiet", "train", "--force"],
        &["train", "--quiet", "--dry-run"],
        &["train", "nlu", "--quiet"],
        &["data", "validate", "--quiet"],
    ] {
        let output = project.sapa(arguments);
        assert_eq!((output.code, &*output.out, &*output.err), (Some(0), "", ""), "{arguments:?}");
    }
    assert!(project.path("models").exists());

    project.edit("data/rules.yml", "intent: work", "intent: wrk");
    let output = project.sapa(&["train", "--quiet"]);
    assert!(output.code == Some(0) && output.err.contains("warning[") && output.out.is_empty(), "{output:?}");
    assert!(!output.err.contains("note[") && !output.err.contains("learning"), "{}", output.err);
    project.edit("data/rules.yml", "action: utter_greet", "action: utter_gret");
    let output = project.sapa(&["train", "--quiet"]);
    assert!(output.code == Some(1) && output.err.contains("error[") && output.err.contains("error: "), "{output:?}");
}
