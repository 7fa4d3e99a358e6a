//! What findings say, and what they leave out.

use crate::support::{Output, Project, Server, ended};

/// Runs `data validate`, which finds an error.
fn findings(project: &Project) -> String {
    let output = project.sapa(&["data", "validate"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    output.err
}

/// A small bot with an intent and a response that nothing uses, and a
/// checkpoint that nothing reaches.
fn project_with_unused_parts() -> Project {
    let project = Project::tiny();
    project.edit("domain.yml", "intents: [", "intents: [spare, ");
    project.edit("domain.yml", "  utter_done:\n", "  utter_spare:\n  - text: Spare.\n  utter_done:\n");
    let steps = "  steps:\n  - checkpoint: nowhere\n  - intent: inform\n  - action: utter_done\n";
    project.write("data/stories.yml", format!("stories:\n- story: loose\n{steps}"));
    project
}

#[test]
fn what_may_stand_in_a_file_that_cannot_be_read_is_not_called_unused() {
    let project = project_with_unused_parts();
    let all = project.sapa(&["data", "validate"]).err;
    for words in ["uses the intent `spare`", "uses the response `utter_spare`", "`spare` has no examples", "`nowhere`"]
    {
        assert!(all.contains(words), "`{words}` is not said: {all}");
    }
    for (path, from) in [
        ("config.yml", "- name: RulePolicy"),
        ("domain.yml", "forms:"),
        ("data/nlu.yml", "- intent: hours"),
        ("data/rules.yml", "- rule: work"),
    ] {
        let project = project_with_unused_parts();
        project.edit(path, from, &format!("\"\n{from}"));
        let told = findings(&project);
        assert!(told.contains("error[E01"), "{path}: {told}");
        for word in ["spare", "nowhere", "N0402", "N0403", "N0301"] {
            assert!(!told.contains(word), "{path}: `{word}` is noise: {told}");
        }
    }
}

#[test]
fn responses_in_a_data_file_that_cannot_be_read_are_not_called_undefined() {
    let project = Project::tiny();
    project.write("data/faq.yml", "responses:\n  utter_faq:\n  - text: [\n");
    project.edit("data/rules.yml", "action: utter_done", "action: utter_faq");
    let told = findings(&project);
    assert!(told.contains("data/faq.yml:") && !told.contains("E0401"), "{told}");
}

#[test]
fn a_file_among_the_data_that_is_no_yaml_hides_nothing() {
    let project = project_with_unused_parts();
    project.write("data/stray.json", "{\"a\": [}");
    let told = project.sapa(&["data", "validate"]).err;
    assert!(told.contains("W0205") && told.contains("N0402"), "{told}");
}

#[test]
fn a_tab_before_a_list_item_has_the_code_of_tabs_wherever_it_stands() {
    for (what, text, line) in [
        ("first item", "rules:\n- rule: a\n  steps:\n\t- intent: greet\n  - action: utter_greet\n", 4),
        ("behind a blank line", "rules:\n- rule: a\n  steps:\n  - intent: greet\n\n\t- action: utter_greet\n", 6),
        ("behind a comment", "rules:\n- rule: a\n  steps:\n  - intent: greet\n\n  # c\n\n\t- action: utter_greet\n", 8),
        ("behind spaces", "rules:\n- rule: a\n  steps:\n  - intent: greet\n  \t- action: utter_greet\n", 5),
        ("a key", "rules:\n- rule: a\n\n\tsteps:\n", 4),
    ] {
        let project = Project::tiny();
        project.write("data/rules.yml", text);
        let told = findings(&project);
        assert!(told.contains("E0103") && !told.contains("E0102"), "{what}: {told}");
        assert!(told.contains(&format!("data/rules.yml:{line}:")), "{what}: {told}");
    }
}

#[test]
fn a_mistyped_option_is_named_with_the_one_that_was_meant() {
    let project = Project::tiny();
    project.edit("config.yml", "- name: MemoizationPolicy", "  max_itter: 50\n  epochs: 5\nPOLICY");
    project.edit("config.yml", "policies:\n", "");
    project.edit("config.yml", "POLICY", "policies:\n- name: MemoizationPolicy\n  max_histroy: 3");
    let config = std::fs::read_to_string(project.path("config.yml")).expect("a file");
    let told = project.sapa(&["train"]);
    assert_eq!(told.code, Some(0), "{config}{told:?}");
    for words in [
        "`max_itter` is not an option of LogisticRegressionClassifier",
        "did you mean `max_iter`?",
        "`epochs` is not an option of LogisticRegressionClassifier",
        "`max_histroy` is not a key of MemoizationPolicy",
        "did you mean `max_history`?",
    ] {
        assert!(told.err.contains(words), "`{words}` is not said: {}", told.err);
    }
}

#[test]
fn a_mistyped_key_of_endpoints_is_named_with_the_one_that_was_meant() {
    let project = Project::tiny().trained();
    project.write(
        "endpoints.yml",
        "action_endpoint: {url: 'http://localhost/', tokn: x}\ntracker_store: {type: SQL, dialct: sqlite}\n",
    );
    let mut server = Server::start(&project, &[]);
    let log = server.stop();
    for words in ["did you mean `token`?", "did you mean `dialect`?"] {
        assert!(log.contains(words), "`{words}` is not said: {log}");
    }
}

#[test]
fn an_intent_that_is_not_in_the_domain_is_shown_at_its_first_example() {
    let project = Project::tiny();
    let extra =
        "nlu:\n- intent: greet\n  examples: |\n    - hey\n- intent: spare\n  examples: |\n\n    - ä one\n    - two\n";
    project.write("data/a.yml", extra);
    project.write("data/b.yml", "nlu:\n- intent: spare\n  examples: |\n    - three\n");
    let told = project.sapa(&["data", "validate"]).err;
    let (_, finding) = told.split_once("warning[W0308]").expect("the finding");
    let (finding, _) = finding.split_once("\n\n").expect("its end");
    for words in ["data/a.yml:8:7", "- ä one", "the first example of `spare`"] {
        assert!(finding.contains(words), "`{words}` is not said: {finding}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_told_by_its_name_with_both_cures() {
    let project = Project::tiny();
    project.edit("domain.yml", "text: Hello!", "text: Hello ${NOBODY_SET_THIS}, you!");
    let told = findings(&project);
    for words in [
        "the environment variable `NOBODY_SET_THIS` is not set",
        "`NOBODY_SET_THIS=…` into `.env`",
        "text that is no variable belongs in quotes",
        "domain.yml:26:",
    ] {
        assert!(told.contains(words), "`{words}` is not said: {told}");
    }
    project.write(".env", "NOBODY_SET_THIS=Ann\n");
    assert_eq!(project.sapa(&["data", "validate"]).code, Some(0), "the cure works");
}

/// Ten aliases of ten aliases, so many levels deep, of a first value.
fn bomb(first: &str, levels: usize) -> String {
    let mut text = format!("x-a0: &a0 {first}\n");
    for level in 1..=levels {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("x-a{level}: &a{level} [{aliases}]\n"));
    }
    text
}

/// Runs the program with at most 400 MB of memory.
fn with_little_memory(project: &Project, arguments: &[&str]) -> Output {
    let program = project.command(&[]).get_program().to_owned();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 400000; exec \"$@\"", "sh"]).arg(program).args(arguments);
    ended(command.current_dir(project.path("")).env_clear().env("PATH", "/usr/bin:/bin"), &project.path(""))
}

#[cfg(target_os = "linux")]
#[test]
fn aliases_that_multiply_or_hold_themselves_are_refused_in_every_file() {
    let merges = |levels: usize| {
        let mut text = "x-m0: &m0 {k: [1, 2, 3, 4, 5, 6, 7, 8, 9]}\n".to_owned();
        for level in 1..=levels {
            let aliases: Vec<String> = (0..10).map(|key| format!("k{key}: {{<<: *m{}}}", level - 1)).collect();
            text.push_str(&format!("x-m{level}: &m{level} {{{}}}\n", aliases.join(", ")));
        }
        text
    };
    let many_words = format!("\"{}\"", "laugh ".repeat(20_000));
    let bombs = [
        ("values", bomb("[x, x, x, x, x, x, x, x, x, x]", 9), "repeat too much"),
        ("text", bomb(&many_words, 4), "repeat too much"),
        ("merge keys", merges(9), "repeat too much"),
        ("itself", "x-a: &a [1, *a]\n".to_owned(), "refers to a value that holds it"),
        ("itself by a merge key", "x-a: &a {b: {<<: *a}}\n".to_owned(), "refers to a value that holds it"),
    ];
    let trained = Project::tiny().trained();
    let model = trained.only_model();
    for (what, text, words) in bombs {
        for (path, command) in [
            ("config.yml", &["train"][..]),
            ("domain.yml", &["data", "validate"]),
            ("data/nlu.yml", &["train"]),
            ("data/rules.yml", &["train", "core"]),
            ("tests/test_a.yml", &["test", "-m", "bot.sapa"]),
            ("endpoints.yml", &["run", "-m", "bot.sapa", "-p", "0"]),
            ("credentials.yml", &["run", "-m", "bot.sapa", "-p", "0"]),
        ] {
            let project = Project::tiny();
            project.write("bot.sapa", &model);
            project.write("tests/test_a.yml", "stories: []\n");
            let before = std::fs::read_to_string(project.path(path)).unwrap_or_default();
            project.write(path, format!("{text}{before}"));
            let output = with_little_memory(&project, command);
            assert_eq!(output.code, Some(1), "{what} in {path}: {output:?}");
            assert!(
                output.err.contains(words) && output.err.contains(&format!("{path}:")),
                "{what} in {path}: {}",
                output.err
            );
        }
    }
}

/// A domain of Rasa 2 with as many slots, and many intents that nothing uses.
fn project_with_many_findings() -> Project {
    let project = Project::tiny();
    let many = |name: &str, count: usize| (0..count).map(|at| format!("{name}{at}")).collect::<Vec<_>>();
    let slots: String = many("s", 9).iter().map(|name| format!("  {name}: {{type: text}}\n")).collect();
    let intents = many("spare", 7).join(", ");
    project.write("domain.yml", format!("intents: [{intents}]\nslots:\n{slots}"));
    project
}

#[test]
fn findings_of_one_cause_are_told_a_few_times_unless_all_are_asked_for() {
    let project = project_with_many_findings();
    let count = |told: &str, code: &str| told.matches(&format!("[{code}]")).count();
    let told = findings(&project);
    assert_eq!((count(&told, "E0503"), count(&told, "N0402"), count(&told, "E0512")), (5, 3, 1), "{told}");
    assert!(told.contains("and 4 more E0503: a slot is not valid; `--all` shows them"), "{told}");
    assert!(told.contains("and 4 more N0402") && told.contains("sapa data migrate"), "{told}");
    for arguments in [&["data", "validate", "--all"][..], &["data", "validate", "-v"], &["train", "--all"]] {
        let all = project.sapa(arguments).err;
        assert_eq!((count(&all, "E0503"), count(&all, "N0402")), (9, 7), "{arguments:?}");
        assert!(!all.contains("more E0503"), "{all}");
    }
}

#[test]
fn programs_get_every_finding_as_data() {
    let project = project_with_many_findings();
    let output = project.sapa(&["data", "validate", "--format", "json"]);
    assert_eq!((output.code, output.err.as_str()), (Some(1), ""), "standard output is data, and nothing else is said");
    let list: Vec<serde_json::Value> = serde_json::from_str(&output.out).expect("JSON");
    let slots: Vec<_> = list.iter().filter(|finding| finding["code"] == "E0503").collect();
    assert_eq!(slots.len(), 9);
    let place = &slots[0]["places"][0];
    assert_eq!((&place["path"], &place["line"], &place["column"]), (&"domain.yml".into(), &3.into(), &3.into()));
    assert!(slots[0]["severity"] == "error" && slots[0]["help"].is_string() && slots[0]["message"].is_string());

    let report = project.sapa(&["data", "validate", "--format", "gitlab", "--out", "report.json"]);
    assert_eq!((report.code, report.out.as_str(), report.err.as_str()), (Some(1), "", ""));
    let text = std::fs::read_to_string(project.path("report.json")).expect("the report");
    let report: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report.len(), list.len());
    assert!(
        report.iter().all(|entry| entry["location"]["lines"]["begin"].is_u64() && entry["fingerprint"].is_string())
    );
}

