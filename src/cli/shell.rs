//! `sapa shell [nlu]`: the assistant in the terminal.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use sapa_dialogue::UserMessage;
use sapa_sdk::{EventBody, JsonMap};
use serde_json::Value;

use super::bot::{self, BotArgs};
use super::dotenv::Environment;
use super::logging::LogFlags;
use super::server_flags::{ListeningFlags, StorageFlags};
use super::{idle, models, terminal};
use crate::agent::{Incoming, TurnReport};
use crate::channels::output::pieces;
use crate::channels::rest::new_message_id;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ShellArgs {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    bot: BotArgs,
    /// Conversation to go on with; a new one by default.
    #[arg(long)]
    conversation_id: Option<String>,
    /// Model file or folder, as Rasa takes it at the end of the line.
    model_as_positional: Option<std::path::PathBuf>,
    #[command(flatten)]
    listening: ListeningFlags,
    #[command(flatten)]
    pub(super) log: LogFlags,
    #[command(flatten)]
    storage: StorageFlags,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Print what is understood of each line, as JSON.
    Nlu(BotArgs),
}

/// Runs the command.
pub(super) fn run(args: ShellArgs, debug: bool) -> Result<ExitCode> {
    if let Some(Part::Nlu(bot)) = &args.part {
        return shell_nlu(bot);
    }
    args.storage.refuse()?;
    idle::say(&args.listening.idle());
    let wanted = args.model_as_positional.as_ref().unwrap_or(&args.bot.model);
    let Some(path) = models::find(wanted) else {
        bail!("no model found in `{}`; train one with `sapa train` first", wanted.display());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let environment = Environment::read();
    let endpoints = bot::read_endpoints(&args.bot.endpoints, &environment)?;
    let store = runtime.block_on(bot::open_store(&endpoints))?;
    let agent = bot::agent(&endpoints, Arc::clone(&store), args.bot.request_timeout)?;
    bot::load_model(&agent, &path)?;
    if agent.model()?.dialogue().is_none() {
        return shell_nlu(&args.bot);
    }
    let sender_id = args.conversation_id.clone().unwrap_or_else(new_message_id);
    let (welcome, prompt) = spoken(agent.model()?.language.as_deref());
    terminal::say(welcome);
    let mut lines = Lines::new();
    let mut buttons: Vec<String> = Vec::new();
    while let Some(line) = lines.next(prompt)? {
        let text = line.trim();
        if text == "/stop" {
            break;
        }
        if text.is_empty() {
            continue;
        }
        let text = chosen_button(text, &buttons).unwrap_or(text).to_owned();
        let report = runtime.block_on(agent.handle(incoming(&sender_id, text), &|_| Value::Null))?;
        buttons = show(&report);
        if debug {
            explain(&report);
        }
    }
    runtime.block_on(store.close())?;
    Ok(ExitCode::SUCCESS)
}

/// Welcome and prompt: Indonesian where the bot is, as citizens see it then.
fn spoken(language: Option<&str>) -> (&'static str, &'static str) {
    match language {
        Some("id") => ("Bot siap. Ketik pesan Anda, lalu tekan Enter. Ketik /stop untuk keluar.", "Anda > "),
        _ => ("The bot is ready. Type a message and press Enter. Type /stop to leave.", "You  > "),
    }
}

fn incoming(sender_id: &str, text: String) -> Incoming {
    Incoming {
        sender_id: sender_id.to_owned(),
        channel: "cmdline".to_owned(),
        dedupe_key: None,
        inbox_id: None,
        address: None,
        message: UserMessage {
            text,
            input_channel: "cmdline".to_owned(),
            output_channel: "cmdline".to_owned(),
            message_id: new_message_id(),
            metadata: JsonMap::new(),
            parse_data: None,
        },
    }
}

/// A number chooses the button of that number.
fn chosen_button<'a>(text: &str, buttons: &'a [String]) -> Option<&'a str> {
    let number: usize = text.parse().ok()?;
    buttons.get(number.checked_sub(1)?).map(String::as_str)
}

