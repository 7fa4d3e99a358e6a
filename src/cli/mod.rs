//! The command line: Rasa's names, flags and exit codes (spec §7), one file a
//! command.

mod allocator;
mod bench;
mod bot;
mod components;
mod data;
mod dotenv;
mod explain;
mod files;
mod findings;
mod health;
mod idle;
mod imports;
mod logging;
mod logs;
mod models;
mod postgres;
mod pull;
mod run;
mod server_flags;
mod shell;
mod terminal;
mod test;
mod train;
mod unserved;
mod validate;

use std::process::ExitCode;

use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// A Rasa-compatible assistant server: trains in a second, keeps every message.
#[derive(Debug, Parser)]
#[command(name = "sapa", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    verbosity: Verbosity,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Verbosity {
    /// Say more; twice: everything.
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
    /// Say everything; in the shell, explain every turn.
    #[arg(long, global = true)]
    debug: bool,
    /// Only warnings and errors.
    #[arg(long, global = true)]
    quiet: bool,
    /// Accepted for compatibility; ignored.
    #[arg(long, global = true, hide = true)]
    logging_config_file: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model from NLU data, stories and rules.
    Train(train::TrainArgs),
    /// Start the server with a trained model.
    Run(Box<run::RunArgs>),
    /// Talk to the assistant in the terminal.
    Shell(shell::ShellArgs),
    /// Run test stories and dialogue tests.
    Test(test::TestArgs),
    /// Work with training data.
    Data(data::DataArgs),
    /// Explain the code of a finding, or why a text is understood as it is.
    Explain(explain::ExplainArgs),
    /// Measure training, start, parsing and turns.
    Bench(bench::BenchArgs),
    /// Tell whether a server answers.
    Health(health::HealthArgs),
    /// Show a log file with everything personal masked.
    Logs(logs::LogsArgs),
    #[command(flatten)]
    Unserved(unserved::Unserved),
}

/// Exit code of a usage error.
const USAGE: u8 = 2;

/// The command line, whose flags take from `.env` what they would take from the
/// environment.
fn command_line() -> clap::Command {
    with_dotenv(Cli::command())
}

fn with_dotenv(command: clap::Command) -> clap::Command {
    // As a default it stands behind the environment, and that behind the flag.
    let fill = |arg: clap::Arg| match arg.get_env().and_then(|name| dotenv::in_file(&name.to_string_lossy())) {
        Some(value) => arg.default_value(value).hide_default_value(true),
        None => arg,
    };
    command.mut_args(fill).mut_subcommands(with_dotenv)
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match command_line().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let Some(command) = cli.command else {
        // As Rasa: help, and exit code 1.
        let _ = command_line().print_help();
        return ExitCode::FAILURE;
    };
    let quiet = cli.verbosity.quiet;
    let debug = cli.verbosity.debug || cli.verbosity.verbose > 1;
    idle::say(&[("--logging-config-file", cli.verbosity.logging_config_file.is_some() && !quiet)]);
    let outcome = start_logging(&command, &cli.verbosity).and_then(|()| match command {
        Command::Train(args) => train::run(&args, &cli.verbosity),
        Command::Run(args) => run::run(*args),
        Command::Shell(args) => shell::run(args, debug),
        Command::Test(args) => test::run(&args),
        Command::Data(args) => data::run(&args, &cli.verbosity),
        Command::Explain(args) => explain::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Logs(args) => logs::run(&args),
        Command::Unserved(command) => command.refuse(),
    });
    outcome.unwrap_or_else(|error| {
        terminal::error(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

fn start_logging(command: &Command, verbosity: &Verbosity) -> anyhow::Result<()> {
    let flags = match command {
        Command::Run(args) => Some(&args.log),
        Command::Shell(args) => Some(&args.log),
        _ => None,
    };
    logging::start(verbosity, matches!(command, Command::Run(_)), flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_train_flag_of_rasa_is_accepted() {
        let line = "sapa train --data data -c config.yml -d domain.yml --out models --dry-run --force --skip-validation \
            --fail-on-validation-warnings --validation-max-history 3 --augmentation 20 --debug-plots --num-threads 2 \
            --fixed-model-name x --persist-nlu-data --finetune --epoch-fraction 0.5 --endpoints endpoints.yml -vv";
        assert!(Cli::try_parse_from(line.split_whitespace()).is_ok());
    }
}
