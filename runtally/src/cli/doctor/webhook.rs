//! Checks the webhook: reachable, closed without the token, open with it.

use super::check::Check;
use crate::cli::output::of_setting;
use crate::result::Fault;
use crate::system::Variables;
use bytes::Bytes;
use http::header;
use secrecy::ExposeSecret;
use serde_json::json;
use shared::adapters::http::HttpTransport;
use shared::config::ConfigError;
use shared::ports::Transport;
use std::time::Duration;
use url::Url;

/// Longest wait for an answer. A cold start takes a second at most.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the webhook is.
pub(super) enum Address {
    /// The address given by the user.
    Named(String),
    /// The address that `runtally serve` left in its folder.
    Served(String),
    Unknown,
}

/// Posts Apify's test event, which has no effect, without a token and with ours.
pub(super) async fn check(
    variables: &impl Variables,
    transport: &HttpTransport,
    address: &Address,
) -> Vec<Check> {
    let (url, is_served) = match address {
        Address::Named(url) => (url, false),
        Address::Served(url) => (url, true),
        Address::Unknown => {
            return vec![Check::info("webhook", "not checked; name its public URL with --url")];
        }
    };
    let url = url.trim_end_matches('/').trim_end_matches("/webhooks/apify");
    let url = format!("{url}/webhooks/apify");
    let what = format!("webhook {url}");
    if Url::parse(&url).is_err() {
        let todo = "name its whole URL with --url or WEBHOOK_URL, such as https://runtally.example";
        return vec![Check::wrong(what, "it is not a URL", todo)];
    }
    let strangers = match post(transport, &url, None).await {
        Ok(401) => Check::ok(&what, "reachable, and closed to strangers"),
        Ok(200..=299) => Check::wrong(
            &what,
            "it takes webhooks from anybody",
            "deploy this release: no other answers there",
        ),
        Ok(status) => Check::wrong(
            &what,
            format!("a webhook without a token is answered {status}, not 401"),
            "check that the URL is the one in the output WebhookUrl",
        ),
        Err(error) if is_served => {
            let says = format!("`runtally serve` is not running: {error}");
            return vec![Check::warning(&what, says, "start it: what waits then continues")];
        }
        Err(error) => {
            let todo = "check the URL, and that the system runs";
            return vec![Check::wrong(&what, error, todo)];
        }
    };
    let mut checks = vec![strangers];
    checks.extend(check_token(variables, transport, (&url, &what), is_served).await);
    checks
}

/// Checks whether the webhook knows our token. No check if `runtally serve` has a token and we have
/// none.
async fn check_token(
    variables: &impl Variables,
    transport: &HttpTransport,
    (url, what): (&str, &str),
    is_served: bool,
) -> Option<Check> {
    let config = match webhook_intake::Config::read(variables) {
        Ok(config) => config,
        Err(ConfigError::Missing { name: "WEBHOOK_TOKEN", .. }) if is_served => return None,
        Err(error) => {
            let says = format!("not checked with our token: {error}");
            return Some(Check::wrong(what, says, of_setting(&error)));
        }
    };
    let token = config.tokens.first().map(|token| token.expose_secret());
    Some(match post(transport, url, token).await {
        Ok(200) => Check::ok(what, "it knows our token"),
        Ok(401) => Check::wrong(
            what,
            "it does not know our token",
            "set WEBHOOK_TOKEN to the one it was started with, here and in Apify's headers template",
        ),
        Ok(status) => Check::wrong(
            what,
            format!("Apify's test event is answered {status}, not 200"),
            "look at the log of webhook-intake",
        ),
        Err(error) => Check::wrong(what, error, "ask again; look at the log of webhook-intake"),
    })
}

async fn post(transport: &HttpTransport, url: &str, token: Option<&str>) -> Result<u16, Fault> {
    let body = json!({"eventType": "TEST", "eventData": null, "resource": {}});
    let mut request = http::Request::post(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Bytes::from(body.to_string()))?;
    Ok(transport.send(request, TIMEOUT).await?.status().as_u16())
}
