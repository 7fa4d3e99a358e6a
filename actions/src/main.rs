//! The helpdesk's action service: see `helpdesk-actions --help`.

use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    helpdesk_actions::cli::Cli::parse().run().await
}
