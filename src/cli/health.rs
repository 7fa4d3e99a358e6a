//! `sapa health`: whether a server answers, for containers without a shell.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct HealthArgs {
    /// Address that must answer with 200; `http://` may be left out, and `/health`.
    #[arg(default_value = "http://127.0.0.1:5005/health")]
    url: String,
    /// Seconds to wait.
    #[arg(long, default_value_t = 3.0)]
    timeout: f64,
}

/// Exit code 0 when the address answers with 200.
pub(super) fn run(args: &HealthArgs) -> Result<ExitCode> {
    let timeout = Duration::try_from_secs_f64(args.timeout).context("`--timeout` must be a number of seconds")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = reqwest::Client::builder().no_proxy().timeout(timeout).build()?;
    let url = if args.url.contains("://") { args.url.clone() } else { format!("http://{}", args.url) };
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    let url = if has_path { url } else { format!("{}/health", url.trim_end_matches('/')) };
    let answer = runtime.block_on(async { client.get(&url).send().await });
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.is_builder() => bail!("`{url}` is no address; write it as http://127.0.0.1:5005/health"),
        Err(error) if error.is_timeout() => {
            bail!("{url} does not answer within {} s; see the server's log", args.timeout)
        }
        Err(_) => bail!("{url} does not answer: start the server with `sapa run`, or name another address"),
    };
    if !answer.status().is_success() {
        bail!("{url} answers {}", answer.status());
    }
    Ok(ExitCode::SUCCESS)
}
