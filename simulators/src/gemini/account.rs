//! The service account whose assertions are accepted.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use std::time::Duration;

/// A service account, as the token endpoint knows it: by its public key.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    client_email: String,
    audience: String,
    token_lifetime: Duration,
    /// PKCS#1 in DER.
    public_key: Vec<u8>,
}

/// The text is no RSA public key in PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA public key in PEM (BEGIN PUBLIC KEY)")]
pub struct NotAKey;

impl ServiceAccount {
    /// An account with a public key in PEM (`BEGIN PUBLIC KEY`). `audience` is the address of the
    /// token endpoint, which an assertion must name.
    ///
    /// # Errors
    /// When the text is no such key.
    pub fn from_pem(
        client_email: impl Into<String>,
        audience: impl Into<String>,
        public_key: &str,
    ) -> Result<Self, NotAKey> {
        let key =
            SubjectPublicKeyInfoDer::from_pem_slice(public_key.as_bytes()).map_err(|_| NotAKey)?;
        let key = pkcs1(key.as_ref()).ok_or(NotAKey)?;
        Ok(Self::from_der(client_email, audience, key))
    }

    /// An account with a public key in PKCS#1 DER, the form `ring` gives out.
    pub fn from_der(
        client_email: impl Into<String>,
        audience: impl Into<String>,
        public_key: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            client_email: client_email.into(),
            audience: audience.into(),
            token_lifetime: Duration::from_secs(3_600),
            public_key: public_key.into(),
        }
    }

    /// The same account with tokens that live this long; one hour without.
    #[must_use]
    pub fn with_token_lifetime(self, token_lifetime: Duration) -> Self {
        Self { token_lifetime, ..self }
    }

    pub(super) fn client_email(&self) -> &str {
        &self.client_email
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn token_lifetime(&self) -> Duration {
        self.token_lifetime
    }

    /// Whether the account's key made this RS256 signature.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key);
        key.verify(message, signature).is_ok()
    }
}

/// The key inside a SubjectPublicKeyInfo: a sequence of an algorithm and a bit string.
fn pkcs1(info: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let (whole, _) = element(info, SEQUENCE)?;
    let (_algorithm, rest) = element(whole, SEQUENCE)?;
    let (bits, _) = element(rest, BIT_STRING)?;
    // The first byte says how many bits of the last one are unused.
    bits.strip_prefix(&[0])
}

/// The content of the DER element that `bytes` starts with, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
