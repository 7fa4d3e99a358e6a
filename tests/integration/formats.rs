//! NLU data in formats other than YAML, read from the data folder.

use serde_json::Value;

use crate::support::Project;

/// A project without NLU data, for the intents of the files below.
fn project() -> Project {
    let project = Project::tiny();
    std::fs::remove_file(project.path("data/nlu.yml")).expect("the NLU data");
    project.write("data/rules.yml", "rules: []\n");
    project.write(
        "domain.yml",
        "intents: [greet, book, None]\nentities: [city, code]\nresponses: {utter_a: [{text: x}]}\n",
    );
    let pipeline = "- name: WhitespaceTokenizer\n- name: RegexFeaturizer\n- name: RegexEntityExtractor\n  use_regexes: true\n- name: CountVectorsFeaturizer\n- name: LogisticRegressionClassifier\n- name: CRFEntityExtractor\n- name: EntitySynonymMapper\npolicies:\n- name: RulePolicy\n";
    project.write("config.yml", format!("recipe: default.v1\nassistant_id: x\nlanguage: en\npipeline:\n{pipeline}"));
    project
}

/// What a model trained on the project's data understands.
fn understood(project: &Project, text: &str) -> Value {
    let trained = project.sapa(&["train", "nlu"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let told = project.sapa_with_input(&["shell", "nlu"], &format!("{text}\n"));
    let (_, json) = told.out.split_once('\n').expect("an answer");
    serde_json::from_str(json.trim_end().trim_end_matches("> ").trim_end()).expect("JSON")
}

/// `entity=value role` of each entity, and the intent.
fn brief(parsed: &Value) -> (String, Vec<String>) {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let entities = parsed["entities"].as_array().expect("entities").iter();
    let brief = |e: &Value| format!("{}={} {}", text(&e["entity"]), text(&e["value"]), text(&e["role"]));
    (text(&parsed["intent"]["name"]), entities.map(brief).collect())
}

fn greetings() -> &'static str {
    r#"{"text": "hello there", "intent": "greet", "entities": []}, {"text": "good morning", "intent": "greet", "entities": []}"#
}

#[test]
fn rasa_nlu_data_is_read_with_regexes_lookups_synonyms_and_tabs() {
    let project = project();
    project.write(
        "data/old.json",
        format!(
            "{{\n\t\"rasa_nlu_data\": {{\n\t\t\"common_examples\": [{}, {}],\n\t\t\"lookup_tables\": [{{\"name\": \"city\", \"elements\": [\"Oslo\"]}}],\n\t\t\"regex_features\": [{{\"name\": \"city\", \"pattern\": \"Xanadu\"}}],\n\t\t\"entity_synonyms\": [{{\"value\": \"Capital\", \"synonyms\": [\"Oslo\"]}}]\n\t}}\n}}\n",
            greetings(),
            r#"{"text": "a room in Rome", "intent": "book", "entities": [{"start": 10, "end": 14, "value": "Roma", "entity": "city", "role": "to"}]}, {"text": "a table in Rome", "intent": "book", "entities": [{"start": 11, "end": 15, "value": "Roma", "entity": "city", "role": "to"}]}"#
        ),
    );
    let parsed = understood(&project, "a table in Oslo or Xanadu");
    assert_eq!(brief(&parsed).0, "book");
    assert!(brief(&parsed).1.contains(&"city=Capital -".to_owned()), "{parsed}");
    assert!(brief(&parsed).1.iter().any(|entity| entity.starts_with("city=Xanadu")), "{parsed}");
    let parsed = understood(&project, "a room in Rome");
    assert_eq!(brief(&parsed).1, ["city=Roma to"], "{parsed}");
}

#[test]
fn luis_applications_are_read() {
    let project = project();
    let utterances = r#"{"text": "a room in Rome", "intent": "book", "entities": [{"entity": "city", "startPos": 10, "endPos": 13, "role": "to"}]}, {"text": "a table in Rome", "intent": "book", "entities": [{"entity": "city", "startPos": 11, "endPos": 14, "role": "to"}]}"#;
    let regexes = r#""regex_entities": [{"name": "city", "regexPattern": "Xanadu"}], "regex_features": [{"name": "city", "pattern": "Nowhere", "activated": false}]"#;
    project.write(
        "data/luis.json",
        format!(r#"{{"luis_schema_version": "7.0.0", "utterances": [{}, {utterances}], {regexes}}}"#, greetings()),
    );
    let parsed = understood(&project, "a room in Rome");
    assert_eq!(brief(&parsed), ("book".to_owned(), vec!["city=Rome to".to_owned()]), "{parsed}");
    assert!(brief(&understood(&project, "good Xanadu")).1[0].starts_with("city=Xanadu"));
    assert!(brief(&understood(&project, "good Nowhere")).1.iter().all(|entity| !entity.ends_with(" -")));
    project.edit("data/luis.json", "7.0.0", "8.0");
    let told = project.sapa(&["data", "validate"]).err;
    assert!(told.contains("W0206") && told.contains("data/luis.json:1:25"), "{told}");
}

#[test]
fn wit_utterances_are_read_with_roles_behind_a_colon() {
    let project = project();
    let utterances = r#"{"text": "a room in Rome", "intent": "book", "entities": [{"entity": "city:to", "start": 10, "end": 14, "body": "Rome", "entities": []}], "traits": []}, {"text": "a table in Rome", "intent": "book", "entities": [{"entity": "city:to", "start": 11, "end": 15, "body": "Rome"}]}, {"text": "blah blah", "entities": []}, {"text": "blah", "entities": []}, {"text": "greet"}"#;
    project.write("data/wit.json", format!(r#"{{"utterances": [{}, {utterances}]}}"#, greetings()));
    let parsed = understood(&project, "a room in Rome");
    assert_eq!(brief(&parsed), ("book".to_owned(), vec!["city=Rome to".to_owned()]), "{parsed}");
    assert_eq!(brief(&understood(&project, "blah blah")).0, "out_of_scope");
}

/// The files of a Dialogflow agent.
fn write_dialogflow(project: &Project) {
    project.write("data/agent.json", r#"{"description": "", "supportedLanguages": ["en"], "language": "en"}"#);
    project.write("data/package.json", r#"{"version": "1.0.0"}"#);
    for (name, says) in [
        (
            "greet",
            r#"[{"data": [{"text": "hello there", "userDefined": false}]}, {"data": [{"text": "good morning"}]}]"#,
        ),
        (
            "book",
            r#"[{"data": [{"text": "é a room in "}, {"text": "Rome", "alias": "city", "meta": "@city"}, {"text": " now", "meta": "@sys.ignore"}]}, {"data": [{"text": "a room in "}, {"text": "Oslo", "alias": "city", "meta": "@city"}, {"text": " with "}, {"text": "b12", "meta": "code"}]}]"#,
        ),
    ] {
        project.write(
            &format!("data/intents/{name}.json"),
            format!(r#"{{"id": "1", "name": "{name}", "responses": [{{"action": "x"}}]}}"#),
        );
        project.write(&format!("data/intents/{name}_usersays_en.json"), says);
        project.write(&format!("data/intents/{name}_usersays_de.json"), r#"[{"data": [{"text": "Guten Tag"}]}]"#);
    }
    project.write("data/entities/city.json", r#"{"id": "2", "name": "city", "isEnum": false, "isRegexp": false}"#);
    project.write(
        "data/entities/city_entries_en.json",
        r#"[{"value": "Eternal City", "synonyms": ["Eternal City", "Rome", "@sys.x"]}]"#,
    );
    project.write("data/entities/code.json", r#"{"id": "3", "name": "code", "isEnum": false, "isRegexp": true}"#);
    project.write("data/entities/code_entries_en.json", r#"[{"value": "[a-z]\\d+", "synonyms": ["[a-z]\\d+"]}]"#);
}

#[test]
fn a_dialogflow_agent_is_read_in_the_language_of_the_project() {
    let project = project();
    write_dialogflow(&project);
    let told = project.sapa(&["data", "validate"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for words in ["holds no training data", "W0203", "Guten"] {
        assert!(!told.err.contains(words), "`{words}` is said: {}", told.err);
    }
    let parsed = understood(&project, "a room in Rome");
    assert_eq!(brief(&parsed).0, "book");
    assert!(brief(&parsed).1.contains(&"city=Eternal City -".to_owned()), "{parsed}");
    let parsed = understood(&project, "good x77");
    assert!(brief(&parsed).1.contains(&"code=x77 -".to_owned()), "{parsed}");

    std::fs::remove_file(project.path("data/intents/book_usersays_en.json")).expect("a file");
    let told = project.sapa(&["data", "validate"]).err;
    assert!(told.contains("W0302") && told.contains("there is no data/intents/book_usersays_en.json"), "{told}");
}

#[test]
fn mistakes_in_json_have_a_line_and_a_column() {
    for (file, text, places) in [
        (
            "a.json",
            "{\"rasa_nlu_data\": {\n \"common_examples\": [\n  {\"text\": \"x\", \"intent\": \"greet\",\n   \"entities\": [{\"start\": 0, \"end\": 9, \"entity\": \"city\"}]},\n  {\"intent\": \"greet\"}, {\"text\": 5}]}}",
            &["E0301 4:17", "E0203 5:3", "E0202 5:33"][..],
        ),
        (
            "l.json",
            "{\"luis_schema_version\": \"7.0\",\n \"utterances\": [{\"text\": \"x\",\n  \"entities\": [{\"entity\": \"city\", \"startPos\": 0, \"endPos\": 4}]}]}",
            &["E0301 3:16"],
        ),
        (
            "w.json",
            "{\"utterances\": [\n {\"text\": \"x\", \"entities\": [{\"start\": 0, \"end\": 1}]}]}",
            &["E0301 2:29"],
        ),
        ("i.json", "{\"name\": 5,\n \"responses\": []}", &["E0202 1:10"]),
        ("b.json", "{\"rasa_nlu_data\": {\"common_examples\": {}}}", &["E0202 1:39"]),
    ] {
        let project = project();
        project.write(&format!("data/{file}"), text);
        let told = project.sapa(&["data", "validate"]);
        assert_eq!(told.code, Some(1), "{file}: {told:?}");
        for place in places {
            let (code, at) = place.split_once(' ').expect("code and place");
            let finding = told.err.split("\n\n").find(|finding| finding.contains(&format!("data/{file}:{at}")));
            assert!(finding.is_some_and(|finding| finding.contains(code)), "{file} {place}: {}", told.err);
        }
    }
}

#[test]
fn json_of_other_programs_is_passed_over_with_a_note() {
    let project = Project::tiny();
    project.write("data/cities.json", "[\"Rome\", \"Oslo\"]");
    project.write("data/settings.json", "{\"a\": 1}");
    let told = project.sapa(&["data", "validate"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for path in ["data/cities.json", "data/settings.json"] {
        assert!(told.err.contains(&format!("{path} holds no training data")), "{}", told.err);
    }
}

#[test]
fn an_example_without_intent_teaches_entities_only() {
    let project = project();
    let lone = r#"{"text": "to Paris", "entities": [{"start": 3, "end": 8, "entity": "city"}]}, {"text": "to Berlin", "entities": [{"start": 3, "end": 9, "entity": "city"}]}"#;
    let book = r#"{"text": "a table", "intent": "book"}, {"text": "a room", "intent": "book"}"#;
    project.write(
        "data/a.json",
        format!(r#"{{"rasa_nlu_data": {{"common_examples": [{}, {book}, {lone}]}}}}"#, greetings()),
    );
    let parsed = understood(&project, "to Paris");
    let names: Vec<&str> =
        parsed["intent_ranking"].as_array().expect("a ranking").iter().filter_map(|i| i["name"].as_str()).collect();
    assert_eq!(names.len(), 2, "{parsed}");
    assert!(names.iter().all(|name| ["greet", "book"].contains(name)), "{parsed}");
    assert_eq!(brief(&parsed).1, ["city=Paris -"], "{parsed}");
}

#[test]
fn a_folder_named_domain_stands_for_a_missing_domain_file() {
    let project = Project::tiny();
    let domain = std::fs::read(project.path("domain.yml")).expect("the domain");
    project.write("domain/all.yml", domain);
    std::fs::remove_file(project.path("domain.yml")).expect("removed");
    let trained = project.sapa(&["train"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    let named = project.sapa(&["train", "-d", "domein.yml"]);
    assert_eq!(named.code, Some(1), "{named:?}");
}
