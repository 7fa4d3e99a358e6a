//! Broken projects: every mistake is named with its place and its cure.

use crate::support::{Output, Project};

/// One mistake in the small bot.
struct Case {
    what: &'static str,
    make: fn(&Project),
    /// Places that must be shown, as `file:line`.
    places: &'static [&'static str],
    /// Words that must be said.
    words: &'static [&'static str],
    /// Rasa only warns of it: an error with `--fail-on-validation-warnings`.
    is_warning: bool,
}

const fn error(
    what: &'static str,
    make: fn(&Project),
    places: &'static [&'static str],
    words: &'static [&'static str],
) -> Case {
    Case { what, make, places, words, is_warning: false }
}

const fn warning(
    what: &'static str,
    make: fn(&Project),
    places: &'static [&'static str],
    words: &'static [&'static str],
) -> Case {
    Case { what, make, places, words, is_warning: true }
}

/// Adds a second data file with rules or stories; its steps begin in line 3.
fn add(project: &Project, kind: &str, name: &str, steps: &[&str]) {
    let mut text = format!("{kind}:\n- {name}: added\n  steps:\n");
    steps.iter().for_each(|step| text.push_str(&format!("  - {step}\n")));
    project.write("data/added.yml", text);
}

const CASES: &[Case] = &[
    // Bytes and YAML.
    error(
        "tab",
        |p| p.edit("data/rules.yml", "  steps:\n  - intent: greet", "  steps:\n\t- intent: greet"),
        &["data/rules.yml:5"],
        &["tab"],
    ),
    error(
        "duplicate key",
        |p| p.edit("domain.yml", "forms:\n", "intents: [x]\nforms:\n"),
        &["domain.yml:19", "domain.yml:2"],
        &["intents"],
    ),
    error("unclosed bracket", |p| p.edit("domain.yml", "[city]", "[city"), &["domain.yml:"], &[]),
    error(
        "not UTF-8",
        |p| p.write("data/nlu.yml", b"nlu:\n- intent: greet\n  examples: |\n    - caf\xe9\n"),
        &["data/nlu.yml:4"],
        &["UTF-8"],
    ),
    error(
        "unset variable",
        |p| p.edit("domain.yml", "text: Hello!", "text: Hello ${NOBODY_SET_THIS}!"),
        &["domain.yml:26"],
        &["NOBODY_SET_THIS"],
    ),
    error("empty domain", |p| p.write("domain.yml", ""), &["domain.yml:1"], &["empty"]),
    error("a list for a mapping", |p| p.write("domain.yml", "- intents\n"), &["domain.yml:1"], &["mapping"]),
    // Shapes.
    error(
        "wrong type of a section",
        |p| p.edit("domain.yml", "intents: [greet, hours, book, inform, work]", "intents: greet"),
        &["domain.yml:2"],
        &["intents"],
    ),
    error(
        "wrong type of a number",
        |p| p.edit("domain.yml", "forms:\n", "session_config: {session_expiration_time: soon}\nforms:\n"),
        &["domain.yml:19"],
        &["session_expiration_time"],
    ),
    error(
        "unknown slot type",
        |p| p.edit("domain.yml", "type: text", "type: txt"),
        &["domain.yml:6"],
        &["txt", "text"],
    ),
    error(
        "broken annotation",
        |p| p.edit("data/nlu.yml", "- hello", "- hello [Rome]{\"entity\"}"),
        &["data/nlu.yml:6"],
        &[],
    ),
    // Names.
    error(
        "unknown action in a rule",
        |p| p.edit("data/rules.yml", "utter_greet", "utter_gret"),
        &["data/rules.yml:6"],
        &["utter_gret", "utter_greet"],
    ),
    error(
        "unknown action in a story",
        |p| add(p, "stories", "story", &["intent: inform", "action: utter_nothing"]),
        &["data/added.yml:5"],
        &["utter_nothing"],
    ),
    error(
        "unknown form in a rule",
        |p| p.edit("data/rules.yml", "- active_loop: table_form", "- active_loop: tabel_form"),
        &["data/rules.yml:15"],
        &["tabel_form", "table_form"],
    ),
    error(
        "unknown form in a story",
        |p| add(p, "stories", "story", &["intent: inform", "active_loop: no_form"]),
        &["data/added.yml:5"],
        &["no_form"],
    ),
    error(
        "unknown slot in a rule",
        |p| add(p, "rules", "rule", &["intent: inform", "slot_was_set: [{cuisin: thai}]", "action: utter_done"]),
        &["data/added.yml:5"],
        &["cuisin", "cuisine"],
    ),
    error(
        "unknown slot in a story",
        |p| add(p, "stories", "story", &["intent: inform", "slot_was_set: [{zzz: a}]", "action: utter_done"]),
        &["data/added.yml:5"],
        &["zzz"],
    ),
    error(
        "a form asks for an unknown slot",
        |p| p.edit("domain.yml", "required_slots: [cuisine, people]", "required_slots: [cuisine, peopel]"),
        &["domain.yml:21"],
        &["peopel"],
    ),
    warning(
        "unknown intent in a rule",
        |p| add(p, "rules", "rule", &["intent: infrom", "action: utter_done"]),
        &["data/added.yml:4"],
        &["infrom", "inform"],
    ),
    warning(
        "unknown intent in a story",
        |p| add(p, "stories", "story", &["intent: zzz", "action: utter_done"]),
        &["data/added.yml:4"],
        &["zzz"],
    ),
    warning(
        "unknown entity in a rule",
        |p| add(p, "rules", "rule", &["{intent: inform, entities: [town]}", "action: utter_done"]),
        &["data/added.yml:4"],
        &["town"],
    ),
    warning(
        "unknown entity in a story",
        |p| add(p, "stories", "story", &["{intent: inform, entities: [{town: Rome}]}", "action: utter_done"]),
        &["data/added.yml:4"],
        &["town"],
    ),
    warning(
        "unknown intent in the NLU data",
        |p| p.edit("data/nlu.yml", "intent: inform", "intent: infrom"),
        &["data/nlu.yml:18"],
        &["infrom"],
    ),
    // Rules and stories against each other.
    error(
        "rule with two user turns",
        |p| add(p, "rules", "rule", &["intent: inform", "action: utter_done", "intent: greet", "action: utter_greet"]),
        &["data/added.yml:"],
        &["user"],
    ),
    error(
        "rule and story contradict each other",
        |p| add(p, "stories", "story", &["intent: greet", "action: utter_hours"]),
        &["data/rules.yml:", "data/added.yml:"],
        &["utter_greet", "utter_hours"],
    ),
    error(
        "two rules contradict each other",
        |p| add(p, "rules", "rule", &["intent: greet", "action: utter_hours"]),
        &["data/rules.yml:", "data/added.yml:"],
        &["utter_greet", "utter_hours"],
    ),
    // config.yml.
    error(
        "unknown component",
        |p| p.edit("config.yml", "CountVectorsFeaturizer", "CountVectorFeaturizer"),
        &["config.yml:6"],
        &["CountVectorFeaturizer", "did you mean `CountVectorsFeaturizer`"],
    ),
    error(
        "refused component",
        |p| p.edit("config.yml", "WhitespaceTokenizer", "SpacyTokenizer"),
        &["config.yml:5"],
        &["SpacyTokenizer", "WhitespaceTokenizer"],
    ),
    error(
        "policy in the pipeline",
        |p| p.edit("config.yml", "- name: LogisticRegressionClassifier", "- name: RulePolicy"),
        &["config.yml:7"],
        &["RulePolicy"],
    ),
];

