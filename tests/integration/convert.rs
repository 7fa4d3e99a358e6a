//! `sapa data convert nlu` and `sapa data split`.

use std::collections::BTreeSet;

use crate::support::Project;

/// NLU data with everything that Rasa's YAML knows.
const RICH: &str = r#"version: "3.1"
nlu:
- intent: greet
  metadata:
    sensitivity: 3
  examples: |
    - hi
    - "hello" \d: [Ann](name), é 😀
- intent: faq/hours
  examples:
  - text: |
      when do
      you open
    metadata:
      source: [web, 1.5, null]
  - text: "-5 # no comment: yes"
- intent: book
  examples: |
    - from [New York]{"entity": "city", "role": "from", "group": "1", "value": "NYC"} to [SF](city:San Francisco)
    - [x y][{"entity": "p"}, {"entity": "q", "value": 7}] then [z] (not an entity)
    - ${HOME} and $5
- intent: greet
  examples: |
    - good morning
- synonym: NYC
  examples: |
    - big apple
- regex: code
  examples: |
    - \d{3}[A-Z]
    - \u00e9+
- lookup: city
  examples: |
    - Rome
    - Åre
- regex: other
  examples: |
    - a|b
- lookup: city
  examples: |
    - Oslo
"#;

fn text(project: &Project, path: &str) -> String {
    std::fs::read_to_string(project.path(path)).expect("a file")
}