#[test]
fn a_missing_language_stops_training_only() {
    let project = Project::tiny();
    project.edit("config.yml", "language: en\n", "");
    let checked = project.sapa(&["data", "validate", "--fail-on-warnings"]);
    assert!(checked.code == Some(0) && checked.err.contains("note[N0605]"), "{checked:?}");
    let trained = project.sapa(&["train"]);
    assert!(trained.code == Some(1) && trained.err.contains("error[E0605]"), "{trained:?}");
    assert_eq!(project.sapa(&["train", "core"]).code, Some(0), "stories need no language");
    project.write("config.yml", "");
    assert_eq!(project.sapa(&["data", "validate"]).code, Some(0), "everything has a default");
    assert_eq!(project.sapa(&["train"]).code, Some(1));
}

#[test]
fn stories_that_agree_in_what_policies_see_are_warned_about() {
    let project = Project::tiny();
    let story = |name: &str, first: &str, last: &str| {
        format!(
            "- story: {name}\n  steps:\n  - intent: {first}\n  - action: utter_hours\n  - intent: inform\n  - action: {last}\n"
        )
    };
    project.edit("data/rules.yml", "- rule: greet\n  steps:\n  - intent: greet\n  - action: utter_greet\n", "");
    let (one, two) = (story("one", "hours", "utter_done"), story("two", "greet", "utter_greet"));
    project.write("data/stories.yml", format!("stories:\n{one}{two}"));
    let apart = project.sapa(&["data", "validate", "--fail-on-warnings"]);
    assert_eq!(apart.code, Some(0), "{apart:?}");
    for arguments in [&["data", "validate", "--max-history", "1"][..], &["train", "--validation-max-history", "1"]] {
        let told = project.sapa(arguments);
        assert_eq!(told.code, Some(0), "{told:?}");
        for words in ["warning[W0804]", "data/stories.yml:13:", "7 |   - action: utter_done"] {
            assert!(told.err.contains(words), "`{words}` is not said: {}", told.err);
        }
    }
    let failed = project.sapa(&["data", "validate", "--max-history", "1", "--fail-on-warnings"]);
    assert_eq!(failed.code, Some(1));
}

