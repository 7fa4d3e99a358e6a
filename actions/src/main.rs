//! The helpdesk's action service: see `helpdesk-actions --help`.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match helpdesk_actions::cli::Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, masked like the log: paths and addresses may be anything.
            eprintln!("error: {}", sapa_sdk::pii::mask(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}
