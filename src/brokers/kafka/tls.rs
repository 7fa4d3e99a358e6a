//! TLS to Kafka: the authorities that a server's certificate is checked by, and the
//! certificate that is shown to it.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::super::OpenError;

/// Files in PEM.
pub(super) struct Files<'a> {
    /// Who may have signed the server's certificate; without it, public authorities.
    pub(super) authorities: Option<&'a str>,
    /// What is shown to the server, with its key.
    pub(super) certificate: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    /// Whether the server's certificate must name it.
    pub(super) checks_name: bool,
}

pub(super) fn config(files: &Files<'_>) -> Result<Arc<ClientConfig>, OpenError> {
    let failed = |error: &dyn std::fmt::Display| OpenError(format!("TLS cannot be set up: {error}"));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = files.authorities {
        roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(path)?);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(|error| failed(&error))?;
    let verifier: Arc<dyn ServerCertVerifier> = if files.checks_name { verifier } else { Arc::new(AnyName(verifier)) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(certificate) = files.certificate else { return Ok(Arc::new(builder.with_no_client_auth())) };
    let path = files.key.unwrap_or(certificate);
    let key = PrivateKeyDer::from_pem_file(path)
        .map_err(|_| OpenError(format!("`{path}` holds no private key in PEM; name its file as `ssl_keyfile`")))?;
    let config = builder.with_client_auth_cert(certificates(certificate)?, key).map_err(|error| failed(&error))?;
    Ok(Arc::new(config))
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let wrong = || OpenError(format!("`{path}` cannot be read, or holds no certificate in PEM"));
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|_| wrong())?.collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(wrong)
}

/// Takes a certificate of the right authorities whatever name it has:
/// `ssl_check_hostname: false`.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is looked at last, when all else is in order.
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
