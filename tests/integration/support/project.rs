//! Projects in temporary folders, and the program run in them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::poll;

const CONFIG: &str = "\
recipe: default.v1
assistant_id: tiny
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
policies:
- name: MemoizationPolicy
- name: RulePolicy
";

const DOMAIN: &str = r#"version: "3.1"
intents: [greet, hours, book, inform, work]
entities: [city]
slots:
  cuisine:
    type: text
    influence_conversation: false
    mappings:
    - type: from_text
      not_intent: [greet, hours, book, work]
      conditions: [{active_loop: table_form, requested_slot: cuisine}]
  people:
    type: text
    influence_conversation: false
    mappings:
    - type: from_text
      not_intent: [greet, hours, book, work]
      conditions: [{active_loop: table_form, requested_slot: people}]
forms:
  table_form:
    required_slots: [cuisine, people]
actions:
- action_work
responses:
  utter_greet:
  - text: Hello!
  utter_hours:
  - text: We are open from nine to five.
  utter_ask_cuisine:
  - text: Which cuisine?
    buttons:
    - {title: Italian, payload: italian}
    - {title: Thai, payload: thai}
  utter_ask_people:
  - text: For how many people?
  utter_booked:
  - text: "Booked: {cuisine} for {people}."
  utter_done:
  - text: Done.
  utter_action_failed:
  - text: Sorry, something is broken.
"#;

const NLU: &str = r#"version: "3.1"
nlu:
- intent: greet
  examples: |
    - hi
    - hello
    - good morning
- intent: hours
  examples: |
    - when do you open
    - what are your opening hours
- intent: book
  examples: |
    - book a table
    - i want to reserve a table
- intent: inform
  examples: |
    - italian
    - thai
    - four
    - six people
- intent: work
  examples: |
    - do the work
    - please work now
"#;

const RULES: &str = r#"version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: hours
  steps:
  - intent: hours
  - action: utter_hours
- rule: book
  steps:
  - intent: book
  - action: table_form
  - active_loop: table_form
- rule: booked
  condition:
  - active_loop: table_form
  steps:
  - action: table_form
  - active_loop: null
  - action: utter_booked
- rule: work
  steps:
  - intent: work
  - action: action_work
  - action: utter_done
"#;

/// A store in a file of the project's folder.
const ENDPOINTS: &str = "tracker_store: {type: SQL, dialect: sqlite, db: conversations.db}\n";

/// What the program said and how it ended.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A process that is killed when the test ends, whatever happens.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the program of that name was built.
pub fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_sapa")).with_file_name(name)
}

/// The same command with no more than so many KiB for each file that it writes, as on
/// a disk that is nearly full.
pub fn short_of_disk(plain: &Command, kib: u32) -> Command {
    let mut limited = Command::new("bash");
    // With the signal ignored, a write beyond the limit fails instead.
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"")]);
    limited.arg(plain.get_program()).args(plain.get_args());
    limited.current_dir(plain.get_current_dir().expect("a folder"));
    // Of this process's variables it has what the programs of the tests have: none.
    limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

/// Waits until a program ends that might not, and fails the test when it does
/// not.
pub fn ended(command: &mut Command, folder: &Path) -> Output {
    let file = |name: &str| folder.join(name);
    let create = |name: &str| std::fs::File::create(file(name)).expect("a file for its output");
    command.stdin(Stdio::null()).stdout(create("stdout.log")).stderr(create("stderr.log"));
    let mut program = Killed(command.spawn().expect("the program starts"));
    let status = poll("the program's end", || program.0.try_wait().expect("a status"));
    let text = |name: &str| std::fs::read_to_string(file(name)).expect("its output");
    Output { code: status.code(), out: text("stdout.log"), err: text("stderr.log") }
}

/// A project in a folder of its own, which goes away with this value.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A small English bot: greets, tells its hours, books a table in a form,
    /// and has one custom action.
    pub fn tiny() -> Self {
        let project = Self::empty();
        project.write("config.yml", CONFIG);
        project.write("domain.yml", DOMAIN);
        project.write("endpoints.yml", ENDPOINTS);
        project.write("data/nlu.yml", NLU);
        project.write("data/rules.yml", RULES);
        project
    }

    /// The helpdesk bot of this repository, without a model.
    pub fn helpdesk() -> Self {
        let project = Self::empty();
        project.write("endpoints.yml", ENDPOINTS);
        for (path, bytes) in helpdesk_sources() {
            project.write(&path, bytes);
        }
        project
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Replaces text in a file; the text must be there.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(path)).expect("a file");
        assert!(text.contains(from), "{path} has no `{from}`");
        self.write(path, text.replacen(from, to, 1));
    }

    /// A path in the project's folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The program, to be run in the project's folder and with no variable of
    /// this process.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sapa"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command
    }

    /// Runs the program until it ends.
    pub fn sapa(&self, arguments: &[&str]) -> Output {
        self.sapa_with_input(arguments, "")
    }

    /// Runs the program with these lines on its standard input.
    pub fn sapa_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that ended before it read everything is judged by its output.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("its output");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Output { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs the program where it might go on for ever.
    pub fn sapa_that_ends(&self, arguments: &[&str]) -> Output {
        ended(&mut self.command(arguments), self.folder.path())
    }

    /// Trains; fails the test when that fails.
    pub fn trained(self) -> Self {
        let output = self.sapa(&["train"]);
        assert_eq!(output.code, Some(0), "{}", output.err);
        self
    }

    /// The names and contents of all files below a folder; empty without it.
    pub fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(folder), "", &mut files);
        files
    }

    /// The bytes of the only model.
    pub fn only_model(&self) -> Vec<u8> {
        let models: Vec<Vec<u8>> = self.files("models").into_values().collect();
        let [model] = <[Vec<u8>; 1]>::try_from(models).expect("one model");
        model
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(path).expect("a file"));
        }
    }
}

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The helpdesk bot's sources, by path.
pub fn helpdesk_sources() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(&repository().join("data"), "data/", &mut files);
    for name in ["config.yml", "domain.yml"] {
        files.insert(name.to_owned(), std::fs::read(repository().join(name)).expect("a file"));
    }
    files
}

/// A model of the helpdesk bot, trained once for all tests.
pub fn helpdesk_model() -> &'static Path {
    static MODEL: LazyLock<PathBuf> = LazyLock::new(|| {
        let project = Project::helpdesk();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let arguments = ["train", "--fixed-model-name", "helpdesk", "--out", folder.to_str().expect("a path")];
        let output = project.sapa(&[&arguments[..], &["--force"]].concat());
        assert_eq!(output.code, Some(0), "{}", output.err);
        folder.join("helpdesk.sapa")
    });
    &MODEL
}
