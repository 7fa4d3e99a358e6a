//! Damaged model files are refused with a clear message, by every command.

use std::process::{Child, Stdio};

use crate::support::{Output, Project, poll};

/// A process that is killed when the test ends, whatever happens.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the server on a file that it must refuse: one that takes the file goes
/// on running, which fails the test.
fn run_server(project: &Project) -> Output {
    let mut command = project.command(&["run", "-i", "127.0.0.1", "-p", "0", "-m", "bad.sapa"]);
    let log = project.path("log");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).expect("a log"));
    let mut server = Killed(command.spawn().expect("the program starts"));
    let status = poll("the refusal of a model file", || server.0.try_wait().expect("a status"));
    Output { code: status.code(), out: String::new(), err: std::fs::read_to_string(log).expect("a log") }
}

/// Files made from a sound one, with what is wrong in them.
fn damaged(sound: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for length in [0, 1, 8, 63, 64, 65, 500, sound.len() / 2, sound.len() - 1] {
        files.push((format!("cut to {length} bytes"), sound[..length].to_vec()));
    }
    for at in (0..sound.len()).step_by(sound.len() / 24).chain([8, 16, 24, 32, 63, sound.len() - 1]) {
        let mut bytes = sound.to_vec();
        bytes[at] ^= 1;
        files.push((format!("byte {at} flipped"), bytes));
    }
    files.push(("a byte too many".to_owned(), [sound, b"\0"].concat()));
    files.push(("a text".to_owned(), b"intents:\n- greet\n".repeat(100)));
    files.push(("an archive".to_owned(), [&[0x1f, 0x8b, 8, 0][..], &[0; 4096]].concat()));
    files
}

#[test]
fn a_damaged_model_is_refused_with_a_cure_by_the_server_and_the_shell() {
    let project = Project::tiny().trained();
    for (what, bytes) in damaged(&project.only_model()) {
        project.write("bad.sapa", bytes);
        let shell = project.sapa_with_input(&["shell", "nlu", "-m", "bad.sapa"], "hello\n");
        for (command, output) in [("run", run_server(&project)), ("shell nlu", shell)] {
            assert_eq!(output.code, Some(1), "{what}, {command}: {output:?}");
            assert!(
                output.err.contains("`bad.sapa`") && output.err.contains("sapa train"),
                "{what}, {command}: {}",
                output.err
            );
            assert!(!output.err.contains("panicked") && output.out.is_empty(), "{what}, {command}: {output:?}");
        }
    }
}

#[test]
fn a_damaged_newest_model_does_not_keep_training_from_writing_a_new_one() {
    let project = Project::tiny().trained();
    let sound = project.only_model();
    let name = project.files("models").into_keys().next().expect("a model");
    project.write(&format!("models/{name}"), &sound[..100]);
    let output = project.sapa(&["train", "--fixed-model-name", "new"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(project.files("models")["new.sapa"], sound);
}

#[test]
fn without_a_model_the_server_says_what_to_do_and_with_the_api_it_starts_empty() {
    let project = Project::tiny();
    let output = project.sapa(&["run", "-i", "127.0.0.1", "-p", "0"]);
    assert_eq!(output.code, Some(0), "as Rasa: {output:?}");
    assert!(output.out.contains("sapa train"), "{output:?}");

    let server = crate::support::Server::with_api(&project);
    assert_eq!(server.get("/health").status, 503);
    assert_eq!(server.get("/status").status, 409);
    let reply = server.post("/webhooks/rest/webhook", r#"{"sender":"a","message":"hi"}"#);
    assert_eq!(reply.status, 409, "a message that is not handled is no empty 200: {reply:?}");
}