fn converted(project: &Project, format: &str, from: &str, to: &str) -> String {
    let output = project.sapa(&["data", "convert", "nlu", "-f", format, "--data", from, "--out", to]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(!output.err.contains("W0311"), "{output:?}");
    text(project, to)
}

#[test]
fn yaml_to_json_and_back_loses_nothing() {
    let project = Project::empty();
    project.write("rich.yml", RICH);
    let json = converted(&project, "json", "rich.yml", "a.json");
    let yaml = converted(&project, "yaml", "a.json", "b.yml");
    assert_eq!(converted(&project, "yaml", "rich.yml", "direct.yml"), yaml);
    // Examples of one intent stand together in YAML: from here on nothing moves.
    let moved = converted(&project, "json", "b.yml", "c.json");
    assert_eq!(converted(&project, "yaml", "c.json", "d.yml"), yaml);
    let examples = |json: &str| {
        let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let data = &value["rasa_nlu_data"];
        let examples: BTreeSet<String> =
            data["common_examples"].as_array().expect("examples").iter().map(ToString::to_string).collect();
        let rest = ["regex_features", "lookup_tables", "entity_synonyms"].map(|key| data[key].clone());
        (examples, rest)
    };
    assert_eq!(examples(&json), examples(&moved));
    assert_eq!(examples(&json).0.len(), 8, "{json}");
    for words in [
        r#"{"text":"when do\nyou open","intent":"faq/hours","metadata":{"example":{"source":["web",1.5,null]}}}"#,
        r#"{"text":"from New York to SF","intent":"book","entities":[{"start":5,"end":13,"value":"NYC","entity":"city","role":"from","group":"1"},{"start":17,"end":19,"value":"San Francisco","entity":"city"}]}"#,
        r#"{"text":"x y then [z] (not an entity)","intent":"book","entities":[{"start":0,"end":3,"value":"x y","entity":"p"},{"start":0,"end":3,"value":7,"entity":"q"}]}"#,
        r#"{"text":"hi","intent":"greet","metadata":{"intent":{"sensitivity":3}}}"#,
    ] {
        assert!(examples(&json).0.contains(words), "{words} is missing: {json}");
    }
    assert!(
        yaml.contains("- [x y][{\"entity\": \"p\"}, {\"entity\": \"q\", \"value\": 7}] then [z] (not an entity)\n"),
        "{yaml}"
    );
}

#[test]
fn formats_of_others_become_yaml_in_a_folder() {
    let project = Project::empty();
    project.write("luis.json", r#"{"luis_schema_version": "7.0", "utterances": [{"text": " fly to Rome ", "intent": "book", "entities": [{"entity": "city", "startPos": 8, "endPos": 11, "role": "to"}]}]}"#);
    let output = project.sapa(&["data", "convert", "nlu", "--data", "luis.json"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(
        text(&project, "converted_data/nlu.yml"),
        "version: \"3.1\"\nnlu:\n- intent: book\n  examples: |\n    - fly to [Rome]{\"entity\": \"city\", \"role\": \"to\"}\n"
    );
    project.write("df/hi.json", r#"{"name": "hi", "responses": []}"#);
    project.write("df/hi_usersays_de.json", r#"[{"data": [{"text": "Hallo"}]}]"#);
    let output = project.sapa(&["data", "convert", "nlu", "--data", "df", "-l", "de", "--out", "df.yml"]);
    assert!(output.code == Some(0) && text(&project, "df.yml").contains("- Hallo"), "{output:?}");
}

#[test]
fn what_yaml_cannot_say_is_left_out_with_its_place() {
    let project = Project::empty();
    let examples = r#"{"text": "see [this](thing)", "intent": "a"},
 {"text": "no intent"},
 {"text": "New York City", "intent": "a", "entities": [{"start": 0, "end": 8, "entity": "state"}, {"start": 4, "end": 13, "entity": "city"}]}"#;
    project.write("a.json", format!("{{\"rasa_nlu_data\": {{\"common_examples\": [\n {examples}],\n \"lookup_tables\": [{{\"name\": \"l\", \"elements\": [\"a\\nb\", \"c\"]}}]}}}}"));
    let output = project.sapa(&["data", "convert", "nlu", "--data", "a.json", "--out", "a.yml"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(output.out.contains("1 examples are in `a.yml`"), "{output:?}");
    for place in ["a.json:2:11", "a.json:3:11", "a.json:4:11", "a.json:5:20"] {
        let finding = output.err.split("\n\n").find(|finding| finding.contains(place));
        assert!(finding.is_some_and(|finding| finding.contains("warning[W0311]")), "{place}: {output:?}");
    }
    assert_eq!(
        text(&project, "a.yml"),
        "version: \"3.1\"\nnlu:\n- intent: a\n  examples: |\n    - [New York](state) City\n- lookup: l\n  examples: |\n    - c\n"
    );
}

#[test]
fn with_errors_nothing_is_converted() {
    let project = Project::empty();
    project.write("a.yml", "nlu:\n- intent: a\n  examples: |\n    - [x]{\"entity\"}\n");
    let output = project.sapa(&["data", "convert", "nlu", "--data", "a.yml", "--out", "b.yml"]);
    assert!(output.code == Some(1) && output.err.contains("a.yml:4:7"), "{output:?}");
    assert!(!project.path("b.yml").exists());
    assert_eq!(project.sapa(&["data", "convert", "nlu"]).code, Some(2), "`--data` is required");
    assert_eq!(project.sapa(&["data", "convert", "nlu", "--data", "none.yml"]).code, Some(1));
}

/// NLU data with so many examples of each intent.
fn examples(counts: &[(&str, usize)]) -> String {
    let mut text = "nlu:\n".to_owned();
    for (intent, count) in counts {
        text.push_str(&format!("- intent: {intent}\n  examples: |\n"));
        (0..*count).for_each(|number| text.push_str(&format!("    - {} {number}\n", intent.replace('/', " "))));
    }
    text + "- synonym: s\n  examples: |\n    - t\n- regex: r\n  examples: |\n    - a+\n- lookup: l\n  examples: |\n    - b\nresponses:\n  utter_faq/x:\n  - text: X ${Y}\n  utter_faq/y:\n  - text: Why\n  utter_other:\n  - text: Z\n"
}

fn lines(text: &str, prefix: &str) -> usize {
    text.lines().filter(|line| line.trim_start().starts_with(&format!("- {prefix} "))).count()
}

#[test]
fn each_intent_gives_the_same_fraction_to_tests() {
    let project = Project::empty();
    project.write("data/nlu.yml", examples(&[("many", 10), ("few", 3), ("lone", 1), ("faq/x", 5), ("faq/y", 1)]));
    let split = project.sapa(&["data", "split", "nlu", "--random-seed", "1"]);
    assert_eq!(split.code, Some(0), "{split:?}");
    let (train, test) =
        (text(&project, "train_test_split/training_data.yml"), text(&project, "train_test_split/test_data.yml"));
    let counts = |text: &str| ["many", "few", "lone", "faq x", "faq y"].map(|name| lines(text, name));
    assert_eq!((counts(&train), counts(&test)), ([8, 2, 1, 4, 1], [2, 1, 0, 1, 0]));
    for words in ["- synonym: s", "- regex: r", "- lookup: l"] {
        assert!(train.contains(words) && !test.contains(words), "{words}");
    }
    let responses = |name: &str| text(&project, &format!("train_test_split/nlg_{name}_data.yml"));
    assert_eq!(
        responses("training"),
        "version: \"3.1\"\nresponses:\n  utter_faq/x:\n  - text: X ${Y}\n  utter_faq/y:\n  - text: Why\n"
    );
    assert_eq!(responses("test"), "version: \"3.1\"\nresponses:\n  utter_faq/x:\n  - text: X ${Y}\n");
}

#[test]
fn a_seed_gives_the_same_parts_again() {
    let project = Project::empty();
    project.write("data/nlu.yml", examples(&[("many", 60)]));
    let split = |seed: &str, out: &str| {
        let output = project.sapa(&[
            "data",
            "split",
            "nlu",
            "-u",
            "data/nlu.yml",
            "--training-fraction",
            "0.5",
            "--random-seed",
            seed,
            "--out",
            out,
        ]);
        assert_eq!(output.code, Some(0), "{output:?}");
        text(&project, &format!("{out}/test_data.yml"))
    };
    let (one, again, other) = (split("1", "a"), split("1", "b"), split("2", "c"));
    assert_eq!(lines(&one, "many"), 30);
    assert!(one == again && one != other, "{one}{other}");
    let told = project.sapa(&["data", "split", "nlu", "--training-fraction", "80"]);
    assert!(told.code == Some(1) && told.err.contains("between 0 and 1"), "{told:?}");
}

#[test]
fn an_example_that_stands_twice_is_not_learnt_and_tested_with() {
    let project = Project::empty();
    let examples = "    - same words\n".repeat(8);
    project.write("data/nlu.yml", format!("nlu:\n- intent: a\n  examples: |\n{examples}    - other words\n"));
    let split = project.sapa(&["data", "split", "nlu", "--training-fraction", "0.5"]);
    assert_eq!(split.code, Some(0), "{split:?}");
    let parts = ["training", "test"].map(|part| text(&project, &format!("train_test_split/{part}_data.yml")));
    assert_eq!(parts.concat().matches("same words").count(), 1, "{parts:?}");
    assert_eq!(parts.concat().matches("other words").count(), 1, "{parts:?}");
}

#[test]
fn stories_are_split_and_all_else_stays_with_training() {
    let project = Project::empty();
    let story = |number: usize| {
        format!(
            "- story: s{number}\n  steps:\n  - intent: \"null\"\n  - action: utter_a\n  - slot_was_set:\n    - a: 1.0\n    - b: \"${{X}}\"\n"
        )
    };
    let stories: String = (0..10).map(story).collect();
    project.write(
        "data/deep/stories.yml",
        format!("version: \"3.1\"\nrules:\n- rule: r\n  steps: []\nstories:\n{stories}"),
    );
    project.write("data/one.yml", format!("stories:\n{}", story(0)));
    project.write("data/nlu.yml", "nlu: []\n");
    let split = project.sapa(&["data", "split", "stories", "--random-seed", "3", "--out", "parts"]);
    assert_eq!(split.code, Some(0), "{split:?}");
    let names: Vec<String> = project.files("parts").into_keys().collect();
    assert_eq!(names, ["test_one.yml", "test_stories.yml", "train_one.yml", "train_stories.yml"]);
    let (train, test) = (text(&project, "parts/train_stories.yml"), text(&project, "parts/test_stories.yml"));
    assert_eq!((train.matches("story: s").count(), test.matches("story: s").count()), (8, 2), "{train}{test}");
    assert!(train.contains("- rule: r") && !test.contains("rule"), "{train}{test}");
    let number = (0..10).find(|number| test.contains(&format!("story: s{number}\n"))).expect("a story");
    assert!(test.contains(&story(number)), "{test}");
    assert!(!train.contains(&format!("story: s{number}\n")));
    assert_eq!(text(&project, "parts/train_one.yml").matches("story: s").count(), 1);
}

#[test]
fn files_of_one_name_in_two_folders_do_not_overwrite_each_other() {
    let project = Project::empty();
    let stories = "stories:\n- story: a\n  steps:\n  - action: x\n- story: b\n  steps:\n  - action: x\n";
    project.write("data/a/s.yml", stories);
    project.write("data/b/s.yml", stories);
    assert_eq!(project.sapa(&["data", "split", "stories"]).code, Some(0));
    let names: Vec<String> = project.files("train_test_split").into_keys().collect();
    assert_eq!(names, ["test_data_a_s.yml", "test_data_b_s.yml", "train_data_a_s.yml", "train_data_b_s.yml"]);
}
