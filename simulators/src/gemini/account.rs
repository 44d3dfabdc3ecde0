//! The service account whose assertions are accepted.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

/// The bytes before the PKCS#1 key in the PEM of every RSA key of 2,048 bits: a sequence with the
/// algorithm's name, and a bit string.
const RSA_2048: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
];

/// The e-mail and the project of the invented account.
const EMAIL: &str = "scorer@invented-project.iam.example";
const PROJECT: &str = "invented-project";
const PRIVATE_KEY: &str = include_str!("keys/invented-service-account.pem");
const PUBLIC_KEY: &str = include_str!("keys/invented-service-account.pub.pem");

/// A service account as the token endpoint knows it, with its public key.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    pub(super) client_email: String,
    /// The address of the token endpoint. An assertion must name it.
    pub(super) audience: String,
    /// PKCS#1 in DER.
    public_key: Vec<u8>,
    /// Whether it is the invented account, whose private key is public.
    is_invented: bool,
}

/// The string is not an RSA public key of 2,048 bits in PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA public key of 2,048 bits in PEM (BEGIN PUBLIC KEY)")]
pub struct NotAKey;

impl ServiceAccount {
    /// An account with a public key in PEM (`BEGIN PUBLIC KEY`). `audience` is the address of the
    /// token endpoint, which an assertion must name.
    ///
    /// # Errors
    /// When the string is not such a key.
    pub fn from_pem(
        client_email: impl Into<String>,
        audience: impl Into<String>,
        public_key: &str,
    ) -> Result<Self, NotAKey> {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(public_key.as_bytes());
        let key = key.map_err(|_| NotAKey)?;
        let public_key = key.strip_prefix(&RSA_2048).ok_or(NotAKey)?.to_vec();
        let (client_email, audience) = (client_email.into(), audience.into());
        Ok(Self { client_email, audience, public_key, is_invented: false })
    }

    /// The invented account. `GET /_sim/service-account` returns its key file.
    ///
    /// # Panics
    /// Never: its key is part of this crate.
    pub fn invented(audience: impl Into<String>) -> Self {
        let account = Self::from_pem(EMAIL, audience, PUBLIC_KEY).expect("a key in PEM");
        Self { is_invented: true, ..account }
    }

    /// The account's key file, in the format of Google's console, for a token endpoint at
    /// `token_uri`. `None` for an account whose private key is not available here.
    pub fn key_file(&self, token_uri: &str) -> Option<Value> {
        self.is_invented.then(|| {
            json!({
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "invented",
                "private_key": PRIVATE_KEY,
                "client_email": self.client_email,
                "client_id": "100000000000000000000",
                "token_uri": token_uri,
            })
        })
    }

    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key);
        key.verify(message, signature).is_ok()
    }
}
