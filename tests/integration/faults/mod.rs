//! Programs that break things: a server killed again and again, the same update many
//! times, a whole crowd in one chat, a Bot API that loses answers, a database that goes
//! away. Each has a short form, which the tests run, and a long one: `./faults.sh` runs
//! those and prints a table.

mod actions;
mod chats;
mod kills;
mod models;
mod rolling;
mod storm;
mod telegram;

use std::io::Write as _;

/// The short form's number, or the long one's; `SAPA_FAULTS` is `long`, or a number for
/// one in between.
fn rounds(short: usize, long: usize) -> usize {
    match std::env::var("SAPA_FAULTS").as_deref() {
        Ok("long") => long,
        Ok(number) => number.parse().unwrap_or(short).min(long),
        Err(_) => short,
    }
}

/// What came of a program.
#[derive(Debug, Default, PartialEq)]
struct Toll {
    /// Servers that were killed.
    kills: usize,
    /// Messages that were acknowledged.
    messages: usize,
    /// Of those: without a turn, or without an answer.
    lost: usize,
    /// Turns too many.
    doubled_turns: usize,
    /// Answers too many.
    doubled_answers: usize,
    /// Answers that are not sent again, as it stays unknown whether they arrived.
    doubtful: usize,
}

/// One line of the table: where `SAPA_FAULT_TABLE` says, and where the tests print.
fn report(what: &str, runs: usize, toll: &Toll) {
    let Toll { kills, messages, lost, doubled_turns, doubled_answers, doubtful } = toll;
    let line = format!(
        "| {what} | {runs} | {kills} | {messages} | {lost} | {doubled_turns} | {doubled_answers} | {doubtful} |"
    );
    println!("{line}");
    if let Some(path) = std::env::var_os("SAPA_FAULT_TABLE") {
        let mut table = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the table");
        writeln!(table, "{line}").expect("a line");
    }
}
