//! `sapa test nlu`: how well messages are understood, through the command line.

use serde_json::{Value, json};

use crate::support::Project;

/// The bytes that every PNG file begins with.
const PNG: &[u8] = b"\x89PNG\r\n";

fn result(project: &Project, name: &str) -> Value {
    let path = project.path("results").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

/// Names of the files below `results/`.
fn written(project: &Project) -> Vec<String> {
    project.files("results").into_keys().collect()
}

fn has_plot(project: &Project, name: &str, words: &[&str]) {
    let files = project.files("results");
    let png = files.get(&format!("{name}.png")).unwrap_or_else(|| panic!("no {name}.png"));
    assert!(png.starts_with(PNG), "{name}.png is no PNG");
    let svg = String::from_utf8(files[&format!("{name}.svg")].clone()).expect("UTF-8");
    assert!(words.iter().all(|word| svg.contains(&format!(">{word}<"))), "{name}.svg lacks some of {words:?}");
}

const HELD_OUT: &str = "\
nlu:
- intent: greet
  examples: |
    - hi
    - hello
    - when do you open
- intent: hours
  examples: |
    - what are your opening hours
";

#[test]
fn intents_are_judged_with_report_errors_and_plots() {
    let project = Project::tiny().trained();
    project.write("held_out.yml", HELD_OUT);
    let output = project.sapa(&["test", "nlu", "-u", "held_out.yml"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("intent: accuracy 0.750") && output.out.contains("1 errors in results"), "{output:?}");
    let report = result(&project, "intent_report.json");
    assert_eq!(report["greet"]["confused_with"], json!({"hours": 1}));
    assert_eq!(report["greet"]["support"], 3);
    assert_eq!((&report["hours"]["precision"], &report["hours"]["recall"]), (&json!(0.5), &json!(1.0)));
    assert_eq!((&report["accuracy"], &report["weighted avg"]["precision"]), (&json!(0.75), &json!(0.875)));
    let errors = result(&project, "intent_errors.json");
    assert_eq!(errors.as_array().map(Vec::len), Some(1));
    assert_eq!((&errors[0]["text"], &errors[0]["intent"]), (&json!("when do you open"), &json!("greet")));
    assert_eq!(errors[0]["intent_prediction"]["name"], "hours");
    has_plot(&project, "intent_confusion_matrix", &["greet", "hours", "True label", "Predicted label"]);
    has_plot(&project, "intent_histogram", &["Wrong: 1", "Right: 3"]);
    assert!(!written(&project).contains(&"intent_successes.json".to_owned()));
}

#[test]
fn flags_say_which_files_are_written() {
    let project = Project::tiny().trained();
    project.write("held_out.yml", HELD_OUT);
    let line = ["test", "nlu", "-u", "held_out.yml", "--successes", "--no-errors", "--no-plot"];
    assert_eq!(project.sapa(&line).code, Some(0));
    assert_eq!(written(&project), ["intent_report.json", "intent_successes.json"]);
    assert_eq!(result(&project, "intent_successes.json").as_array().map(Vec::len), Some(3));
    // Nothing is wrong on what was learnt: no file of errors.
    assert_eq!(project.sapa(&["test", "nlu", "--out", "results/own", "--no-plot"]).code, Some(0));
    assert!(project.path("results/own/intent_report.json").exists());
    assert!(!project.path("results/own/intent_errors.json").exists());
}

#[test]
fn a_fallback_is_undone() {
    let project = Project::tiny();
    let classifier = "- name: LogisticRegressionClassifier\n";
    project.edit("config.yml", classifier, &format!("{classifier}- name: FallbackClassifier\n  threshold: 0.9999\n"));
    let project = project.trained();
    let output = project.sapa(&["test", "nlu", "--no-plot"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(result(&project, "intent_report.json")["accuracy"], 1.0);
}

#[test]
fn entities_are_judged_token_by_token_for_each_extractor() {
    let project = Project::tiny();
    project.edit("config.yml", "policies:", "- name: RegexEntityExtractor\n- name: CRFEntityExtractor\npolicies:");
    let examples = "    - a room in [Rome](city)\n    - a room in [Paris](city)\n    - beds in [Rome](city)\n";
    let lookup = "- lookup: city\n  examples: |\n    - Rome\n";
    project.write("data/more.yml", format!("nlu:\n- intent: inform\n  examples: |\n{examples}{lookup}"));
    let project = project.trained();
    let held_out = "    - a room in [Rome](city)\n    - a room in [New York](city)\n    - [Rome]{\"entity\": \"city\", \"role\": \"to\"} please\n";
    project.write("held_out.yml", format!("nlu:\n- intent: inform\n  examples: |\n{held_out}    - nothing\n"));
    let output = project.sapa(&["test", "nlu", "-u", "held_out.yml", "--successes"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let report = result(&project, "RegexEntityExtractor_report.json");
    // Of `Rome`, `New`, `York` the lookup table knows one; the role makes another label.
    assert_eq!((&report["city"]["support"], &report["city"]["precision"]), (&json!(3), &json!(0.5)));
    assert_eq!(report["city.to"]["confused_with"], json!({"city": 1}));
    assert!(report.get("no_entity").is_none() && report["weighted avg"]["support"] == 4, "{report}");
    let errors = result(&project, "RegexEntityExtractor_errors.json");
    assert_eq!(errors.as_array().map(Vec::len), Some(2));
    assert_eq!(errors[0]["entities"][0]["value"], "New York");
    let right = result(&project, "RegexEntityExtractor_successes.json");
    assert_eq!((right.as_array().map(Vec::len), &right[0]["text"]), (Some(1), &json!("a room in Rome")));
    has_plot(&project, "CRFEntityExtractor_histogram", &[]);
    has_plot(&project, "RegexEntityExtractor_confusion_matrix", &["city", "city.to", "no_entity"]);
    assert!(!written(&project).contains(&"RegexEntityExtractor_histogram.png".to_owned()), "it has no confidences");
    assert!(!written(&project).contains(&"intent_report.json".to_owned()), "one intent is nothing to judge");
}

const FAQ: &str = "\
nlu:
- intent: faq/price
  examples: |
    - how much is it
    - what does it cost
    - what is the price
- intent: faq/parking
  examples: |
    - where can i park
    - is there a parking lot
    - where do i leave my car
";

const FAQ_DOMAIN: &str = "\
intents: [faq]
responses:
  utter_faq/price:
  - text: Ten.
  utter_faq/parking:
  - text: Behind the house.
";

/// The small bot with answers to questions.
pub fn with_faq() -> Project {
    let project = Project::tiny();
    project.edit("config.yml", "policies:", "- name: ResponseSelector\npolicies:");
    project.write("data/faq.yml", FAQ);
    let domain = std::fs::read_to_string(project.path("domain.yml")).expect("the domain");
    project.write("domain/domain.yml", domain);
    project.write("domain/faq.yml", FAQ_DOMAIN);
    let rule = "rules:\n- rule: faq\n  steps:\n  - intent: faq\n  - action: utter_faq\n";
    project.write("data/faq_rules.yml", rule);
    let output = project.sapa(&["train", "-d", "domain"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    project
}

#[test]
fn responses_of_retrieval_intents_are_judged_by_their_keys() {
    let project = with_faq();
    project.write("held_out.yml", FAQ.replace("- where can i park\n", "- how much is it\n"));
    let output = project.sapa(&["test", "nlu", "-u", "held_out.yml"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let report = result(&project, "response_selection_report.json");
    assert_eq!(report["faq/parking"]["confused_with"], json!({"faq/price": 1}));
    assert_eq!(report["faq/price"]["recall"], 1.0);
    let errors = result(&project, "response_selection_errors.json");
    assert_eq!(errors[0]["intent_response_key_target"], "faq/parking");
    assert_eq!(errors[0]["intent_response_key_prediction"]["name"], "faq/price");
    has_plot(&project, "response_selection_confusion_matrix", &["faq/price", "faq/parking"]);
    has_plot(&project, "response_selection_histogram", &["Wrong: 1", "Right: 5"]);
}

#[test]
fn cross_validation_tests_every_example_once_and_leaves_rare_intents_out() {
    let project = Project::tiny();
    let output = project.sapa(&["test", "nlu", "--cross-validation", "-f", "3"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    for words in [
        "left out, with fewer than 3 examples: book, hours, work",
        "fold 3 of 3",
        "intent, train: Accuracy 1.000 (0.000)",
        "intent, test: Accuracy",
    ] {
        assert!(output.out.contains(words), "`{words}` is not said: {}", output.out);
    }
    let report = result(&project, "intent_report.json");
    assert_eq!((&report["greet"]["support"], &report["inform"]["support"]), (&json!(3), &json!(4)));
    let again = project.sapa(&["test", "nlu", "--cross-validation", "-f", "3", "--no-plot"]);
    assert_eq!(again.out, output.out, "the same folds each time");
}

#[test]
fn configurations_are_compared_on_ever_fewer_examples() {
    let project = Project::tiny();
    let examples: String = (0..6).map(|n| format!("    - good day number {n}\n")).collect();
    let other: String = (0..6).map(|n| format!("    - see you later {n}\n")).collect();
    let nlu = format!("nlu:\n- intent: greet\n  examples: |\n{examples}- intent: hours\n  examples: |\n{other}");
    project.write("data/nlu.yml", format!("{nlu}- intent: work\n  examples: |\n    - work\n"));
    let config = std::fs::read_to_string(project.path("config.yml")).expect("the configuration");
    project.write("words.yml", &config);
    project.write("letters.yml", config.replace("Featurizer\n", "Featurizer\n  analyzer: char_wb\n"));
    let line = ["test", "nlu", "-c", "words.yml", "letters.yml", "-r", "2", "-p", "0", "50"];
    let output = project.sapa(&line);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("left out, with fewer than 5 examples: work"), "{}", output.out);
    assert!(output.out.contains("run 2, 50 % left out (6 examples): words F1"), "{}", output.out);
    let results = result(&project, "results.json");
    for name in ["words", "letters"] {
        let runs = results[name].as_array().expect("runs");
        assert!(runs.len() == 2 && runs.iter().all(|run| run.as_array().map(Vec::len) == Some(2)), "{results}");
        assert!(project.path(&format!("results/run_1/50%_exclusion/{name}_report/intent_report.json")).exists());
    }
    has_plot(&project, "nlu_model_comparison_graph", &["words", "letters"]);
}

#[test]
fn what_cannot_be_tested_is_told() {
    let project = Project::tiny();
    for (line, words) in [
        (vec!["test", "nlu"], "no model found"),
        (vec!["test", "nlu", "-u", "dat"], "did you mean `data`"),
        (vec!["test", "nlu", "-c", "confg.yml"], "did you mean `config.yml`"),
        (vec!["test", "nlu", "--cross-validation", "-f", "50"], "fewer `--folds`"),
        (vec!["test", "nlu", "--cross-validation", "-u", "domain.yml"], "no intent has 5 examples"),
    ] {
        let output = project.sapa(&line);
        assert_eq!(output.code, Some(1), "{line:?}: {output:?}");
        assert!(output.err.contains(words), "{line:?}: `{words}` is not said: {}", output.err);
    }
}

#[test]
fn the_whole_test_judges_understanding_too() {
    let project = Project::tiny().trained();
    let output = project.sapa(&["test"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("NLU: 13 examples of data"), "{}", output.out);
    assert_eq!(result(&project, "intent_report.json")["accuracy"], 1.0);
    // Without examples in the usual place there is nothing to judge.
    std::fs::remove_file(project.path("data/nlu.yml")).expect("the examples");
    let output = project.sapa(&["test"]);
    assert!(output.code == Some(0) && !output.out.contains("NLU:"), "{output:?}");
    assert_eq!(project.sapa(&["test", "nlu"]).code, Some(1));
}
