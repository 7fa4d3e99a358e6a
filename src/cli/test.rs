//! `sapa test [core]`: test stories as Rasa's, and literate dialogue tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use sapa_dialogue::UserMessage;
use sapa_project::{FileRole, ProjectFile, load_test_stories, render_text};
use sapa_sdk::JsonMap;
use serde_json::Value;

use super::bot::{self, BotArgs};
use super::dotenv::Environment;
use super::{files, models, terminal};
use crate::agent::{Agent, Incoming};
use crate::channels::rest::new_message_id;
use crate::evaluate::literate::{self, Dialogue};
use crate::evaluate::{report, stories};
use crate::store::Memory;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TestArgs {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Test dialogues.
    Core(Flags),
}

#[derive(Debug, Args)]
struct Flags {
    #[command(flatten)]
    bot: BotArgs,
    /// Files or folders with `test_*.yml` stories and `*.md` dialogues.
    #[arg(short, long, num_args = 1.., default_value = "tests")]
    stories: Vec<PathBuf>,
    /// Folder the reports are written to.
    #[arg(long, default_value = "results")]
    out: PathBuf,
    /// Take the intents as given instead of understanding the texts.
    #[arg(long)]
    no_e2e: bool,
    /// Accepted for compatibility: texts are understood unless `--no-e2e`.
    #[arg(long)]
    e2e: bool,
    /// Exit code 1 when a story fails. (A failed dialogue test always gives 1.)
    #[arg(long)]
    fail_on_prediction_errors: bool,
    #[arg(long, hide = true)]
    no_plot: bool,
    #[arg(long, hide = true)]
    successes: bool,
    #[arg(long, hide = true)]
    no_errors: bool,
    #[arg(long, hide = true)]
    no_warnings: bool,
}

/// Runs the command.
pub(super) fn run(args: &TestArgs) -> Result<ExitCode> {
    let flags = match &args.part {
        Some(Part::Core(flags)) => flags,
        None => &args.flags,
    };
    let Some(model_path) = models::find(&flags.bot.model) else {
        bail!("no model found in `{}`; train one with `sapa train` first", flags.bot.model.display());
    };
    let environment = Environment::read();
    let stories_passed = test_stories(flags, &model_path, &environment)?;
    let dialogues_passed = test_dialogues(flags, &model_path, &environment)?;
    let failed = !dialogues_passed || (!stories_passed && flags.fail_on_prediction_errors);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Test stories: prints what failed, writes the reports. Returns whether all
/// passed.
fn test_stories(flags: &Flags, model_path: &Path, environment: &Environment) -> Result<bool> {
    let files = story_files(&flags.stories)?;
    if files.is_empty() {
        return Ok(true);
    }
    let model = models::load(model_path)?;
    let Some(dialogue) = model.dialogue() else { bail!("the model has no dialogue part to test") };
    let (sources, read, findings) = load_test_stories(files, &|name| environment.get(name), &dialogue.domain);
    if !findings.is_empty() {
        terminal::note(&render_text(&findings, &sources, terminal::has_colour()));
    }
    let parse = |text: &str| model.parse(text);
    let results = stories::evaluate(&read, dialogue, (!flags.no_e2e).then_some(&parse));
    for result in results.iter().filter(|r| !r.passed()) {
        terminal::say(&format!("story `{}` failed:", result.name));
        for step in result.steps.iter().filter(|s| !s.is_right()) {
            terminal::say(&format!("  expected {:?} `{}`, predicted `{}`", step.kind, step.expected, step.predicted));
        }
    }
    let passed = results.iter().filter(|r| r.passed()).count();
    terminal::say(&format!("{passed} of {} test stories passed", results.len()));
    std::fs::create_dir_all(&flags.out).with_context(|| format!("cannot create `{}`", flags.out.display()))?;
    let write = |name: &str, text: String| {
        std::fs::write(flags.out.join(name), text).with_context(|| format!("cannot write `{name}`"))
    };
    write("story_report.json", serde_json::to_string_pretty(&report::story_report(&results))?)?;
    write("failed_test_stories.yml", report::failed_stories(&results))?;
    Ok(passed == results.len())
}

/// Files named `test_*.yml` under the given paths (spec §8.1).
fn story_files(paths: &[PathBuf]) -> Result<Vec<ProjectFile>> {
    let mut found = Vec::new();
    for path in paths {
        let candidates = if path.is_dir() { files::walk(path)? } else { vec![path.clone()] };
        found.extend(candidates.into_iter().filter(|path| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("test_") && (name.ends_with(".yml") || name.ends_with(".yaml"))
        }));
    }
    found
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok(ProjectFile { path: path.to_string_lossy().into_owned(), bytes, role: FileRole::Data })
        })
        .collect()
}

/// Literate dialogues: real turns, custom actions really executed. Returns
/// whether all passed.
fn test_dialogues(flags: &Flags, model_path: &Path, environment: &Environment) -> Result<bool> {
    let mut read: Vec<(PathBuf, Dialogue)> = Vec::new();
    for path in markdown_files(&flags.stories)? {
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let dialogues = literate::parse(&text).with_context(|| format!("`{}`", path.display()))?;
        read.extend(dialogues.into_iter().map(|d| (path.clone(), d)));
    }
    if read.is_empty() {
        return Ok(true);
    }
    let endpoints = bot::read_endpoints(&flags.bot.endpoints, environment)?;
    let agent = bot::agent(&endpoints, Arc::new(Memory::new(bot::clock())), flags.bot.request_timeout)?;
    bot::load_model(&agent, model_path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut passed = 0;
    for (path, dialogue) in &read {
        let differences = runtime.block_on(play(&agent, dialogue))?;
        if differences.is_empty() {
            passed += 1;
            continue;
        }
        terminal::say(&format!("dialogue {}:{} failed:", path.display(), dialogue.line));
        differences.iter().for_each(|difference| terminal::say(&format!("  {difference}")));
    }
    terminal::say(&format!("{passed} of {} dialogues passed", read.len()));
    Ok(passed == read.len())
}

fn markdown_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).with_context(|| format!("cannot read `{}`", path.display()))? {
                open.push(entry?.path());
            }
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Plays a dialogue; the differences of the first turn that differs.
async fn play(agent: &Agent, dialogue: &Dialogue) -> Result<Vec<String>> {
    let sender_id = dialogue.sender.clone().unwrap_or_else(new_message_id);
    for turn in &dialogue.turns {
        let incoming = Incoming {
            sender_id: sender_id.clone(),
            channel: "test".to_owned(),
            dedupe_key: None,
            message: UserMessage {
                text: turn.user.clone(),
                input_channel: "cmdline".to_owned(),
                output_channel: "cmdline".to_owned(),
                message_id: new_message_id(),
                metadata: JsonMap::new(),
                parse_data: None,
            },
        };
        let report = agent.handle(incoming, &|_| Value::Null).await?;
        let mut differences = literate::compare(turn, &report.messages);
        if !differences.is_empty() {
            differences.insert(0, format!("line {}: > {}", turn.line, turn.user));
            differences.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
            return Ok(differences);
        }
    }
    Ok(Vec::new())
}
