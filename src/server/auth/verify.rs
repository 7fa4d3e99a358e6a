//! Signatures of tokens, checked by ring, which TLS brings along: jsonwebtoken's own
//! implementations would double the programs that are built.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::hmac;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use signature_traits::{Error as Refused, Verifier};

/// Verifies and never signs: tokens are made elsewhere.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unknown()),
    verifier_factory: |algorithm, key| Ok(Box::new(Signed::of(*algorithm, key)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has jsonwebtoken use this; the first time counts.
pub(super) fn install() {
    // It is there already when there are two servers in a process.
    let _ = PROVIDER.install_default();
}

fn unknown() -> Error {
    ErrorKind::InvalidAlgorithm.into()
}

/// How a method is checked.
enum Check {
    Shared(hmac::Key),
    Public(UnparsedPublicKey<Vec<u8>>),
}

struct Signed {
    algorithm: Algorithm,
    check: Check,
}

impl Signed {
    fn of(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, Error> {
        let bytes = key.try_get_as_bytes()?;
        let shared = |kind| Ok(Check::Shared(hmac::Key::new(kind, bytes)));
        let public = |kind: &'static dyn VerificationAlgorithm| {
            Ok::<_, Error>(Check::Public(UnparsedPublicKey::new(kind, bytes.to_vec())))
        };
        let check = match algorithm {
            Algorithm::HS256 => shared(hmac::HMAC_SHA256),
            Algorithm::HS384 => shared(hmac::HMAC_SHA384),
            Algorithm::HS512 => shared(hmac::HMAC_SHA512),
            Algorithm::RS256 => public(&signature::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::RS384 => public(&signature::RSA_PKCS1_2048_8192_SHA384),
            Algorithm::RS512 => public(&signature::RSA_PKCS1_2048_8192_SHA512),
            Algorithm::PS256 => public(&signature::RSA_PSS_2048_8192_SHA256),
            Algorithm::PS384 => public(&signature::RSA_PSS_2048_8192_SHA384),
            Algorithm::PS512 => public(&signature::RSA_PSS_2048_8192_SHA512),
            Algorithm::ES256 => public(&signature::ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => public(&signature::ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => public(&signature::ED25519),
            _ => Err(unknown()),
        }?;
        Ok(Self { algorithm, check })
    }
}

impl Verifier<Vec<u8>> for Signed {
    fn verify(&self, message: &[u8], given: &Vec<u8>) -> Result<(), Refused> {
        let verified = match &self.check {
            Check::Shared(key) => hmac::verify(key, message, given),
            Check::Public(key) => key.verify(message, given),
        };
        verified.map_err(|_| Refused::new())
    }
}

impl JwtVerifier for Signed {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    /// The public key (RFC 8017, A.1.1) of a 2,048-bit modulus and the exponent 65537.
    fn rsa_der(modulus: &str) -> Vec<u8> {
        let modulus = BASE64_URL_SAFE_NO_PAD.decode(modulus).unwrap();
        let head = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
        [&head[..], &modulus, &[0x02, 0x03, 0x01, 0x00, 0x01]].concat()
    }

    /// RFC 7515, A.2 (RS256) and A.3 (ES256), and RFC 8037, A.4 (EdDSA), with their own
    /// keys.
    #[test]
    fn the_examples_of_the_rfcs_are_verified() {
        use jsonwebtoken::crypto::verify;
        use jsonwebtoken::{Algorithm, DecodingKey};
        super::install();
        let ec = DecodingKey::from_ec_components(
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        )
        .unwrap();
        let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        assert!(verify(signature, message.as_bytes(), &ec, Algorithm::ES256).unwrap());
        assert!(!verify(signature, &message.as_bytes()[1..], &ec, Algorithm::ES256).unwrap());
        let ed = DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert!(verify(signature, message.as_bytes(), &ed, Algorithm::EdDSA).unwrap());
        assert!(!verify(signature, b"x", &ed, Algorithm::EdDSA).unwrap());
        let rsa = DecodingKey::from_rsa_der(&rsa_der(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        ));
        let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        assert!(verify(signature, message.as_bytes(), &rsa, Algorithm::RS256).unwrap());
        assert!(!verify(signature, message.as_bytes(), &rsa, Algorithm::PS256).unwrap());
    }
}
