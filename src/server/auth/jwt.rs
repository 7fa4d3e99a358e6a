//! JSON Web Tokens as Rasa checks them: one method, the payload
//! `{"user": {"username": …, "role": "admin" | "user"}}` (spec §5.1).

use std::fmt;

use anyhow::{Context as _, Result, bail};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

/// Seconds that clocks may differ by (`leeway` of sanic-jwt, Rasa's library).
const LEEWAY: u64 = 180;

/// Shared secrets shorter than this can be guessed from one token.
const SHORT_SECRET: usize = 16;

/// A key and the one method of signing that is accepted.
#[derive(Clone)]
pub struct JwtKey {
    key: DecodingKey,
    rules: Validation,
    is_weak: bool,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("JwtKey").field("algorithms", &self.rules.algorithms).finish_non_exhaustive()
    }
}

#[derive(serde::Deserialize)]
struct Claims {
    user: User,
}

/// Who a token was made for.
#[derive(Debug, serde::Deserialize)]
pub(super) struct User {
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    role: Option<String>,
}

impl User {
    /// An `admin` may use everything, a `user` its own conversation only.
    pub(super) fn may_use(&self, conversation: Option<&str>) -> bool {
        match self.role.as_deref() {
            Some("admin") => true,
            Some("user") => conversation.is_some() && self.username.as_deref() == conversation,
            _ => false,
        }
    }
}

impl JwtKey {
    /// A key for `method`: `secret` is the shared secret of `HS…`, or the public
    /// key of the others, in PEM or as the path of a PEM file.
    ///
    /// # Errors
    ///
    /// With what to correct, never with the secret.
    pub fn new(secret: &str, method: &str) -> Result<Self> {
        let Ok(algorithm) = method.parse::<Algorithm>() else {
            bail!(
                "`--jwt-method` is not one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"
            );
        };
        let is_shared = method.starts_with("HS");
        if is_shared && secret.contains("-----BEGIN") {
            // Everybody may know a public key: as a shared secret it would let them all in.
            bail!(
                "`--jwt-secret` is a key in PEM, which {method} takes for a password; give its method, as in `--jwt-method RS256`"
            );
        }
        super::verify::install();
        use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512};
        let pem = || public_key(secret);
        let key = match algorithm {
            HS256 | HS384 | HS512 => Ok(DecodingKey::from_secret(secret.as_bytes())),
            ES256 | ES384 => DecodingKey::from_ec_pem(&pem()?),
            EdDSA => DecodingKey::from_ed_pem(&pem()?),
            _ => DecodingKey::from_rsa_pem(&pem()?),
        };
        let key = key.with_context(|| format!("`--jwt-secret` holds no public key in PEM for {method}"))?;
        let is_weak = is_shared && secret.len() < SHORT_SECRET;
        Ok(Self { key, rules: rules(algorithm), is_weak })
    }

    /// Whether its secret is so short that it can be guessed.
    pub fn is_weak(&self) -> bool {
        self.is_weak
    }

    /// Whose token it is, if it is signed and in force.
    pub(super) fn user(&self, token: &str) -> Option<User> {
        jsonwebtoken::decode::<Claims>(token, &self.key, &self.rules).ok().map(|token| token.claims.user)
    }
}

/// As PyJWT: `exp` and `nbf` count where they stand, and need not.
fn rules(algorithm: Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.required_spec_claims.clear();
    rules.validate_nbf = true;
    rules.validate_aud = false;
    rules.leeway = LEEWAY;
    rules
}

fn public_key(secret: &str) -> Result<Vec<u8>> {
    if secret.contains("-----BEGIN") {
        return Ok(secret.as_bytes().to_vec());
    }
    std::fs::read(secret).context("`--jwt-secret` is neither a public key in PEM nor the path of one")
}
