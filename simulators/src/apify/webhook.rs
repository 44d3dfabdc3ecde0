//! Webhooks: their events, their receiver, their body and their headers.

use super::status::RunStatus;
use super::template::{TemplateError, check, render};
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What Apify sends when a webhook has no payload template.
pub const DEFAULT_PAYLOAD: &str = r#"{
    "userId": {{userId}},
    "createdAt": {{createdAt}},
    "eventType": {{eventType}},
    "eventData": {{eventData}},
    "resource": {{resource}}
}"#;

/// An event of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// The run was started.
    #[serde(rename = "ACTOR.RUN.CREATED")]
    Created,
    /// It ended successfully.
    #[serde(rename = "ACTOR.RUN.SUCCEEDED")]
    Succeeded,
    /// It ended with an error.
    #[serde(rename = "ACTOR.RUN.FAILED")]
    Failed,
    /// Somebody stopped it.
    #[serde(rename = "ACTOR.RUN.ABORTED")]
    Aborted,
    /// Its time ran out. The status of such a run is spelled with a hyphen, the event with an
    /// underscore.
    #[serde(rename = "ACTOR.RUN.TIMED_OUT")]
    TimedOut,
    /// It was started again after its end.
    #[serde(rename = "ACTOR.RUN.RESURRECTED")]
    Resurrected,
    /// A build was started.
    #[serde(rename = "ACTOR.BUILD.CREATED")]
    BuildCreated,
    /// It ended successfully.
    #[serde(rename = "ACTOR.BUILD.SUCCEEDED")]
    BuildSucceeded,
    /// It ended with an error.
    #[serde(rename = "ACTOR.BUILD.FAILED")]
    BuildFailed,
    /// Somebody stopped it.
    #[serde(rename = "ACTOR.BUILD.ABORTED")]
    BuildAborted,
    /// Its time ran out.
    #[serde(rename = "ACTOR.BUILD.TIMED_OUT")]
    BuildTimedOut,
    /// No event: somebody tested the webhook.
    #[serde(rename = "TEST")]
    Test,
}

impl EventType {
    /// The event for a run's status; `None` for a transitional status.
    pub fn of(status: RunStatus) -> Option<Self> {
        match status {
            RunStatus::Ready | RunStatus::Running => Some(Self::Created),
            RunStatus::Succeeded => Some(Self::Succeeded),
            RunStatus::Failed => Some(Self::Failed),
            RunStatus::Aborted => Some(Self::Aborted),
            RunStatus::TimedOut => Some(Self::TimedOut),
            RunStatus::TimingOut | RunStatus::Aborting => None,
        }
    }
}

/// A valid webhook: its address is an http URL and its templates are well formed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WebhookSpec", into = "WebhookSpec")]
pub struct Webhook(pub(super) WebhookSpec);

/// A webhook as a caller defines it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookSpec {
    /// Where the payload is posted.
    pub request_url: String,
    /// JSON text with variables. Default: [`DEFAULT_PAYLOAD`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_template: Option<String>,
    /// JSON text of an object with string values. Variables are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers_template: Option<String>,
    /// Also replaces variables inside quotes.
    #[serde(default)]
    pub should_interpolate_strings: bool,
    /// The events for which it is sent.
    #[serde(default = "ends_of_a_run")]
    pub event_types: Vec<EventType>,
    /// Gives up after the first call.
    #[serde(default)]
    pub do_not_retry: bool,
    /// Whether an invalid certificate is accepted. Has no effect.
    #[serde(default)]
    pub ignore_ssl_errors: bool,
    /// Prevents that a repeated request creates a second webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl WebhookSpec {
    /// A webhook with the default payload, for every way in which a run can end.
    pub fn new(request_url: impl Into<String>) -> Self {
        Self {
            request_url: request_url.into(),
            payload_template: None,
            headers_template: None,
            should_interpolate_strings: false,
            event_types: ends_of_a_run(),
            do_not_retry: false,
            ignore_ssl_errors: false,
            idempotency_key: None,
        }
    }
}

fn ends_of_a_run() -> Vec<EventType> {
    vec![EventType::Succeeded, EventType::Failed, EventType::Aborted, EventType::TimedOut]
}

impl TryFrom<WebhookSpec> for Webhook {
    type Error = TemplateError;

    fn try_from(spec: WebhookSpec) -> Result<Self, TemplateError> {
        let url = url::Url::parse(&spec.request_url).ok();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(TemplateError::NotUrl(spec.request_url));
        }
        if let Some(template) = &spec.payload_template {
            check(template, spec.should_interpolate_strings)?;
        }
        if let Some(template) = &spec.headers_template {
            let headers = check(template, spec.should_interpolate_strings)?;
            let headers = headers.as_object().ok_or(TemplateError::NotHeaders)?;
            // A variable outside quotes is null here but may be a string later.
            if headers.values().any(|value| !value.is_string() && !value.is_null()) {
                return Err(TemplateError::NotHeaders);
            }
        }
        Ok(Self(spec))
    }
}

impl From<Webhook> for WebhookSpec {
    fn from(webhook: Webhook) -> Self {
        webhook.0
    }
}

impl Webhook {
    /// Whether it is sent for `event`.
    pub fn wants(&self, event: EventType) -> bool {
        self.0.event_types.contains(&event)
    }

    pub(super) fn idempotency_key(&self) -> Option<&str> {
        self.0.idempotency_key.as_deref()
    }

    pub(super) fn body(&self, variables: &Value) -> String {
        let template = self.0.payload_template.as_deref().unwrap_or(DEFAULT_PAYLOAD);
        render(template, self.0.should_interpolate_strings, variables)
            .expect("the template was checked when the webhook was made")
    }

    /// The headers of the template. Values that are not strings or not valid headers are left out.
    pub(super) fn headers(&self, variables: &Value) -> Vec<(String, String)> {
        let Some(template) = &self.0.headers_template else { return Vec::new() };
        let text = render(template, self.0.should_interpolate_strings, variables)
            .expect("the template was checked when the webhook was made");
        let Ok(Value::Object(headers)) = serde_json::from_str(&text) else { return Vec::new() };
        headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .filter(|(name, value)| {
                HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_headers_template_must_be_an_object_with_string_values() {
        let with_headers = |template: &str| {
            Webhook::try_from(WebhookSpec {
                headers_template: Some(template.to_owned()),
                ..WebhookSpec::new("http://127.0.0.1:1/hook")
            })
        };
        assert_eq!(with_headers("[1]"), Err(TemplateError::NotHeaders));
        assert_eq!(with_headers(r#"{"x-n": 1}"#), Err(TemplateError::NotHeaders));
        let webhook = with_headers(r#"{"x-run": {{resource.id}}, "x-none": {{resource.x}}}"#);
        let headers = webhook.unwrap().headers(&json!({"resource": {"id": "r1"}}));
        assert_eq!(headers, [("x-run".to_owned(), "r1".to_owned())]);
    }

    #[test]
    fn a_webhook_needs_an_http_address() {
        assert!(Webhook::try_from(WebhookSpec::new("ftp://host/")).is_err());
        assert!(Webhook::try_from(WebhookSpec::new("hook")).is_err());
    }
}
