//! Damaged model files are refused with a clear message, by every command.

use crate::support::{Output, Project};

/// Runs the server on a file that it must refuse: one that takes the file goes
/// on running, which fails the test.
fn run_server(project: &Project) -> Output {
    project.sapa_that_ends(&["run", "-i", "127.0.0.1", "-p", "0", "-m", "bad.sapa"])
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

/// Makes a file of `models/` younger than the others.
fn make_newest(project: &Project, path: &str) {
    let file = std::fs::File::options().append(true).open(project.path(path)).expect("a file");
    let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
    file.set_modified(tomorrow).expect("a time");
}

#[test]
fn folders_and_other_files_among_the_models_do_not_hide_the_newest_one() {
    let project = Project::tiny().trained();
    project.write("tests/greet.md", "```dialogue\n> hi\n< Hello!\n```\n");
    project.write("models/zz.sapa/inside.txt", "a folder that is named like a model");
    for junk in ["models/notes.txt", "models/.hidden.sapa", "models/zz.sapa.part", "models/old.tar.gz"] {
        project.write(junk, "no model");
        make_newest(&project, junk);
    }
    let shell = project.sapa_with_input(&["shell"], "hi\n");
    assert!(shell.code == Some(0) && shell.out.contains("Bot  > Hello!"), "{shell:?}");
    let test = project.sapa(&["test"]);
    assert!(test.code == Some(0) && test.out.contains("1 of 1 dialogues passed"), "{test:?}");
    let server = crate::support::Server::start(&project, &[]);
    assert_eq!(server.texts("a", "hi"), ["Hello!"]);
    let again = project.sapa(&["train"]);
    assert!(again.out.contains("Nothing changed"), "{again:?}");
}

#[test]
fn a_file_that_is_only_named_like_a_model_is_named_with_a_cure_by_every_command() {
    let project = Project::tiny().trained();
    for content in ["", "a text\n"] {
        project.write("models/zz.sapa", content);
        make_newest(&project, "models/zz.sapa");
        for arguments in [&["run", "-i", "127.0.0.1", "-p", "0"][..], &["shell"], &["shell", "nlu"], &["test"]] {
            project.write("tests/greet.md", "```dialogue\n> hi\n< Hello!\n```\n");
            let output = project.sapa_that_ends(arguments);
            assert_eq!(output.code, Some(1), "{arguments:?}: {output:?}");
            for words in ["zz.sapa", "sapa train"] {
                assert!(output.err.contains(words), "{arguments:?}: {}", output.err);
            }
        }
    }
}
