//! A small shell that keeps a server for tests. It obeys words on its standard
//! input, and when that ends, as it does however this process ends, it stops the
//! server and removes what it made.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// The shell; it ends when this value goes.
pub struct Keeper(Mutex<Inner>);

struct Inner {
    child: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Runs a script, with these arguments, as a user without rights.
    pub fn start<'a>(script: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Self {
        let mut child = unprivileged("sh")
            .args(["-c", script, "sh"])
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let words = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its answers"));
        Self(Mutex::new(Inner { child, words, answers }))
    }

    /// Says a word; what the script answers.
    pub fn tell(&self, word: &str) -> String {
        let mut inner = self.0.lock().expect("the keeper");
        writeln!(inner.words.as_mut().expect("its input"), "{word}").expect("it listens");
        let mut answer = String::new();
        inner.answers.read_line(&mut answer).expect("an answer");
        answer.trim_end().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let inner = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(inner.words.take());
        let _ = inner.child.wait();
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // This process's own files belong to whom it runs as.
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Servers refuse to run as root.
pub fn unprivileged(program: impl AsRef<OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// Gives a file or folder to whom the servers run as.
pub fn own(path: &Path) {
    if is_root() {
        let status = Command::new("chown").arg("postgres").arg(path).status().expect("chown");
        assert!(status.success(), "there is no user `postgres`");
    }
}
