//! Rasa's commands that are not served: what to do instead.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

/// Whatever stands behind the command.
#[derive(Debug, Args)]
pub(super) struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Unserved {
    /// Not served: begin with a project that is there.
    #[command(hide = true)]
    Init(Anything),
    /// Not served: `sapa shell --debug` explains every turn.
    #[command(hide = true)]
    Interactive(Anything),
    /// Not served.
    #[command(hide = true)]
    Visualize(Anything),
    /// Not served.
    #[command(hide = true)]
    Export(Anything),
    /// Not served.
    #[command(hide = true)]
    Evaluate(Anything),
    /// Not served: there is none.
    #[command(hide = true)]
    Telemetry(Anything),
    /// Not served.
    #[command(hide = true)]
    X(Anything),
}

impl Unserved {
    /// # Errors
    /// Always: the cure.
    pub(super) fn refuse(&self) -> Result<ExitCode> {
        let (name, cure) = match self {
            Self::Init(_) => ("init", "copy the files of the example in docs/bot-developers.md, then `sapa train`"),
            Self::Interactive(_) => (
                "interactive",
                "`sapa shell --debug` says after each message what was understood and why each action ran",
            ),
            Self::Visualize(_) => {
                ("visualize", "`sapa test --coverage` shows which steps of rules and stories are reached")
            }
            Self::Export(_) => ("export", "the table `events` of the tracker store is Rasa's: read it with SQL"),
            Self::Evaluate(_) => {
                ("evaluate", "markers are not evaluated; the table `events` of the tracker store is Rasa's")
            }
            Self::Telemetry(_) => ("telemetry", "there is none: nothing is reported to anybody"),
            Self::X(_) => ("x", "`sapa run --enable-api` serves the API"),
        };
        bail!("`{name}` is not served: {cure}");
    }
}
