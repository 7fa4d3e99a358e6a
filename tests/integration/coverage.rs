//! `sapa test --coverage`: what of a bot its tests exercise, by file and line.

use serde_json::{Value, json};

use crate::support::{HelpdeskActions, Project, helpdesk_model, repository};

const STORIES: &str = "\
version: \"3.1\"
stories:
- story: both
  steps:
  - intent: greet
  - action: utter_greet
  - intent: hours
  - action: utter_hours
- story: once more
  steps:
  - intent: greet
  - action: utter_greet
";
const GREETING: &str = "stories:\n- story: s\n  steps:\n  - user: hi\n    intent: greet\n  - action: utter_greet\n";
const BOOKING: &str = "```dialogue\n> book a table\n< Which cuisine?\n> italian\n< For how many people?\n```\n";

/// The small bot with stories; one test story and one dialogue.
fn tested() -> Project {
    let project = Project::tiny();
    project.write("data/stories.yml", STORIES);
    project.write("tests/test_greeting.yml", GREETING);
    project.write("tests/booking.md", BOOKING);
    project.trained()
}

fn text(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path("results").join(name)).expect("a report")
}

/// Hits of a file's lines, from `coverage.lcov`.
fn hits(project: &Project, file: &str) -> Vec<(usize, bool)> {
    let lcov = text(project, "coverage.lcov");
    let of_file =
        lcov.split("end_of_record").find(|record| record.contains(&format!("SF:{file}\n"))).expect("the file");
    let line = |line: &str| {
        let (number, hits) = line.strip_prefix("DA:")?.split_once(',')?;
        Some((number.parse().ok()?, hits != "0"))
    };
    of_file.lines().filter_map(line).collect()
}

fn lines(hits: &[(usize, bool)], are_hit: bool) -> Vec<usize> {
    hits.iter().filter(|(_, is_hit)| *is_hit == are_hit).map(|(line, _)| *line).collect()
}

#[test]
fn steps_count_by_what_decided_and_by_what_led_to_it() {
    let project = tested();
    let output = project.sapa(&["test", "core", "--e2e", "--coverage"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    // Greeting and booking were tested; the form was never submitted.
    let rules = hits(&project, "data/rules.yml");
    assert_eq!(lines(&rules, true), [5, 6, 13, 14, 15]);
    assert_eq!(lines(&rules, false), [9, 10, 18, 20, 21, 22, 25, 26, 27]);
    // Both stories begin as the test does, and what follows listening did not happen.
    let stories = hits(&project, "data/stories.yml");
    assert_eq!((lines(&stories, true), lines(&stories, false)), (vec![5, 6, 11, 12], vec![7, 8]));
    for words in [
        "rules: 5 of 14 steps, 35.7 %",
        "stories: 4 of 6 steps, 66.7 %",
        "forms: 1 of 1, 100.0 %",
        "responses: 3 of 7, 42.9 %",
        "intents: 3 of 5, 60.0 %",
        "data/rules.yml:7 rule `hours`",
        "data/stories.yml:7 story `both`: intent hours",
        "response utter_booked",
    ] {
        assert!(output.out.contains(words), "`{words}` is not said: {}", output.out);
    }
}

#[test]
fn the_files_show_the_figures_and_the_lines() {
    let project = tested();
    assert_eq!(project.sapa(&["test", "--coverage", "--no-plot"]).code, Some(0));
    let report: Value = serde_json::from_str(&text(&project, "coverage.json")).expect("JSON");
    assert_eq!(report["summary"]["stories"], json!({"covered": 4, "total": 6, "share": 4.0 / 6.0}));
    let parts = report["parts"].as_array().expect("parts");
    let form = parts.iter().find(|part| part["kind"] == "form").expect("the form");
    assert_eq!((&form["name"], &form["file"]), (&json!("table_form"), &json!("domain.yml")));
    let html = text(&project, "coverage.html");
    assert!(html.contains("<h2>data/rules.yml</h2>") && html.contains("stories (steps)"), "{html}");
    let classes = |class: &str| html.lines().filter(|line| line.contains(&format!("class=\"{class}\""))).count();
    // Rules, stories and the domain, all of whose intents stand in one line.
    assert_eq!((classes("hit"), classes("miss")), (5 + 4 + 5, 9 + 2 + 4));
    assert!(text(&project, "coverage.lcov").contains("LF:14\nLH:5\n"));
}

#[test]
fn a_model_of_other_files_is_refused() {
    let project = tested();
    project.edit("data/rules.yml", "- rule: greet", "# Another line.\n- rule: greet");
    let output = project.sapa(&["test", "--coverage"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("run `sapa train` before `--coverage`"), "{}", output.err);
}

#[test]
fn the_tests_of_the_helpdesk_exercise_its_rules_and_stories() {
    let project = Project::helpdesk();
    let actions = HelpdeskActions::start();
    actions.serve(&project);
    let (model, tests) = (helpdesk_model().to_str().expect("a path"), repository().join("tests"));
    let stories = ["dialogues", "test_stories.yml"].map(|name| tests.join(name).to_string_lossy().into_owned());
    let line = ["test", "core", "--e2e", "--coverage", "--no-plot", "-m", model, "-s", &stories[0], &stories[1]];
    let output = project.sapa(&line);
    assert_eq!(output.code, Some(0), "{output:?}");
    let report: Value = serde_json::from_str(&text(&project, "coverage.json")).expect("JSON");
    for kind in ["rules", "stories"] {
        let share = report["summary"][kind]["share"].as_f64().expect("a share");
        assert!(share >= 0.95, "{kind}: {share}; {}", output.out);
    }
}
