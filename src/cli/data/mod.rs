//! `sapa data`: work with training data.

mod migrate;
mod nlu_files;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

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
}

/// Runs the command.
pub(super) fn run(args: &DataArgs, quiet: bool) -> Result<ExitCode> {
    match &args.command {
        DataCommand::Validate(args) => validate::run(args, quiet),
        DataCommand::Migrate(args) => migrate::run(args, quiet),
    }
}
