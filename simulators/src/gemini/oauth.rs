//! Google's token endpoint: a signed assertion in, an access token out.

use super::account::ServiceAccount;
use crate::{Request, Response, json_reply};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::HOST;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::HashMap;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The address of the real token endpoint.
const GOOGLES: &str = "https://oauth2.googleapis.com/token";
/// The longest lifetime of an assertion, in seconds.
const LONGEST_LIFE: i64 = 3_600;
/// How much the caller's clock may be ahead, in seconds.
const CLOCK_SKEW: i64 = 300;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("Invalid grant_type: {0}")]
    GrantType(String),
    #[error("Missing required parameter: assertion")]
    NoAssertion,
    #[error("Bad Request: the assertion is not a signed JWT: {0}")]
    NotAJwt(&'static str),
    #[error("Invalid JWT Signature.")]
    Signature,
    #[error("Invalid grant: account not found")]
    Account,
    #[error("Invalid JWT: aud must be {0}")]
    Audience(String),
    #[error(
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
         Check your iat and exp values in the JWT claim."
    )]
    Timeframe,
    #[error("Invalid OAuth scope or ID token audience provided.")]
    Scope,
}

impl TokenError {
    pub(super) fn response(&self) -> Response {
        let error = match self {
            Self::GrantType(_) => "unsupported_grant_type",
            Self::NoAssertion => "invalid_request",
            Self::Scope => "invalid_scope",
            Self::NotAJwt(_)
            | Self::Signature
            | Self::Account
            | Self::Audience(_)
            | Self::Timeframe => "invalid_grant",
        };
        let body = json!({"error": error, "error_description": self.to_string()});
        json_reply(StatusCode::BAD_REQUEST, &body)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    scope: String,
    iat: i64,
    exp: i64,
}

/// The address of the token endpoint as `request` used it.
pub(super) fn endpoint(request: &Request) -> Option<String> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    Some(format!("http://{host}/token"))
}

/// Checks a token request. The assertion must be for this endpoint: by its own address, by the
/// address that the caller used, or by Google's, which its own libraries use whatever the key file
/// says.
pub(super) fn check(
    request: &Request,
    account: Option<&ServiceAccount>,
    now: Timestamp,
) -> Result<(), TokenError> {
    let form = request.body();
    let form: HashMap<String, String> = url::form_urlencoded::parse(form).into_owned().collect();
    let grant_type = form.get("grant_type").map_or("", String::as_str);
    if grant_type != GRANT_TYPE {
        return Err(TokenError::GrantType(grant_type.to_owned()));
    }
    let assertion = form.get("assertion").ok_or(TokenError::NoAssertion)?;
    let account = account.ok_or(TokenError::Account)?;
    let claims = verified(assertion, account)?;
    if claims.iss != account.client_email {
        return Err(TokenError::Account);
    }
    let here = endpoint(request);
    let names = [Some(account.audience.as_str()), here.as_deref(), Some(GOOGLES)];
    if !names.contains(&Some(claims.aud.as_str())) {
        return Err(TokenError::Audience(account.audience.clone()));
    }
    let now = now.as_second();
    let in_time = claims.iat <= now + CLOCK_SKEW
        && now < claims.exp
        && claims.exp.saturating_sub(claims.iat) <= LONGEST_LIFE;
    if !in_time {
        return Err(TokenError::Timeframe);
    }
    if !claims.scope.split(' ').any(|scope| scope == SCOPE) {
        return Err(TokenError::Scope);
    }
    Ok(())
}

/// The claims of an assertion with a valid signature of the account.
fn verified(assertion: &str, account: &ServiceAccount) -> Result<Claims, TokenError> {
    let too_short = TokenError::NotAJwt("there are no three parts");
    let parts = assertion.rsplit_once('.').and_then(|(signed, signature)| {
        let (header, claims) = signed.split_once('.')?;
        Some((signed, header, claims, signature))
    });
    let (signed, header, claims, signature) = parts.ok_or(too_short)?;
    let header: Header = decoded(header)?;
    if header.alg != "RS256" {
        return Err(TokenError::NotAJwt("the algorithm must be RS256"));
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Signature)?;
    if !account.signed(signed.as_bytes(), &signature) {
        return Err(TokenError::Signature);
    }
    decoded(claims)
}

fn decoded<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotAJwt("no base64url"))?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::NotAJwt("a member is missing"))
}
