//! Checks who may post.

use crate::refusal::Refusal;
use lambda_http::http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Checks `Authorization: Bearer <token>` against the configured tokens.
///
/// Compares digests, always to their end. So the time it takes reveals nothing about a token, not
/// even its length.
pub(crate) fn check(header: Option<&HeaderValue>, tokens: &[SecretString]) -> Result<(), Refusal> {
    let given = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(given) = given else { return Err(Refusal::Unauthorized) };
    let given = Sha256::digest(given);
    let matches = tokens.iter().fold(Choice::from(0), |matches, token| {
        matches | Sha256::digest(token.expose_secret()).ct_eq(&given)
    });
    if bool::from(matches) { Ok(()) } else { Err(Refusal::Unauthorized) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(header: &'static str) -> bool {
        let tokens = [SecretString::from("current"), SecretString::from("previous")];
        check(Some(&HeaderValue::from_static(header)), &tokens).is_ok()
    }

    #[test]
    fn either_of_two_tokens_is_accepted() {
        assert!(is_accepted("Bearer current"));
        assert!(is_accepted("bearer previous"));
    }

    #[test]
    fn nothing_else_is_accepted() {
        for header in
            ["Bearer wrong", "Bearer", "Bearer ", "current", "Basic current", "", "Bearer curren"]
        {
            assert!(!is_accepted(header), "{header:?}");
        }
        assert!(check(None, &[SecretString::from("current")]).is_err());
        assert!(check(Some(&HeaderValue::from_static("Bearer current")), &[]).is_err());
    }
}
