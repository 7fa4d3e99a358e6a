//! A window of states as named features.
//!
//! What TEDPolicy's transformer attends to, written down: each part of a state
//! with its distance from now, each part without it, and the pairs that tell
//! contexts apart (spec §2.7, "TED").

use std::fmt::Write as _;

use crate::state::{PrevAction, SlotState, StateView};

/// States further back than this count only as "some time before".
const NEAR: usize = 4;
/// States further back than this do not count at all.
const REACH: usize = 20;

/// Which part of the newest user message the features may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Its intent and entities.
    Intent,
    /// Its text only.
    Text,
    /// Nothing of it: what was expected is the question.
    Before,
}

/// Hands every feature's name to `emit`. `states` is oldest first; the last one
/// is now.
pub(super) fn features(states: &[StateView<'_>], look: Look, emit: &mut dyn FnMut(&str)) {
    let mut out = Names { text: String::new(), emit };
    let turns = Turns::of(states, look);
    for (distance, view) in states.iter().rev().take(REACH).enumerate() {
        let mut atoms = Vec::new();
        state_atoms(view, if distance == 0 { look } else { Look::Intent }, &mut atoms);
        for atom in &atoms {
            out.name(&["b", atom]);
            if distance < NEAR {
                out.name(&[["0", "1", "2", "3"][distance], atom]);
            }
        }
    }
    let Some(now) = states.last() else { return };
    pairs(now, &turns, &mut out);
}

/// Name of the feature that a text has, word for word, while it is answered.
pub(super) fn whole_text(text: &str) -> String {
    format!("0\u{1f}{}\u{1f}", text_atom(text))
}

fn text_atom(text: &str) -> String {
    format!("t:{}", text.trim().to_lowercase())
}

/// Writes names into one buffer.
struct Names<'e> {
    text: String,
    emit: &'e mut dyn FnMut(&str),
}

impl Names<'_> {
    /// Emits the parts, joined by a character that no name holds.
    fn name(&mut self, parts: &[&str]) {
        self.text.clear();
        for part in parts {
            self.text.push_str(part);
            self.text.push('\u{1f}');
        }
        (self.emit)(&self.text);
    }
}

/// What the last turns were, newest first.
struct Turns {
    /// The message that is being answered: its intent or text.
    user: String,
    /// The entities in it.
    entities: String,
    /// The message before it.
    user_before: String,
    /// Actions since that message, oldest first.
    since: Vec<String>,
    /// The last action before the message, listening left out.
    before: String,
}

impl Turns {
    fn of(states: &[StateView<'_>], look: Look) -> Self {
        let mut turns = Self {
            user: String::new(),
            entities: String::new(),
            user_before: String::new(),
            since: Vec::new(),
            before: String::new(),
        };
        let mut listens = 0;
        for view in states.iter().rev().take(REACH) {
            let action = action_atom(view);
            if action == LISTEN {
                listens += 1;
                match listens {
                    1 => {
                        turns.user = user_atom(view, look);
                        let user = view.user().filter(|_| look == Look::Intent);
                        turns.entities = user.map(|user| user.entities.join("\u{1e}")).unwrap_or_default();
                    }
                    2 => turns.user_before = user_atom(view, Look::Intent),
                    _ => break,
                }
            } else if listens == 0 {
                turns.since.push(action);
            } else if listens == 1 && turns.before.is_empty() {
                turns.before = action;
            }
        }
        turns.since.reverse();
        turns
    }
}

const LISTEN: &str = "a:action_listen";

fn pairs(now: &StateView<'_>, turns: &Turns, out: &mut Names<'_>) {
    let since = turns.since.join("\u{1e}");
    let last = turns.since.last().map_or(LISTEN, String::as_str);
    out.name(&["since", &since]);
    out.name(&["turn", &turns.user, &since]);
    out.name(&["turn+entities", &turns.user, &turns.entities, &since]);
    out.name(&["user+last", &turns.user, last]);
    out.name(&["context", &turns.before, &turns.user, &since]);
    out.name(&["users", &turns.user_before, &turns.user, &since]);
    let mut present = Vec::new();
    now.slots().for_each(|(name, slot)| slot_atoms(name, slot, &mut present));
    present.extend(now.active_loop().map(|name| format!("l:{name}")));
    for atom in &present {
        out.name(&["user+slot", &turns.user, last, atom]);
        out.name(&["last+slot", last, atom]);
    }
    let mut signature = present;
    signature.sort_unstable();
    let signature = signature.join("\u{1e}");
    out.name(&["slots", last, &signature]);
    out.name(&["user+slots", &turns.user, last, &signature]);
}

fn action_atom(view: &StateView<'_>) -> String {
    match view.prev_action() {
        Some(PrevAction::Name(name)) => format!("a:{name}"),
        Some(PrevAction::Text(text)) => format!("at:{text}"),
        None => "a:".to_owned(),
    }
}

/// The message of a state as one atom: the intent, or the text.
fn user_atom(view: &StateView<'_>, look: Look) -> String {
    let Some(user) = view.user().filter(|_| look != Look::Before) else { return String::new() };
    match (&user.intent, &user.text) {
        (Some(intent), _) if look == Look::Intent => format!("i:{intent}"),
        (_, Some(text)) => text_atom(text),
        _ => String::new(),
    }
}

/// Each part of a state. A message counts only in the state in which it was
/// listened to (spec §3.3).
fn state_atoms(view: &StateView<'_>, look: Look, atoms: &mut Vec<String>) {
    let action = action_atom(view);
    let listened = action == LISTEN;
    atoms.push(action);
    if listened && let Some(user) = view.user().filter(|_| look != Look::Before) {
        match (&user.intent, &user.text) {
            (Some(intent), _) if look == Look::Intent => {
                atoms.push(format!("i:{intent}"));
                atoms.extend(user.entities.iter().map(|entity| format!("e:{entity}")));
            }
            (_, Some(text)) => {
                atoms.push(text_atom(text));
                text_atoms(text, atoms);
            }
            _ => {}
        }
    }
    view.slots().for_each(|(name, slot)| slot_atoms(name, slot, atoms));
    atoms.extend(view.active_loop().map(|name| format!("l:{name}")));
}

fn slot_atoms(name: &str, slot: &SlotState, atoms: &mut Vec<String>) {
    let SlotState::Features(values) = slot else { return };
    let mut atom = format!("s:{name}");
    for value in values {
        // Tenths tell scaled numbers apart well enough, and do not make every
        // number a feature of its own.
        let _ = write!(atom, ":{:.0}", value * 10.0);
    }
    atoms.push(atom);
}

/// Words of an end-to-end text, their beginnings, and pairs of them.
fn text_atoms(text: &str, atoms: &mut Vec<String>) {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for word in &words {
        atoms.push(format!("w:{word}"));
        let prefix: String = word.chars().take(4).collect();
        atoms.push(format!("p:{prefix}"));
    }
    atoms.extend(words.windows(2).map(|pair| format!("ww:{} {}", pair[0], pair[1])));
}
