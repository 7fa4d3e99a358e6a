//! `sapa bench nlu`: a pipeline judged on data sets, through the command line.

use serde_json::Value;

use crate::support::Project;

/// Two intents that share no word, and one that means "none of them".
const TRAIN: &str = "\
nlu:
- intent: fly
  examples: |
    - a flight to [Kendari](city)
    - a flight to [Raha](city)
    - a flight to [Wakatobi](city) please
    - book a flight to [Kendari](city)
- intent: weather
  examples: |
    - will it rain
    - is it sunny today
    - how much rain falls
    - is it cold outside
- intent: oos
  examples: |
    - sing me something
    - who are you
    - tell jokes
    - sing jokes
";

const TEST: &str = "\
nlu:
- intent: fly
  examples: |
    - a flight to [Raha](city) please
- intent: weather
  examples: |
    - is it rain outside
- intent: nobody_knows_this
  examples: |
    - sing jokes please
";

fn figures(project: &Project, arguments: &[&str]) -> Value {
    let line = [&["bench", "nlu", "set", "--json", "figures.json"], arguments].concat();
    let output = project.sapa(&line);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("| set | "), "{output:?}");
    let text = std::fs::read_to_string(project.path("figures.json")).expect("figures");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_data_set_is_learnt_and_judged() {
    let project = Project::tiny();
    project.write("set/train.yml", TRAIN);
    project.write("set/test.yml", TEST);
    let found = figures(&project, &[]);
    assert_eq!(found["judged_on"], "test");
    let set = &found["sets"][0];
    assert_eq!((&set["messages"], &set["examples"], &set["labels"]), (&3.into(), &12.into(), &3.into()));
    // An intent that training does not know is out of scope.
    assert_eq!((&set["in_scope_accuracy"], &set["out_of_scope_recall"]), (&1.0.into(), &1.0.into()));
    assert_eq!(set["entities"]["annotated"], 1);
    assert!(set["intents"]["model_bytes"].as_u64().is_some_and(|bytes| bytes > 100), "{set}");
    assert!(set["parse_micros"]["median"].as_f64().is_some_and(|micros| micros > 0.0), "{set}");
}

#[test]
fn tuning_sees_no_test_message() {
    let project = Project::tiny();
    project.write("set/train.yml", TRAIN);
    project.write("set/test.yml", TEST);
    project.write("set/dev.yml", TEST.replace("- is it rain outside", "- is it cold today\n    - will rain fall"));
    let found = figures(&project, &["--dev", "--intents"]);
    assert_eq!((&found["judged_on"], &found["sets"][0]["messages"]), (&"dev".into(), &4.into()));
    assert_eq!(found["sets"][0]["entities"], Value::Null);
}

#[test]
fn another_pipeline_is_judged_and_a_wrong_one_is_refused() {
    let project = Project::tiny();
    project.write("set/train.yml", TRAIN);
    project.write("set/test.yml", TEST);
    let pipeline =
        "recipe: default.v1\nlanguage: en\npipeline:\n- name: WhitespaceTokenizer\n- name: KeywordIntentClassifier\n";
    project.write("other.yml", pipeline);
    let found = figures(&project, &["--config", "other.yml"]);
    // No message of the test holds a whole one of the training data.
    assert_eq!(found["sets"][0]["in_scope_accuracy"], 0.5, "{found}");
    assert_eq!(found["sets"][0]["entities"]["exact_f1"], 0.0, "{found}");
    project.write("other.yml", pipeline.replace("Keyword", "Keywrod"));
    let output = project.sapa(&["bench", "nlu", "set", "--config", "other.yml"]);
    assert!(output.code == Some(1) && output.err.contains("KeywrodIntentClassifier"), "{output:?}");
}

#[test]
fn what_is_no_data_set_is_named() {
    let project = Project::tiny();
    let output = project.sapa(&["bench", "nlu", "nothing_here"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("nothing_here/train.yml"), "{output:?}");
    let output = project.sapa(&["bench", "nlu"]);
    assert!(output.code == Some(1) && output.err.contains("--train"), "{output:?}");
}
