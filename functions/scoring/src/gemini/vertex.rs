//! Gets access tokens for Vertex AI with a service account's key.
//!
//! External rule: Google's OAuth 2.0 for service accounts. An assertion signed with the key
//! (RS256) is exchanged for a token that lasts an hour.

use super::refusal::words_of_google;
use super::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::messages::{ErrorCategory, Halt};
use shared::ports::Transport;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::form_urlencoded;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// A token is renewed this long before it expires.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest lifetime of a token, in seconds.
const LONGEST: i64 = 43_200;

/// A service account's key, in the file format that Google provides.
#[derive(Debug)]
pub(crate) struct ServiceAccount {
    email: String,
    token_uri: String,
    pub(super) project: String,
    key: RsaKeyPair,
}

/// A key that cannot be used. The text never contains the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServiceAccountError {
    /// Not the JSON that Google provides.
    #[error(
        "it needs the JSON of a service account's key, with client_email, private_key, token_uri and project_id"
    )]
    Json,
    /// The private key is not an RSA key in PKCS#8 PEM.
    #[error("its private_key is not an RSA key in PKCS#8 PEM")]
    Key,
}

impl ServiceAccount {
    pub(crate) fn read(text: &str) -> Result<Self, ServiceAccountError> {
        #[derive(Deserialize)]
        struct KeyFile {
            client_email: String,
            private_key: String,
            token_uri: String,
            project_id: String,
        }
        let file: KeyFile = serde_json::from_str(text).map_err(|_| ServiceAccountError::Json)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(file.private_key.as_bytes())
            .map_err(|_| ServiceAccountError::Key)?;
        let key =
            RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| ServiceAccountError::Key)?;
        Ok(Self {
            email: file.client_email,
            token_uri: file.token_uri,
            project: file.project_id,
            key,
        })
    }

    /// The signed assertion that is exchanged for a token.
    fn assertion(&self, now: Timestamp) -> String {
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_uri,
            "iat": now.as_second(), "exp": now.as_second() + 3600,
        });
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let signed = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .expect("the buffer has the modulus's length");
        format!("{signed}.{}", encode(&signature))
    }
}

#[derive(Debug)]
pub(crate) struct VertexAuth {
    account: ServiceAccount,
    token: Mutex<Option<AccessToken>>,
}

#[derive(Debug)]
struct AccessToken {
    secret: SecretString,
    fetched_at: Instant,
    ends_at: Timestamp,
}

impl VertexAuth {
    pub(super) fn new(account: ServiceAccount) -> Self {
        Self { account, token: Mutex::new(None) }
    }

    /// A token that is valid for some minutes. Concurrent callers share one request.
    pub(super) async fn token(
        &self,
        transport: &impl Transport,
        now: Timestamp,
    ) -> Result<String, Reply> {
        let mut token = self.token.lock().await;
        if let Some(valid) = token.as_ref().filter(|token| token.ends_at - MARGIN > now) {
            return Ok(valid.secret.expose_secret().to_owned());
        }
        let fresh = self.fetch(transport, now).await?;
        let secret = fresh.secret.expose_secret().to_owned();
        *token = Some(fresh);
        Ok(secret)
    }

    /// Invalidates a token that was refused to a call that began at `begun`; `false` if there is
    /// none. A token that was renewed since stays valid: several calls may be refused at the same
    /// time.
    pub(super) async fn end_token(&self, begun: Instant) -> bool {
        let mut token = self.token.lock().await;
        if let Some(refused) = token.as_mut().filter(|token| token.fetched_at <= begun) {
            refused.ends_at = Timestamp::UNIX_EPOCH;
        }
        token.is_some()
    }

    async fn fetch(
        &self,
        transport: &impl Transport,
        now: Timestamp,
    ) -> Result<AccessToken, Reply> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &self.account.assertion(now))
            .finish();
        let request = http::Request::post(&self.account.token_uri)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .map_err(|_| Reply::Unusable {
                category: ErrorCategory::Auth,
                detail: "the service account's token_uri is not a URL".to_owned(),
            })?;
        let later =
            |detail: String| Reply::TryLater { category: ErrorCategory::Auth, detail, after: None };
        let response = transport
            .send(request, TIMEOUT)
            .await
            .map_err(|error| later(format!("no access token for Vertex AI: {error}")))?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(later(format!("no access token for Vertex AI (status {status})")));
        }
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        match usable(&body["access_token"]) {
            Some(token) if status.is_success() => Ok(AccessToken {
                secret: token.to_owned().into(),
                fetched_at: Instant::now(),
                ends_at: now + lifetime(&body["expires_in"]),
            }),
            // Google names its reason. Other answers come from something in between.
            Some(_) | None if body["error"].is_null() => {
                Err(later(format!("no access token for Vertex AI (status {status})")))
            }
            Some(_) | None => Err(Reply::Halted(refused(status, &body))),
        }
    }
}

/// A token that can be sent in a header.
fn usable(token: &Value) -> Option<&str> {
    let token = token.as_str()?.trim();
    (!token.is_empty() && HeaderValue::from_str(token).is_ok()).then_some(token)
}

/// A token's lifetime, which some gateways write as a string. A token without a lifetime is used
/// only for the current calls.
fn lifetime(seconds: &Value) -> SignedDuration {
    let in_text = || seconds.as_str()?.trim().parse().ok();
    let seconds = seconds.as_i64().or_else(in_text).unwrap_or_default();
    SignedDuration::from_secs(seconds.clamp(0, LONGEST))
}

/// A service account whose key is refused gets no token, even with retries.
fn refused(status: StatusCode, body: &Value) -> Halt {
    let said = [&body["error"], &body["error_description"]];
    let said: Vec<&str> = said.into_iter().filter_map(Value::as_str).collect();
    let words = words_of_google(&said.join(": "), "");
    let detail =
        format!("Google did not give the service account an access token (status {status}){words}");
    Halt { category: ErrorCategory::Auth, detail }
}
