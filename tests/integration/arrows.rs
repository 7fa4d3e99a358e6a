//! The rooms of `src/` import only rooms above them (Cargo sees to the crates).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::support::repository;

/// Each room and the rooms that it may import.
const ARROWS: [(&str, &[&str]); 8] = [
    ("evaluate", &[]),
    ("store", &[]),
    ("agent", &["store"]),
    ("channels", &["agent"]),
    ("brokers", &["store", "agent"]),
    ("locks", &["store", "agent"]),
    ("server", &["agent", "channels"]),
    ("cli", &["evaluate", "store", "agent", "channels", "brokers", "locks", "server"]),
];

/// Crates that a room must do without: `evaluate` is pure, `store` knows only
/// events, channels hold no database.
const FORBIDDEN: [(&str, &[&str]); 4] = [
    ("evaluate", &["tokio", "sqlx", "axum", "reqwest", "std::fs", "std::net", "std::env", "std::time"]),
    ("store", &["sapa_project", "sapa_nlu", "sapa_dialogue", "sapa_model", "axum", "reqwest"]),
    ("channels", &["sqlx", "sapa_model", "sapa_nlu"]),
    ("server", &["sqlx", "sapa_nlu"]),
];

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// A file without its comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source");
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The rooms that code names after `crate::`, alone or in braces.
fn rooms_in(code: &str) -> BTreeSet<String> {
    let single = Regex::new(r"\bcrate::([a-z_]+)").expect("a pattern");
    let braces = Regex::new(r"\bcrate::\{").expect("a pattern");
    let mut rooms: BTreeSet<String> = single.captures_iter(code).map(|found| found[1].to_owned()).collect();
    for found in braces.find_iter(code) {
        rooms.extend(outer_names(&code[found.end()..]));
    }
    rooms
}

/// The first names of a list's entries, up to the brace that closes it.
fn outer_names(list: &str) -> Vec<String> {
    let (mut depth, mut entry, mut names) = (0_usize, String::new(), Vec::new());
    for character in list.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut entry)),
            _ if depth == 0 => entry.push(character),
            _ => {}
        }
    }
    names.push(entry);
    names
        .iter()
        .filter_map(|entry| entry.trim().split("::").next().map(str::to_owned))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_room_imports_only_rooms_above_it() {
    let src = repository().join("src");
    let mut wrong = Vec::new();
    for (room, allowed) in ARROWS {
        let files = sources(&src.join(room));
        assert!(!files.is_empty(), "{room} is empty");
        for file in files {
            for named in rooms_in(&code(&file)) {
                if named != room && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{} imports crate::{named}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_library_is_a_room_with_arrows() {
    let library = code(&repository().join("src/lib.rs"));
    let declared = Regex::new(r"\bmod ([a-z_]+);").expect("a pattern");
    let modules: BTreeSet<&str> =
        declared.captures_iter(&library).filter_map(|found| found.get(1)).map(|name| name.as_str()).collect();
    assert_eq!(modules, ARROWS.iter().map(|(room, _)| *room).collect());
}

#[test]
fn rooms_do_without_the_crates_that_are_not_theirs() {
    let src = repository().join("src");
    let mut wrong = Vec::new();
    for (room, names) in FORBIDDEN {
        for file in sources(&src.join(room)) {
            let code = code(&file);
            for name in names {
                let word = Regex::new(&format!(r"\b{name}\b(?:::|;)")).expect("a pattern");
                if word.is_match(&code) {
                    wrong.push(format!("{} uses {name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_recognised_however_they_are_written() {
    let code = "use crate::store::Store;\nlet x = crate::agent::f();\nuse crate::{server::{A, b}, cli, channels::rest::{self}};\n";
    assert_eq!(rooms_in(code), ["agent", "channels", "cli", "server", "store"].map(str::to_owned).into());
}
