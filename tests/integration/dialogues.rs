//! The helpdesk's own conversations, played with its real actions.

use crate::support::{HelpdeskActions, Output, Project, helpdesk_model, repository};

/// `sapa test core` with the helpdesk's model, on these paths.
fn test_core(project: &Project, stories: &str, more: &[&str]) -> Output {
    let model = helpdesk_model().to_str().expect("a path");
    project.sapa(&[&["test", "core", "-m", model, "-s", stories], more].concat())
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
        ("```dialogue\n> hai\n", "line 1"),
        ("```dialogue\n> hai\nHalo\n```\n", "line 3"),
        ("```dialogue\n< Halo\n```\n", "line 2"),
    ] {
        project.write("dialogues/wrong.md", text);
        let output = test_core(&project, "dialogues", &[]);
        assert_eq!(output.code, Some(1), "{text}: {output:?}");
        assert!(output.err.contains("wrong.md") && output.err.contains(words), "{text}: {}", output.err);
    }
}
