//! The running system that takes the webhook.

use crate::cli::operator::Place;
use crate::result::{Fault, Hinted};
use bytes::Bytes;
use http::{StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::ports::Transport;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Where a system takes webhooks, and their token.
pub(super) struct Running {
    /// The root of its public URL.
    pub(super) root: String,
    pub(super) token: SecretString,
}

impl Running {
    /// The system at `url`, or the one that `runtally serve` runs.
    pub(super) fn find(place: &Place, url: Option<&str>) -> Result<Self, Fault> {
        let served = place.served()?;
        let root = url.unwrap_or(&served.url).trim_end_matches('/');
        let root = root.trim_end_matches("/webhooks/apify").to_owned();
        if !root.is_empty() && Url::parse(&root).is_err() {
            let message = format!("{root:?} is not a URL");
            return Err(Hinted::new(
                message,
                "--url needs a whole URL, such as http://127.0.0.1:9100",
            ));
        }
        if root.is_empty() {
            let message = format!("`runtally serve` was never started on {}", place.data.display());
            let hint = "start it, name its folder with --data, or the system's address with --url";
            return Err(Hinted::new(message, hint));
        }
        let config = webhook_intake::Config::read(place.variables()?).map_err(|error| {
            let hint = "set WEBHOOK_TOKEN here to the token that the system was started with";
            Hinted::new(error.to_string(), hint)
        })?;
        let token = config.tokens.into_iter().next().expect("there is no configuration without");
        Ok(Self { root, token })
    }

    /// The address of the system's webhook.
    pub(super) fn webhook(&self) -> String {
        format!("{}/webhooks/apify", self.root)
    }

    /// Posts a webhook. Returns the answer.
    pub(super) async fn post(
        &self,
        transport: &HttpTransport,
        query: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value), Fault> {
        let url = format!("{}{query}", self.webhook());
        let request = http::Request::post(&url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .body(Bytes::from(body.to_string()))?;
        let answer = transport.send(request, TIMEOUT).await;
        let answer = answer.map_err(|error| self.away(&error.to_string()))?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            let hint = "set WEBHOOK_TOKEN here to the token that the system was started with";
            return Err(Hinted::new(format!("{url} does not know the token"), hint));
        }
        let said: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if !status.is_success() {
            let why = said.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
            let message = format!("{url} answers {}: {why}", status.as_u16());
            return Err(Hinted::new(message, "look at the log of the system"));
        }
        Ok((status, said))
    }

    /// Checks that the system answers and accepts the token, with Apify's test event, which has no
    /// effect.
    pub(super) async fn greet(&self, transport: &HttpTransport) -> Result<(), Fault> {
        let test = serde_json::json!({"eventType": "TEST", "eventData": null, "resource": {}});
        self.post(transport, "", &test).await.map(|_| ())
    }

    fn away(&self, error: &str) -> Fault {
        let message = format!("no system answers at {}: {error}", self.root);
        Hinted::new(message, "start `runtally serve`, or name the system's address with --url")
    }
}
