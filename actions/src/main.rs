//! The helpdesk's action service: see `helpdesk-actions --help`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match helpdesk_actions::cli::Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, masked like the log: paths and addresses may be anything.
            let line = sapa_sdk::pii::mask(&format!("{error:#}"));
            // The exit code tells it where nobody can be told in words.
            let _ = writeln!(std::io::stderr(), "error: {line}");
            ExitCode::FAILURE
        }
    }
}
