//! Flags of Rasa's that are accepted and mean nothing here.

use super::terminal;

/// Says once which of these flags were given, each with whether it was.
pub(super) fn say(flags: &[(&str, bool)]) {
    let given: Vec<String> = flags.iter().filter(|(_, given)| *given).map(|(flag, _)| format!("`{flag}`")).collect();
    if let [first, rest @ ..] = given.as_slice() {
        let verb = if rest.is_empty() { "has" } else { "have" };
        let names = rest.iter().fold(first.clone(), |names, name| format!("{names}, {name}"));
        terminal::note(&format!("note: {names} {verb} no effect here"));
    }
}
