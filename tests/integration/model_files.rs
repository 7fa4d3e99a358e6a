//! Damaged model files are refused with a clear message, by every command.

use std::process::Stdio;

use crate::support::{Output, Project, poll};

/// Runs a command that must end by itself: a server that takes the file would
/// not.
fn ends(project: &Project, arguments: &[&str]) -> Output {
    let mut child = project
        .command(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut took_it = false;
    poll("the refusal of a model file", || match child.try_wait().expect("a status") {
        Some(_) => Some(()),
        None if took_it => None,
        None => {
            took_it = false;
            None
        }
    });
    let output = child.wait_with_output().expect("its output");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Output { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
