//! TLS of the listening socket (spec §5.1: `--ssl-certificate`, `--ssl-keyfile`,
//! `--ssl-password`), by rustls: TLS 1.2 and 1.3.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use pkcs8::EncryptedPrivateKeyInfo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate and those it was issued under, in PEM.
    pub certificate: PathBuf,
    /// The private key in PEM; by default it is in the certificate's file.
    pub key: Option<PathBuf>,
    /// The password of an encrypted key.
    pub password: Option<String>,
}

/// What turns connections into encrypted ones.
///
/// # Errors
///
/// With the file that is at fault and what to do.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let chain = chain(&files.certificate)?;
    let path = files.key.as_ref().unwrap_or(&files.certificate);
    let key = private_key(path, files.password.as_deref())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| {
            format!("`{}` and `{}` do not belong together", files.certificate.display(), path.display())
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => bail!("`{}` holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)", path.display()),
    }
}

fn private_key(path: &Path, password: Option<&str>) -> Result<PrivateKeyDer<'static>> {
    let text = read(path)?;
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        bail!(
            "the key in `{}` is encrypted in an old way: convert it with `openssl pkcs8 -topk8 -v2 aes256 -in OLD -out NEW`",
            path.display()
        );
    }
    if let Some(block) = encrypted(&text) {
        return decrypted(block, password).with_context(|| format!("`{}`", path.display()));
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| anyhow!("`{}` holds no private key in PEM; name its file with `--ssl-keyfile`", path.display()))
}

/// The block of an encrypted key (RFC 5958 §3), if there is one.
fn encrypted(text: &str) -> Option<&str> {
    const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let from = text.find(BEGIN)?;
    let to = text.get(from..)?.find(END)? + from + END.len();
    text.get(from..to)
}

fn decrypted(block: &str, password: Option<&str>) -> Result<PrivateKeyDer<'static>> {
    let Some(password) = password else {
        bail!("the key is encrypted: give its password with `--ssl-password`, or in SSL_PASSWORD");
    };
    let (_, document) = pkcs8::SecretDocument::from_pem(block).map_err(|_| anyhow!("the encrypted key is damaged"))?;
    let unknown = "the encrypted key is damaged, or encrypted in a way that is not served: convert it with `openssl pkcs8 -topk8 -v2 aes256 -in OLD -out NEW`";
    let info = EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| anyhow!(unknown))?;
    let key = info.decrypt(password).map_err(|_| anyhow!("the password does not fit the key"))?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec())))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}
