//! `sapa shell` with lines piped in.

use serde_json::Value;

use crate::support::{HelpdeskActions, Project, helpdesk_model};

/// What the bot said, in order.
fn said(transcript: &str) -> Vec<&str> {
    transcript.lines().filter_map(|line| line.strip_prefix("Bot  > ")).collect()
}

#[test]
fn the_first_two_conversations_of_the_helpdesk_go_through_the_shell() {
    let project = Project::empty();
    let actions = HelpdeskActions::start();
    actions.serve(&project);
    let model = helpdesk_model().to_str().expect("a path");
    let output = project.sapa_with_input(&["shell", "-m", model], "Hai\nLupa password\nPassword SIMASN\n/stop\nHai\n");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let transcript = &output.out;
    let parts = [
        "Anda > Hai",
        "Apa yang bisa kami bantu?",
        "ketik pertanyaan Anda",
        "1: Lupa Password",
        "5: Hubungi Petugas",
        "Anda > Lupa password",
        "Bot  > Password apa yang Anda maksud?",
        "1: SIMASN",
        "Anda > Password SIMASN",
        "Begini cara mengatur ulang password SIMASN:",
        "hubungi BPKSDM di WA 0812-0000-0000",
        "Bot  > Apakah Anda masih membutuhkan bantuan?",
        "1: Ya",
    ];
    let mut rest = transcript.as_str();
    for part in parts {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("`{part}` is not said there:\n{transcript}"));
        rest = after;
    }
    assert_eq!(transcript.matches("Anda > Hai").count(), 1, "/stop ends it");
}

#[test]
fn a_number_chooses_the_button_of_that_number_and_only_of_the_last_message() {
    let project = Project::tiny().trained();
    let chosen = project.sapa_with_input(&["shell"], "book a table\n2\nfour\n").out;
    assert_eq!(said(&chosen), ["Which cuisine?", "For how many people?", "Booked: thai for four."]);
    assert!(chosen.starts_with("The bot is ready") && chosen.contains("You  > book a table"), "{chosen}");
    let typed = project.sapa_with_input(&["shell"], "book a table\n3\n2\n").out;
    assert_eq!(said(&typed).last(), Some(&"Booked: 3 for 2."), "without such a button a number is a text: {typed}");
}

#[test]
fn a_conversation_goes_on_by_its_id_and_others_begin_anew() {
    let project = Project::tiny().trained();
    let shell = |id: &[&str], lines: &str| project.sapa_with_input(&[&["shell"], id].concat(), lines).out;
    let id = ["--conversation-id", "ann"];
    assert_eq!(said(&shell(&id, "book a table\nthai\n")), ["Which cuisine?", "For how many people?"]);
    assert_ne!(said(&shell(&[], "six people\n")), ["Booked: thai for six people."]);
    assert_eq!(said(&shell(&id, "six people\n")), ["Booked: thai for six people."]);
}

#[test]
fn shell_nlu_prints_what_is_understood_as_json() {
    let project = Project::tiny().trained();
    let output = project.sapa_with_input(&["shell", "nlu"], "hello\n/book\n\nwhen do you open\n");
    assert_eq!(output.code, Some(0), "{}", output.err);
    let json: String =
        output.out.lines().filter(|line| !line.starts_with("> ")).map(|line| format!("{line}\n")).collect();
    let parsed: Vec<Value> =
        serde_json::Deserializer::from_str(&json).into_iter().collect::<Result<_, _>>().expect("JSON");
    let intents: Vec<(&str, &str)> = parsed
        .iter()
        .map(|p| (p["text"].as_str().unwrap_or("?"), p["intent"]["name"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(intents[..2], [("hello", "greet"), ("/book", "book")]);
    assert_eq!(intents.last(), Some(&("when do you open", "hours")));
}

#[test]
fn a_line_without_an_end_is_not_read_for_ever() {
    let project = Project::tiny().trained();
    let endless = "a".repeat((1 << 20) + 2);
    let output = project.sapa_with_input(&["shell"], &format!("/greet\n{endless}"));
    assert_eq!(output.code, Some(1), "{}", output.err);
    assert_eq!(said(&output.out), ["Hello!"]);
    assert!(output.err.contains("is no message") && output.err.len() < 10_000, "{}", output.err);
}

#[test]
fn odd_input_neither_ends_nor_breaks_the_shell() {
    let project = Project::tiny().trained();
    let lines = "\n   \n/greet{\"a\n/no_such_intent\n\u{1f600}\n0\n99999999999999999999\n/greet\n";
    let output = project.sapa_with_input(&["shell"], lines);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_eq!(said(&output.out).last(), Some(&"Hello!"), "{}", output.out);
    assert!(!output.err.contains("panicked"), "{}", output.err);
}
