//! `sapa data`: work with training data.

mod convert;
mod migrate;
mod nlu_files;
mod split;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Verbosity;
use super::validate::{self, ValidateArgs};

#[derive(Debug, Args)]
pub(super) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Check domain, NLU data, stories and rules.
    Validate(ValidateArgs),
    /// Bring a domain of Rasa 2 into the format of Rasa 3.
    Migrate(migrate::MigrateArgs),
    /// Convert NLU data between formats.
    Convert(convert::ConvertArgs),
    /// Split data into a part for training and one for tests.
    Split(split::SplitArgs),
}

/// Runs the command.
pub(super) fn run(args: &DataArgs, verbosity: &Verbosity) -> Result<ExitCode> {
    let quiet = verbosity.quiet;
    match &args.command {
        DataCommand::Validate(args) => validate::run(args, verbosity),
        DataCommand::Migrate(args) => migrate::run(args, quiet),
        DataCommand::Convert(args) => convert::run(args, quiet),
        DataCommand::Split(args) => split::run(args, quiet),
    }
}
