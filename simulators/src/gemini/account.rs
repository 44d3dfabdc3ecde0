//! The service account whose assertions are accepted.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// What precedes the PKCS#1 key in the PEM of every RSA key of 2,048 bits: a sequence of the
/// algorithm's name and a bit string.
const RSA_2048: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
];

/// A service account, as the token endpoint knows it: by its public key.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    pub(super) client_email: String,
    /// The address of the token endpoint, which an assertion must name.
    pub(super) audience: String,
    /// PKCS#1 in DER.
    public_key: Vec<u8>,
}

/// The text is not an RSA public key of 2,048 bits in PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA public key of 2,048 bits in PEM (BEGIN PUBLIC KEY)")]
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
        let key = SubjectPublicKeyInfoDer::from_pem_slice(public_key.as_bytes());
        let key = key.map_err(|_| NotAKey)?;
        let public_key = key.strip_prefix(&RSA_2048).ok_or(NotAKey)?.to_vec();
        Ok(Self { client_email: client_email.into(), audience: audience.into(), public_key })
    }

    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key);
        key.verify(message, signature).is_ok()
    }
}
