//! `sapa test core`: test stories, through the command line.

use serde_json::{Value, json};

use crate::support::{Output, Project};

const RIGHT: &str = "- story: right\n  steps:\n  - user: hi\n    intent: greet\n  - action: utter_greet\n";
const WRONG: &str =
    "- story: wrong\n  steps:\n  - user: when do you open\n    intent: greet\n  - action: utter_hours\n";

/// Runs these stories end to end.
fn play(project: &Project, stories: &str, more: &[&str]) -> Output {
    project.write("tests/test_stories.yml", format!("stories:\n{stories}"));
    let output = project.sapa(&[&["test", "core", "--e2e"], more].concat());
    assert_eq!(output.code, Some(0), "{output:?}");
    output
}

fn text(project: &Project, name: &str) -> String {
    let path = project.path("results").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn report(project: &Project) -> Value {
    serde_json::from_str(&text(project, "story_report.json")).expect("JSON")
}

/// Whether the only story of these passes.
fn passes(project: &Project, story: &str) -> bool {
    play(project, story, &["--no-plot"]);
    report(project)["conversation_accuracy"]["correct"] == 1
}

#[test]
fn the_files_say_what_failed_and_what_did_not() {
    let project = Project::tiny().trained();
    play(&project, &format!("{RIGHT}{WRONG}"), &["--successes"]);
    let report = report(&project);
    let conversations = json!({"accuracy": 0.5, "correct": 1, "with_warnings": 0, "total": 2});
    assert_eq!(report["conversation_accuracy"], conversations);
    // Of two intents one is wrong, of four actions two: after `utter_hours` nothing is known.
    assert_eq!((&report["greet"]["recall"], &report["greet"]["support"]), (&json!(0.5), &json!(2)));
    assert_eq!((&report["utter_hours"]["recall"], &report["accuracy"]), (&json!(0.0), &json!(0.5)));
    for average in ["micro avg", "macro avg", "weighted avg"] {
        assert!(report[average]["f1-score"].is_number(), "no {average}: {report}");
    }
    let failed = text(&project, "failed_test_stories.yml");
    for line in [
        "- story: \"wrong\"",
        "intent: greet  # predicted: hours",
        "action: utter_hours  # predicted: utter_greet",
        "action: action_listen  # predicted: action_default_fallback",
    ] {
        assert!(failed.contains(line), "`{line}` is missing: {failed}");
    }
    assert!(failed.contains("      when do you open") && !failed.contains("right"), "{failed}");
    let right = text(&project, "successful_test_stories.yml");
    assert!(right.contains("- story: \"right\"") && !right.contains('#'), "{right}");
    assert_eq!(text(&project, "stories_with_warnings.yml"), "# No warnings for test stories\n");
    let svg = text(&project, "story_confusion_matrix.svg");
    assert!(svg.contains(">utter_hours<") && !svg.contains(">greet<"), "actions alone");
    assert!(project.path("results/story_confusion_matrix.png").exists());
    // What failed can be played again as it is written.
    project.write("again/test_failed.yml", failed);
    let again = project.sapa(&["test", "core", "--e2e", "-s", "again"]);
    assert!(again.out.contains("0 of 1 test stories passed") && again.err.is_empty(), "{again:?}");
}

#[test]
fn files_without_a_story_say_so_and_flags_leave_them_out() {
    let project = Project::tiny().trained();
    play(&project, RIGHT, &[]);
    assert_eq!(text(&project, "failed_test_stories.yml"), "# None of the test stories failed - all good!\n");
    assert!(!project.path("results/successful_test_stories.yml").exists());
    play(&project, WRONG, &["--out", "few", "--no-errors", "--no-warnings", "--no-plot"]);
    assert_eq!(project.files("few").into_keys().collect::<Vec<_>>(), ["story_report.json"]);
    let output = play(&project, &format!("{RIGHT}{WRONG}"), &["--max-stories", "1"]);
    assert!(output.out.contains("1 of 1 test stories passed"), "{}", output.out);
}

#[test]
fn intents_are_taken_as_given_unless_texts_are_to_be_understood() {
    let project = Project::tiny().trained();
    let story = "- story: s\n  steps:\n  - user: hi\n    intent: hours\n  - action: utter_hours\n";
    assert!(!passes(&project, story));
    let output = project.sapa(&["test", "core"]);
    assert!(output.out.contains("1 of 1 test stories passed"), "{output:?}");
    let output = project.sapa(&["test"]);
    assert!(output.out.contains("0 of 1 test stories passed"), "{output:?}");
}

#[test]
fn a_form_that_something_else_is_expected_of_is_taken_to_have_declined() {
    let project = Project::tiny().trained();
    let form = "  - user: book a table\n    intent: book\n  - action: table_form\n  - active_loop: table_form\n";
    let asked = "  - user: when do you open\n    intent: hours\n  - action: utter_hours\n  - action: table_form\n";
    assert!(passes(&project, &format!("- story: s\n  steps:\n{form}{asked}")));
    let other = "  - user: when do you open\n    intent: hours\n  - action: utter_greet\n";
    assert!(!passes(&project, &format!("- story: s\n  steps:\n{form}{other}")));
    assert!(text(&project, "failed_test_stories.yml").contains("utter_greet  # predicted: utter_hours"));
}

#[test]
fn an_unlikely_intent_is_a_warning_and_the_next_prediction_counts() {
    let project = Project::tiny();
    project.edit(
        "data/rules.yml",
        "  - action: utter_greet",
        "  - action: action_unlikely_intent\n  - action: utter_greet",
    );
    let project = project.trained();
    assert!(passes(&project, RIGHT));
    assert_eq!(report(&project)["conversation_accuracy"]["with_warnings"], 1);
    let warned = text(&project, "stories_with_warnings.yml");
    assert!(warned.contains("action: utter_greet  # predicted: action_unlikely_intent"), "{warned}");
}

#[test]
fn the_circuit_breaker_is_a_prediction() {
    let project = Project::tiny().trained();
    let story = "- story: s\n  steps:\n  - user: do the work\n    intent: work\n  - action: action_work\n  - action: utter_done\n";
    assert!(passes(&project, story));
    project.write(".env", "MAX_NUMBER_OF_PREDICTIONS=1\n");
    assert!(!passes(&project, story));
    assert!(text(&project, "failed_test_stories.yml").contains("utter_done  # predicted: circuit breaker tripped"));
}

#[test]
fn entities_compare_by_place_name_and_value_and_not_by_role() {
    let project = Project::tiny();
    project.edit("config.yml", "policies:", "- name: RegexEntityExtractor\n- name: EntitySynonymMapper\npolicies:");
    let lookup = "- lookup: city\n  examples: |\n    - Rome\n    - Milan\n- synonym: rome\n  examples: |\n    - Rome\n";
    let example = "- intent: inform\n  examples: |\n    - a room in [Milan](city)\n";
    project.write("data/cities.yml", format!("nlu:\n{example}{lookup}"));
    let project = project.trained();
    let story = |user: &str| {
        format!("- story: s\n  steps:\n  - intent: inform\n    user: |-\n      {user}\n  - action: action_listen\n")
    };
    let compared = |user: &str| {
        play(&project, &story(user), &["--no-plot"]);
        text(&project, "failed_test_stories.yml")
    };
    let marked = "a room in [Rome]{\"entity\": \"city\", \"value\": \"rome\", \"role\": \"to\"}";
    assert!(!compared(marked).contains("user: |-  #"), "{}", compared(marked));
    for (user, predicted) in [
        ("a room in [Rome](city)", "# predicted: [Rome]{\"entity\": \"city\", \"value\": \"rome\"}"),
        ("a room in Milan", "# predicted: [Milan](city)"),
        ("a [room](city) in [Milan](city)", "# predicted: None"),
    ] {
        assert!(compared(user).contains(&format!("user: |-  {predicted}")), "{}", compared(user));
    }
    assert_eq!(report(&project)["[room](city)"]["recall"], 0.0);
    assert_eq!(report(&project)["[Milan](city)"]["recall"], 1.0);
}

#[test]
fn retrieval_intents_and_actions_count_with_their_full_names() {
    let project = super::understanding::with_faq();
    let story = |intent: &str, text: &str, action: &str| {
        format!("- story: s\n  steps:\n  - user: {text}\n    intent: {intent}\n  - action: {action}\n")
    };
    assert!(passes(&project, &story("faq/price", "what is the price", "utter_faq/price")));
    assert!(passes(&project, &story("faq", "what is the price", "utter_faq")));
    assert!(!passes(&project, &story("faq/parking", "what is the price", "utter_faq/parking")));
    let failed = text(&project, "failed_test_stories.yml");
    for words in ["faq/parking  # predicted: faq/price", "utter_faq/parking  # predicted: utter_faq/price"] {
        assert!(failed.contains(words), "`{words}` is missing: {failed}");
    }
}

#[test]
fn stories_go_on_at_checkpoints() {
    let project = Project::tiny().trained();
    let first =
        "- story: first\n  steps:\n  - user: hi\n    intent: greet\n  - action: utter_greet\n  - checkpoint: greeted\n";
    let then = "- story: then\n  steps:\n  - checkpoint: greeted\n  - user: when do you open\n    intent: hours\n  - action: utter_hours\n";
    let output = play(&project, &format!("{first}{then}"), &[]);
    assert!(output.out.contains("1 of 1 test stories passed") && output.err.is_empty(), "{output:?}");
}

#[test]
fn several_models_are_compared_by_what_they_predict() {
    let project = Project::tiny().trained();
    for (name, folder) in [
        ("good__percentage__1", "all/run_1"),
        ("good__percentage__2", "all/run_1"),
        ("good__percentage__1", "all/run_2"),
    ] {
        assert_eq!(project.sapa(&["train", "--force", "--fixed-model-name", name, "--out", folder]).code, Some(0));
    }
    project.edit("data/rules.yml", "utter_hours", "utter_done");
    assert_eq!(project.sapa(&["train", "--fixed-model-name", "bad", "--out", "all/run_1"]).code, Some(0));
    let stories = format!("{RIGHT}{}", WRONG.replace("greet", "hours"));
    let models = ["all/run_1/good__percentage__1.sapa", "all/run_1/bad.sapa"];
    let output = play(&project, &stories, &["-m", models[0], models[1]]);
    assert!(output.out.contains("bad.sapa: 1 of 2 test stories passed"), "{}", output.out);
    let results = || serde_json::from_str::<Value>(&text(&project, "results.json")).expect("JSON");
    assert_eq!(results(), json!({"good__percentage__1.sapa": [2], "bad.sapa": [1]}));
    play(&project, &stories, &["-m", "all", "--evaluate-model-directory"]);
    assert_eq!(results(), json!({"bad": [[1]], "good": [[2, 2], [2]]}));
}

/// `train core` with several configurations, then `test core` on what it wrote:
/// `num_stories.json` and file names as Rasa's (rasa/core/train.py).
#[test]
fn configurations_are_trained_on_ever_fewer_stories_and_compared() {
    let project = Project::tiny();
    let config = std::fs::read_to_string(project.path("config.yml")).expect("the configuration");
    std::fs::write(project.path("other.yml"), config).expect("a second one");
    let dry = project.sapa(&["train", "core", "-c", "config.yml", "other.yml", "--out", "dry", "--dry-run"]);
    assert!(dry.code == Some(1) && !project.path("dry").exists(), "{dry:?}");
    let line = "train core -c config.yml other.yml --percentages 99 0 --runs 2 --out compared";
    let trained = project.sapa(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(trained.code, Some(0), "{trained:?}");
    for (run, name, percentage) in [(1, "config", 0), (1, "other", 99), (2, "config", 99), (2, "other", 0)] {
        let model = project.path(&format!("compared/run_{run}/{name}__percentage__{percentage}.sapa"));
        assert!(model.is_file(), "{model:?}");
    }
    let counts = std::fs::read_to_string(project.path("compared/num_stories.json")).expect("counts");
    let counts: Vec<usize> = serde_json::from_str(&counts).expect("JSON");
    assert!(counts[0] > 1 && counts[1] == 1, "{counts:?}");
    // Models of dialogue alone: intents are taken as given.
    let story = "stories:\n- story: one\n  steps:\n  - intent: hours\n  - action: utter_hours\n";
    project.write("tests/stories.yml", story);
    let tested = project.sapa(&["test", "core", "-m", "compared", "--evaluate-model-directory"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let results: Value = serde_json::from_str(&text(&project, "results.json")).expect("JSON");
    let of = |name: &str| results[name].as_array().cloned().expect("runs");
    assert_eq!(of("config"), of("other"), "each run leaves the same stories to both");
    assert!(of("config").len() == 2 && of("config").iter().all(|run| run[0] == 1), "{results}");
    assert!(text(&project, "core_model_comparison_graph.svg").contains("Number of stories"));
}

#[test]
fn stories_behind_an_address_are_refused() {
    let project = Project::tiny().trained();
    let output = project.sapa(&["test", "core", "--url", "http://localhost/stories"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("name it with `--stories`"), "{}", output.err);
}
