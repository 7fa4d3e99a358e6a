//! Rasa's flags of `run` around the listening socket, and what they mean for a
//! shell, which listens nowhere.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::server::{JwtKey, TlsFiles};

/// How the server is reached: TLS, JSON Web Tokens, patience.
#[derive(Debug, Args)]
pub(super) struct DoorFlags {
    /// Seconds an answer may take; then it is 503.
    #[arg(long, default_value_t = 3_600.0, value_parser = seconds)]
    response_timeout: f64,
    /// Certificate in PEM: the server then speaks HTTPS.
    #[arg(long)]
    ssl_certificate: Option<PathBuf>,
    /// Private key of the certificate, in PEM.
    #[arg(long)]
    ssl_keyfile: Option<PathBuf>,
    /// Without effect, as in Rasa: clients are not asked for certificates.
    #[arg(long)]
    ssl_ca_file: Option<PathBuf>,
    /// Password of the private key.
    #[arg(long, env = "SSL_PASSWORD", hide_env_values = true)]
    ssl_password: Option<String>,
    /// Shared secret, or public key, of the JSON Web Tokens that the API asks for.
    #[arg(long, env = "JWT_SECRET", hide_env_values = true, allow_hyphen_values = true)]
    jwt_secret: Option<String>,
    /// How they are signed.
    #[arg(long, default_value = "HS256")]
    jwt_method: String,
    /// Without effect: tokens are checked here, not made.
    #[arg(long, allow_hyphen_values = true)]
    jwt_private_key: Option<String>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds <= 1e9);
    seconds.ok_or_else(|| "a number of seconds above 0 is needed".to_owned())
}

impl DoorFlags {
    pub(super) fn response_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.response_timeout)
    }

    /// The files of TLS, when it is asked for.
    pub(super) fn tls(&self) -> Result<Option<TlsFiles>> {
        let Some(certificate) = self.ssl_certificate.clone() else {
            if self.ssl_keyfile.is_some() {
                bail!("`--ssl-keyfile` needs `--ssl-certificate`: without it the server would not encrypt");
            }
            return Ok(None);
        };
        Ok(Some(TlsFiles { certificate, key: self.ssl_keyfile.clone(), password: self.ssl_password.clone() }))
    }

    /// The key that bearers' tokens are checked with. An empty secret is none:
    /// nobody can mean it.
    pub(super) fn jwt(&self) -> Result<Option<JwtKey>> {
        let Some(secret) = self.jwt_secret.as_deref().filter(|secret| !secret.trim().is_empty()) else {
            if self.jwt_private_key.is_some() || self.jwt_secret.is_some() {
                bail!("`--jwt-secret` is missing or empty: without it the API would not ask for tokens");
            }
            return Ok(None);
        };
        JwtKey::new(secret, &self.jwt_method).map(Some).map_err(|error| anyhow!("{error:#}"))
    }

    /// What was given and means nothing for a server.
    pub(super) fn idle(&self) -> Vec<(&'static str, bool)> {
        vec![("--ssl-ca-file", self.ssl_ca_file.is_some()), ("--jwt-private-key", self.jwt_private_key.is_some())]
    }
}

/// Where Rasa fetches models from.
#[derive(Debug, Args)]
pub(super) struct StorageFlags {
    #[arg(long, hide = true)]
    remote_storage: Option<String>,
}

impl StorageFlags {
    /// An error: the model would be another one.
    pub(super) fn refuse(&self) -> Result<()> {
        if self.remote_storage.is_some() {
            bail!("`--remote-storage` is not served: fetch the model file yourself, and name it with `--model`");
        }
        Ok(())
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
    #[arg(long, hide = true)]
    response_timeout: Option<f64>,
    #[arg(long, hide = true)]
    ssl_certificate: Option<PathBuf>,
    #[arg(long, hide = true)]
    ssl_keyfile: Option<PathBuf>,
    #[arg(long, hide = true)]
    ssl_ca_file: Option<PathBuf>,
    #[arg(long, hide = true)]
    ssl_password: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    jwt_secret: Option<String>,
    #[arg(long, hide = true)]
    jwt_method: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    jwt_private_key: Option<String>,
}

impl ListeningFlags {
    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    /// All of them mean nothing.
    pub(super) fn idle(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("--interface", self.interface.is_some()),
            ("--port", self.port.is_some()),
            ("--auth-token", self.auth_token.is_some()),
            ("--cors", self.cors.is_some()),
            ("--enable-api", self.enable_api),
            ("--connector", self.connector.is_some()),
            ("--response-timeout", self.response_timeout.is_some()),
            ("--ssl-certificate", self.ssl_certificate.is_some()),
            ("--ssl-keyfile", self.ssl_keyfile.is_some()),
            ("--ssl-ca-file", self.ssl_ca_file.is_some()),
            ("--ssl-password", self.ssl_password.is_some()),
            ("--jwt-secret", self.jwt_secret.is_some()),
            ("--jwt-method", self.jwt_method.is_some()),
            ("--jwt-private-key", self.jwt_private_key.is_some()),
        ]
    }
}
