//! Projects made of several: `importers` and `imports` in `config.yml`.

use crate::support::Project;

/// A root configuration that imports `projects/a` and `shared`; `a` imports `b`,
/// which imports `a`.
fn project() -> Project {
    let project = Project::tiny();
    for file in ["domain.yml", "data/nlu.yml", "data/rules.yml"] {
        let text = std::fs::read(project.path(file)).expect("a file");
        project.write(&format!("projects/a/{file}"), text);
        std::fs::remove_file(project.path(file)).expect("a file");
    }
    std::fs::remove_dir(project.path("data")).expect("an empty folder");
    project.edit(
        "config.yml",
        "pipeline:",
        "importers:\n- name: MultiProjectImporter\nimports:\n- projects/a\n- shared\npipeline:",
    );
    project.write("projects/a/config.yml", "imports: [../b]\npipeline: [{name: my.Thing}]\n");
    project.write("projects/a/tests/test_stories.yml", "stories:\n- story: t\n  steps:\n  - action: action_nowhere\n");
    project.write("projects/b/config.yml", "imports: [../a]\n");
    project.write(
        "projects/b/bye.yml",
        "intents: [bye]\nresponses:\n  utter_bye:\n  - text: Bye!\n  utter_greet:\n  - text: Never said.\nnlu:\n- intent: bye\n  examples: |\n    - bye\n    - see you later\nrules:\n- rule: bye\n  steps:\n  - intent: bye\n  - action: utter_bye\n",
    );
    project.write("shared/package.json", "{\"name\": \"x\"}");
    project
}

#[test]
fn imported_projects_are_trained_together() {
    let project = project();
    let trained = project.sapa(&["train"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(!trained.err.contains("my.Thing") && !trained.err.contains("action_nowhere"), "{trained:?}");
    let chat = project.sapa_with_input(&["shell"], "hello\nbye\nwhen do you open\n").out;
    for words in ["Hello!", "Bye!", "We are open"] {
        assert!(chat.contains(words), "`{words}` is not said: {chat}");
    }
}

#[test]
fn the_domain_of_the_project_itself_wins() {
    let project = project();
    project.write("domain.yml", "responses:\n  utter_bye:\n  - text: So long.\n");
    let trained = project.sapa(&["train"]);
    assert_eq!(trained.code, Some(0), "{trained:?}");
    assert!(trained.err.contains("the response `utter_bye` stands in two"), "{trained:?}");
    assert!(project.sapa_with_input(&["shell"], "bye\n").out.contains("So long."));
}

#[test]
fn a_change_in_an_imported_project_is_a_reason_to_train() {
    let project = project().trained();
    assert_eq!(project.sapa(&["train", "--dry-run"]).code, Some(0));
    project.edit("projects/b/bye.yml", "Bye!", "Good bye!");
    assert_eq!(project.sapa(&["train", "--dry-run"]).code, Some(1));
}

#[test]
fn mistakes_in_imported_files_have_their_place() {
    let project = Project::tiny();
    project.write("shop/bot/config.yml", std::fs::read(project.path("config.yml")).expect("a file"));
    project.edit(
        "shop/bot/config.yml",
        "pipeline:",
        "importers: [{name: MultiProjectImporter}]\nimports: [../more]\npipeline:",
    );
    project.write("shop/more/rules.yml", "rules:\n- rule: r\n  steps:\n  - intent: greet\n  - action: utter_nothing\n");
    let told = project.sapa(&["data", "validate", "-c", "shop/bot/config.yml"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.err.contains(" shop/more/rules.yml:5:5") && told.err.contains("E0401"), "{told:?}");
}

#[test]
fn imports_that_lead_nowhere_are_named() {
    let project = project();
    project.edit("config.yml", "- shared", "- sharde");
    let told = project.sapa(&["train"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.err.contains("did you mean `shared`?"), "{told:?}");
    project.edit("config.yml", "- sharde", "- projects/b/bye.yml");
    let told = project.sapa(&["train"]);
    assert!(told.code == Some(1) && told.err.contains("is no configuration"), "{told:?}");
    project.edit("config.yml", "- projects/b/bye.yml", "- projects/b/config.yml");
    assert_eq!(project.sapa(&["train"]).code, Some(0));
}

#[test]
fn importers_that_are_python_are_refused_and_idle_imports_named() {
    let project = Project::tiny();
    project.edit(
        "config.yml",
        "pipeline:",
        "imports: [more]\nimporters:\n- name: RasaFileImporter\n- name: my.GitImporter\npipeline:",
    );
    let told = project.sapa(&["train"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    for words in ["the importer `my.GitImporter` cannot be served", "config.yml:7:", "W0603", "config.yml:4:"] {
        assert!(told.err.contains(words), "`{words}` is not said: {told:?}");
    }
}

#[test]
fn defaults_fill_an_empty_pipeline_of_one_project_only() {
    for (importers, code, words) in [
        ("[{name: RasaFileImporter}]", Some(0), "N0603"),
        ("[{name: RasaFileImporter}, {name: MultiProjectImporter}]", Some(1), "E0608"),
        ("[{name: rasa.shared.importers.multi_project.MultiProjectImporter}]", Some(1), "E0608"),
    ] {
        let project = Project::tiny();
        project.write(
            "config.yml",
            format!(
                "recipe: default.v1\nassistant_id: x\nlanguage: en\nimporters: {importers}\npipeline:\npolicies:\n"
            ),
        );
        let told = project.sapa(&["data", "validate"]);
        assert_eq!(told.code, code, "{importers}: {told:?}");
        assert!(told.err.contains(words) && told.err.contains("config.yml:5:"), "{importers}: {told:?}");
    }
}