#[test]
fn one_checkpoint_without_an_end_is_one_finding() {
    let project = project_with_unused_parts();
    let told = project.sapa(&["data", "validate"]).err;
    assert!(told.contains("[W0409]") && !told.contains("[W0802]"), "{told}");
}

#[test]
fn a_slot_that_cannot_be_read_makes_no_contradiction_as_well() {
    let project = Project::tiny();
    let slot = "slots:\n  member:\n    type: bol\n    mappings: [{type: custom}]\n";
    let domain = std::fs::read_to_string(project.path("domain.yml")).expect("a domain");
    project.write("domain.yml", domain.replacen("slots:\n", slot, 1));
    let rule = |value: bool, action: &str| {
        format!(
            "- rule: {action}\n  condition: [{{slot_was_set: [{{member: {value}}}]}}]\n  steps: [{{intent: work}}, {{action: {action}}}]\n"
        )
    };
    project.write("data/members.yml", format!("rules:\n{}{}", rule(true, "utter_hours"), rule(false, "utter_greet")));
    let told = project.sapa(&["data", "validate", "--quiet"]).err;
    assert!(told.contains("E0503") && !told.contains("E0806"), "{told}");
}

#[test]
fn a_misspelt_action_makes_no_contradiction_as_well() {
    let project = Project::tiny();
    let story = "stories:\n- story: again\n  steps:\n  - intent: greet\n  - action: utter_gret\n";
    project.write("data/again.yml", story);
    let told = project.sapa(&["data", "validate", "--quiet"]).err;
    assert!(told.contains("E0401") && told.contains("did you mean `utter_greet`") && !told.contains("E0806"), "{told}");
    // Spelt right and still another action than the rule's: that is one.
    project.write("data/again.yml", story.replace("utter_gret", "utter_hours"));
    let told = project.sapa(&["data", "validate", "--quiet"]).err;
    assert!(told.contains("E0806") && !told.contains("E0401"), "{told}");
}
