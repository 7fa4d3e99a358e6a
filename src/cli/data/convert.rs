//! `sapa data convert nlu`: NLU data in any format that is read -> YAML or JSON.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use sapa_project::NluData;
use sapa_project::write_nlu::{Written, to_json, to_yaml};

use super::nlu_files::{read_nlu, show, write};
use crate::cli::terminal;

/// Where converted data goes unless `--out` says otherwise.
const DEFAULT_OUT: &str = "converted_data";

#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Convert NLU data to YAML or JSON.
    Nlu(Flags),
}

#[derive(Debug, Args)]
struct Flags {
    /// Format to write.
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    format: Format,
    /// Files or folders with NLU data.
    #[arg(long, num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// File to write, or a folder for `nlu.yml` or `nlu.json`.
    #[arg(long, default_value = DEFAULT_OUT)]
    out: PathBuf,
    /// Language, for formats that hold several.
    #[arg(short, long, default_value = "en")]
    language: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

/// Runs the command: exit code 1, and nothing written, when there are errors.
pub(super) fn run(args: &ConvertArgs, quiet: bool) -> Result<ExitCode> {
    let Part::Nlu(flags) = &args.part;
    let Some(loaded) = read_nlu(&flags.data, &flags.language, quiet)? else { return Ok(ExitCode::FAILURE) };
    let (written, ending) = match flags.format {
        Format::Yaml => (to_yaml(&loaded.nlu), "yml"),
        Format::Json => (all_in_json(&loaded.nlu), "json"),
    };
    show(&written.diagnostics, &loaded.sources, quiet);
    let path = target(&flags.out, ending);
    check_free(&path)?;
    let is_json = path.extension().is_some_and(|given| given.eq_ignore_ascii_case("json"));
    if is_json != (ending == "json") {
        bail!("`--out {}` does not end as the format does; name a file that ends in `.{ending}`", path.display());
    }
    write(&path, &written.text)?;
    if !quiet {
        terminal::say(&format!("{} examples are in `{}`.", written.examples, path.display()));
        if !loaded.responses.entries.is_empty() {
            terminal::note(
                "note: `responses:` are no NLU data and are not converted; keep the files that they stand in",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Only what was converted before is written over: any other file may hold more
/// than NLU data, or be what is converted.
fn check_free(path: &Path) -> Result<()> {
    let is_ours = path.parent().is_some_and(|folder| folder.ends_with(DEFAULT_OUT));
    if path.exists() && !is_ours {
        bail!("`{}` exists already; move it away, or name another place with `--out`", path.display());
    }
    Ok(())
}

/// JSON can hold everything.
fn all_in_json(data: &NluData) -> Written {
    Written { text: to_json(data), examples: data.examples.len(), ..Written::default() }
}

/// A name with an ending is a file's; without one Sapa and Rasa could not tell
/// what it holds, so it is a folder's.
fn target(out: &Path, ending: &str) -> PathBuf {
    let is_file = out.extension().is_some() && !out.is_dir();
    if is_file { out.to_path_buf() } else { out.join(format!("nlu.{ending}")) }
}
