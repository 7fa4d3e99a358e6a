//! What mutation starts from: files, and pieces of syntax.

use std::path::Path;

/// Pieces that the readers know something about.
pub const DICTIONARY: [&str; 92] = [
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n- ",
    "\t",
    "\r\n",
    "#",
    "|",
    "|-",
    ">",
    ">2",
    "?",
    "? ",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!x ",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "''",
    "\\",
    "\\n",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\x41",
    "\\U0010FFFF",
    "~",
    "null",
    "true",
    "yes",
    "0o17",
    "0x1F",
    "1_000",
    ".inf",
    "-.nan",
    "1e999",
    "99999999999999999999",
    "2020-01-01",
    "${SET}",
    "${UNSET}",
    "$SET",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "😀",
    "\0",
    "\u{1}",
    "\u{2}",
    "version: \"3.1\"\n",
    "nlu:\n",
    "stories:\n",
    "rules:\n",
    "responses:\n",
    "intents:\n",
    "entities:\n",
    "slots:\n",
    "forms:\n",
    "actions:\n",
    "pipeline:\n",
    "policies:\n",
    "- intent: greet\n",
    "- story: s\n  steps:\n",
    "  examples: |\n    - ",
    "- regex: ",
    "- lookup: ",
    "- synonym: ",
    "checkpoint: ",
    "or:\n",
    "condition:\n",
    "active_loop: ",
    "slot_was_set:\n",
    "[Rome](city)",
    "[Rome](city:value)",
    "[a]{\"entity\": \"city\"}",
    "[a][{\"entity\": \"b\"}, {\"entity\": \"c\"}]",
    "\"role\": \"r\"",
    "/greet",
    "@0.5",
    "{\"city\": \"Rome\"}",
    "[[[[[[[[",
];

/// Largest file taken; larger ones are mutated too slowly to be of use.
const MOST_BYTES: u64 = 8 << 10;

/// The bytes of all files below a folder that are not large, by path.
pub fn read(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            found.extend(read(&path));
        } else if path.metadata().is_ok_and(|file| file.len() <= MOST_BYTES) {
            found.extend(std::fs::read(&path).ok());
        }
    }
    found
}

/// Inputs that every run begins with.
pub fn small() -> Vec<Vec<u8>> {
    DICTIONARY.iter().map(|text| text.as_bytes().to_vec()).collect()
}