/// Prints what the bot said; returns the payloads of the numbered buttons.
fn show(report: &TurnReport) -> Vec<String> {
    let mut payloads = Vec::new();
    for piece in report.messages.iter().flat_map(pieces) {
        for (kind, value) in &piece {
            match (kind.as_str(), value) {
                ("text", Value::String(text)) => terminal::say(&format!("Bot  > {text}")),
                ("buttons", Value::Array(list)) => list.iter().for_each(|button| {
                    let part = |key: &str| button.get(key).and_then(Value::as_str).unwrap_or_default();
                    let payload = if part("payload").is_empty() { part("title") } else { part("payload") };
                    payloads.push(payload.to_owned());
                    terminal::say(&format!("       {}: {}", payloads.len(), part("title")));
                }),
                ("image", Value::String(url)) => terminal::say(&format!("Bot  > Image: {url}")),
                (kind, value) => terminal::say(&format!("Bot  > {kind}: {value}")),
            }
        }
    }
    payloads
}

/// What was understood, which slots were set, and why each action ran.
fn explain(report: &TurnReport) {
    for event in &report.events {
        match &event.body {
            EventBody::User { parse_data, .. } => {
                let name = parse_data.intent.name.as_deref().unwrap_or("-");
                terminal::say(&format!("     | intent {name} ({:.2})", parse_data.intent.confidence));
                for entity in &parse_data.entities {
                    let by = entity.extractor.as_deref().unwrap_or("-");
                    terminal::say(&format!("     | entity {}={} ({by})", entity.entity, entity.value));
                }
            }
            EventBody::Slot { name, value } => terminal::say(&format!("     | slot {name}={value}")),
            EventBody::ActiveLoop { name } => {
                terminal::say(&format!("     | loop {}", name.as_deref().unwrap_or("ends")))
            }
            EventBody::ActionExecutionRejected { name, .. } => terminal::say(&format!("     | {name} declined")),
            _ => {}
        }
    }
    for decision in &report.decisions {
        let place = decision.cause.place.as_deref().map(|place| format!(" at {place}")).unwrap_or_default();
        terminal::say(&format!(
            "     | {} <- {} ({:.2}): {}{place}",
            decision.action, decision.policy, decision.confidence, decision.cause.what
        ));
    }
    for warning in &report.warnings {
        terminal::say(&format!("     | warning: {warning}"));
    }
}

fn shell_nlu(args: &BotArgs) -> Result<ExitCode> {
    let Some(path) = models::find(&args.model) else {
        bail!("no model found in `{}`; train one with `sapa train nlu` first", args.model.display());
    };
    let model = models::load(&path)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let understanding = bot::understanding(&bot::read_endpoints(&args.endpoints, &Environment::read())?)?;
    terminal::note("NLU is ready. Type a message and press Enter. Type /stop to leave.");
    let mut lines = Lines::new();
    while let Some(line) = lines.next("> ")? {
        if line.trim() == "/stop" {
            break;
        }
        terminal::say(&serde_json::to_string_pretty(&runtime.block_on(understanding.parse(
            &model,
            line.trim(),
            None,
        )))?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes of the longest line that is read, as of the largest body of the server.
const LONGEST_LINE: usize = 1 << 20;

/// Lines of a terminal with editing and history, or of a pipe.
enum Lines {
    Terminal(Box<rustyline::DefaultEditor>),
    Pipe(std::io::StdinLock<'static>),
}

impl Lines {
    fn new() -> Self {
        if std::io::stdin().is_terminal()
            && let Ok(editor) = rustyline::DefaultEditor::new()
        {
            return Self::Terminal(Box::new(editor));
        }
        Self::Pipe(std::io::stdin().lock())
    }

    /// The next line; `None` at the end. A line that is no UTF-8 is read with
    /// replacement characters.
    fn next(&mut self, prompt: &str) -> Result<Option<String>> {
        match self {
            Self::Terminal(editor) => match editor.readline(prompt) {
                Ok(line) => {
                    let _ = editor.add_history_entry(&line);
                    Ok(Some(line))
                }
                Err(rustyline::error::ReadlineError::Eof | rustyline::error::ReadlineError::Interrupted) => Ok(None),
                Err(error) => Err(error.into()),
            },
            Self::Pipe(input) => {
                let mut line = Vec::new();
                // One byte more tells a line that is too long.
                if input.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line)? == 0 {
                    return Ok(None);
                }
                if line.len() > LONGEST_LINE {
                    bail!("a line of more than {LONGEST_LINE} bytes is no message");
                }
                let line = String::from_utf8_lossy(&line).into_owned();
                // What was piped in stands in the transcript.
                terminal::ask(&format!("{prompt}{}\n", line.trim_end()));
                Ok(Some(line))
            }
        }
    }
}
