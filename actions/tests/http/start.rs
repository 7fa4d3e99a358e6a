//! The program itself.

use std::process::Command;

#[test]
fn a_taken_port_is_one_line_with_a_cure() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let people = concat!(env!("CARGO_MANIFEST_DIR"), "/data_pengguna.json");
    let output = Command::new(env!("CARGO_BIN_EXE_helpdesk-actions"))
        .args(["run", "--people", people, "--port", &address.port().to_string()])
        .current_dir(folder.path())
        .env_clear()
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    for words in ["error: cannot listen on", &address.to_string(), "--port"] {
        assert!(text.contains(words), "`{words}` is not said: {text}");
    }
}