/// Whether a place is shown: a second place of the same file as its source line.
fn shows(output: &Output, place: &str) -> bool {
    let (_, line) = place.split_once(':').expect("file:line");
    let exact = if line.is_empty() { place.to_owned() } else { format!("{place}:") };
    let as_source =
        || output.err.lines().any(|shown| shown.split_once(" | ").is_some_and(|(number, _)| number.trim() == line));
    output.err.contains(&exact) || as_source()
}

/// What is wrong with how a mistake was told; empty when nothing is.
fn complaints(case: &Case, command: &str, output: &Output) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            found.push(format!("{} ({command}): {what}\n{}", case.what, output.err));
        }
    };
    expect(output.code == Some(1), format!("exit code {:?}", output.code));
    expect(output.err.contains("help: "), "no help".to_owned());
    expect(!output.err.contains("panicked"), "it panicked".to_owned());
    for place in case.places {
        expect(shows(output, place), format!("`{place}` is not shown"));
    }
    for words in case.words {
        expect(output.err.contains(words), format!("`{words}` is not said"));
    }
    found
}

#[test]
fn every_mistake_is_named_with_its_place_and_its_cure_and_nothing_is_written() {
    let mut found = Vec::new();
    for case in CASES {
        let project = Project::tiny();
        (case.make)(&project);
        let commands: [&[&str]; 2] = match case.is_warning {
            true => [&["train", "--fail-on-validation-warnings"], &["data", "validate", "--fail-on-warnings"]],
            false => [&["train"], &["data", "validate"]],
        };
        for command in commands {
            found.extend(complaints(case, &command.join(" "), &project.sapa(command)));
        }
        if project.path("models").exists() {
            found.push(format!("{}: a models folder was made", case.what));
        }
    }
    assert!(found.is_empty(), "{} complaints\n\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_rasa_only_warns_of_is_shown_but_does_not_stop_training() {
    for case in CASES.iter().filter(|case| case.is_warning) {
        let project = Project::tiny();
        (case.make)(&project);
        let output = project.sapa(&["train"]);
        assert_eq!(output.code, Some(0), "{}: {}", case.what, output.err);
        assert!(output.err.contains("warning[") && shows(&output, case.places[0]), "{}: {}", case.what, output.err);
    }
}

#[test]
fn mistakes_in_several_files_are_all_shown_at_once() {
    let project = Project::tiny();
    project.edit("config.yml", "LogisticRegressionClassifier", "LogisticRegresionClassifier");
    project.edit("domain.yml", "type: text", "type: txt");
    project.edit("data/rules.yml", "utter_greet", "utter_gret");
    project.edit("data/rules.yml", "utter_hours", "utter_hour");
    project.edit("data/nlu.yml", "nlu:\n", "nlu:\n\t\n- 5\n");
    let output = project.sapa(&["train"]);
    for place in ["config.yml:7", "domain.yml:6", "data/rules.yml:6", "data/rules.yml:10", "data/nlu.yml:"] {
        assert!(shows(&output, place), "{place} is not shown:\n{}", output.err);
    }
}

#[test]
fn a_file_that_is_not_there_is_named_with_a_cure() {
    let mut without_cure = Vec::new();
    for (missing, arguments) in [
        ("config.yml", &["train"][..]),
        ("domain.yml", &["train"]),
        ("nowhere", &["train", "--data", "nowhere"]),
        ("domain.yml", &["data", "validate"]),
    ] {
        let project = Project::tiny();
        let _ = std::fs::remove_file(project.path(missing));
        let output = project.sapa(arguments);
        assert_eq!(output.code, Some(1), "{missing}: {output:?}");
        assert!(output.err.contains(&format!("`{missing}`")) && !output.err.contains("panicked"), "{}", output.err);
        // The cure is the flag that names another file.
        if !output.err.contains("--") {
            without_cure.push(output.err);
        }
    }
    assert!(without_cure.is_empty(), "{}", without_cure.concat());
}

#[test]
fn a_path_that_does_not_exist_is_named_with_its_flag_and_what_may_have_been_meant() {
    let project = Project::tiny();
    project.write("bots/id/domain/slots.yml", "slots: {}\n");
    for (flag, given, meant) in [
        ("--config", "confg.yml", "config.yml"),
        ("--config", "config.yaml", "config.yml"),
        ("--domain", "domian.yml", "domain.yml"),
        ("--domain", "bots/id/domain.yml", "bots/id/domain"),
        ("--data", "dta", "data"),
        ("--data", "data/nlu.yaml", "data/nlu.yml"),
        ("--data", "data/rule.yml", "data/rules.yml"),
    ] {
        for command in [&["train"][..], &["train", "nlu"], &["data", "validate"]] {
            let output = project.sapa(&[command, &[flag, given]].concat());
            assert_eq!(output.code, Some(1), "{output:?}");
            let words = format!("`{given}` ({flag}) does not exist; did you mean `{meant}`?");
            assert!(output.err.contains(&words), "`{words}` is not said: {}", output.err);
        }
    }
    let output = project.sapa(&["train", "-c", "a", "-d", "b", "--data", "data", "c"]);
    for flag in ["--config", "--domain", "--data"] {
        assert!(output.err.contains(&format!("({flag}) does not exist; name")), "all at once: {}", output.err);
    }
    assert!(!project.path("models").exists(), "nothing else is trained instead");
}

#[test]
fn a_folder_for_the_configuration_is_named() {
    let output = Project::tiny().sapa(&["train", "-c", "data"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("`data` (--config) is a folder"), "{}", output.err);
}

#[test]
fn a_broken_endpoints_or_credentials_file_stops_the_server_with_its_place() {
    for (path, content, place) in [
        ("endpoints.yml", "action_endpoint: {url: 5}\n", "endpoints.yml:1"),
        ("endpoints.yml", "tracker_store:\n\ttype: SQL\n", "endpoints.yml:2"),
        ("endpoints.yml", "action_endpoint:\n  url: ${NOBODY_SET_THIS}\n", "endpoints.yml:2"),
        ("credentials.yml", "rest: 5\n", "credentials.yml:1"),
    ] {
        let project = Project::tiny().trained();
        project.write(path, content);
        let output = project.sapa(&["run", "-i", "127.0.0.1", "-p", "0"]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.err.contains(place) && !output.err.contains("panicked"), "{}", output.err);
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_in_the_place_of_a_file_is_no_endless_wait() {
    for (path, command) in [("config.yml", "train"), ("endpoints.yml", "run"), ("credentials.yml", "run")] {
        let project = Project::tiny().trained();
        let _ = std::fs::remove_file(project.path(path));
        let made = std::process::Command::new("mkfifo").arg(project.path(path)).status();
        assert!(made.is_ok_and(|status| status.success()));
        let output = project.sapa_that_ends(&[command]);
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.err.contains("is no regular file"), "{path}: {output:?}");
    }
}
