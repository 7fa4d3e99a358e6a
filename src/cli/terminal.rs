//! What goes to the terminal. Commands print here and nowhere else.

use std::io::{IsTerminal as _, Write as _};

/// Whether standard error is a terminal that shows colours.
pub(super) fn has_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A line on standard output. A reader who went away is no error.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Text without a line end on standard output.
pub(super) fn ask(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = write!(out, "{text}");
    let _ = out.flush();
}

/// A line on standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// An error, red where there are colours.
pub(super) fn error(text: &str) {
    let (on, off) = if has_colour() { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
    note(&format!("{on}error: {text}{off}"));
}
