//! Rasa's flags of `run` that this version does not serve: refused where going
//! on would be unsafe or something else than what was asked for, idle elsewhere.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

/// Flags that `run` and `shell` take and do not serve.
#[derive(Debug, Args)]
pub(super) struct UnservedFlags {
    #[arg(long, hide = true)]
    response_timeout: Option<f64>,
    #[arg(long, hide = true)]
    remote_storage: Option<String>,
    #[arg(long, hide = true)]
    ssl_certificate: Option<PathBuf>,
    #[arg(long, hide = true)]
    ssl_keyfile: Option<PathBuf>,
    #[arg(long, hide = true)]
    ssl_ca_file: Option<PathBuf>,
    #[arg(long, hide = true)]
    ssl_password: Option<String>,
    #[arg(long, hide = true)]
    jwt_secret: Option<String>,
    #[arg(long, hide = true)]
    jwt_method: Option<String>,
    #[arg(long, hide = true)]
    jwt_private_key: Option<PathBuf>,
    #[arg(long, hide = true)]
    log_file: Option<PathBuf>,
    #[arg(long, hide = true)]
    use_syslog: bool,
    #[arg(long, hide = true)]
    syslog_address: Option<String>,
    #[arg(long, hide = true)]
    syslog_port: Option<u16>,
    #[arg(long, hide = true)]
    syslog_protocol: Option<String>,
}

impl UnservedFlags {
    /// An error when a server without them would be less safe, or serve another
    /// model.
    pub(super) fn refuse(&self) -> Result<()> {
        let tokens =
            [("--jwt-secret", self.jwt_secret.is_some()), ("--jwt-private-key", self.jwt_private_key.is_some())];
        if let Some((flag, _)) = tokens.iter().find(|(_, given)| *given) {
            bail!("`{flag}` is not served yet; protect the API with `--auth-token`");
        }
        let tls = [&self.ssl_certificate, &self.ssl_keyfile, &self.ssl_ca_file];
        if tls.iter().any(|file| file.is_some()) || self.ssl_password.is_some() {
            bail!(
                "`--ssl-certificate` is not served: put a proxy that ends TLS in front, and listen on `-i 127.0.0.1`"
            );
        }
        self.refuse_storage()
    }

    /// An error when the model would be another one.
    pub(super) fn refuse_storage(&self) -> Result<()> {
        if self.remote_storage.is_some() {
            bail!("`--remote-storage` is not served: fetch the model file yourself, and name it with `--model`");
        }
        Ok(())
    }

    /// What means nothing for a server and for the shell.
    pub(super) fn idle(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("--response-timeout", self.response_timeout.is_some()),
            ("--jwt-method", self.jwt_method.is_some()),
            ("--log-file", self.log_file.is_some()),
            ("--use-syslog", self.use_syslog),
            ("--syslog-address", self.syslog_address.is_some()),
            ("--syslog-port", self.syslog_port.is_some()),
            ("--syslog-protocol", self.syslog_protocol.is_some()),
        ]
    }

    /// What means nothing where nobody connects.
    pub(super) fn for_servers(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("--ssl-certificate", self.ssl_certificate.is_some()),
            ("--ssl-keyfile", self.ssl_keyfile.is_some()),
            ("--ssl-ca-file", self.ssl_ca_file.is_some()),
            ("--ssl-password", self.ssl_password.is_some()),
            ("--jwt-secret", self.jwt_secret.is_some()),
            ("--jwt-private-key", self.jwt_private_key.is_some()),
        ]
    }
}

/// Flags of `run` that the shell takes too: it listens nowhere.
#[derive(Debug, Args)]
pub(super) struct ListeningFlags {
    #[arg(short, long, hide = true)]
    interface: Option<String>,
    #[arg(short, long, hide = true)]
    port: Option<u16>,
    #[arg(short = 't', long, hide = true)]
    auth_token: Option<String>,
    #[arg(long, hide = true, num_args = 0..)]
    cors: Option<Vec<String>>,
    #[arg(long, hide = true)]
    enable_api: bool,
    #[arg(long, hide = true)]
    connector: Option<String>,
}

impl ListeningFlags {
    /// All of them mean nothing.
    pub(super) fn idle(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("--interface", self.interface.is_some()),
            ("--port", self.port.is_some()),
            ("--auth-token", self.auth_token.is_some()),
            ("--cors", self.cors.is_some()),
            ("--enable-api", self.enable_api),
            ("--connector", self.connector.is_some()),
        ]
    }
}
