//! The client of Gemini's `generateContent`, by API key or on Vertex AI.
//!
//! Every call says two things: what is billed, and what can be done with the answer. A blocked,
//! cut-off or senseless answer is billed like any other.

mod answer;
mod model;
mod probe;
mod refusal;
mod tier;
mod vertex;

pub use model::ThinkingLevel;
pub use probe::{ModelProblem, probe_model};
pub use tier::TierChoice;

pub(crate) use model::{check, check_level};
pub(crate) use tier::{Round, SHORTEST_FLEX, Service, TierName};
pub(crate) use vertex::{ServiceAccount, VertexAuth};

use bytes::Bytes;
use http::{StatusCode, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::json;
use shared::core::prices;
use shared::messages::{CallOutcome, ErrorCategory};
use shared::ports::{HttpRequest, Transport, TransportError};
use std::time::Duration;
use tier::Asked;
use tokio::time::Instant;
use url::Url;

/// The client of one model.
pub(crate) struct Gemini<T> {
    transport: T,
    endpoint: Endpoint,
    model: String,
    /// `thinkingLevel`; the model's own default without it.
    thinking: Option<ThinkingLevel>,
    tier: TierChoice,
    timeout: Duration,
    clock: Clock,
}

/// Where the model is.
pub(crate) enum Endpoint {
    /// The Gemini Developer API.
    Developer {
        /// Root of the API.
        url: Url,
        /// The API key.
        key: SecretString,
    },
    /// Vertex AI.
    Vertex {
        /// `…/v1/projects/{project}/locations/{location}/publishers/google/`.
        url: Url,
        /// Gets access tokens for the service account.
        auth: Box<VertexAuth>,
    },
}

/// What the model is asked.
pub(crate) struct Prompt<'a> {
    /// The rules; the same for every lead, so that the model's cache can serve them.
    pub(crate) system: &'a str,
    /// The lead's posts.
    pub(crate) user: &'a str,
    /// The shape of the answer, as Gemini's `responseSchema`.
    pub(crate) schema: &'a Value,
    /// Most tokens of the answer, thoughts included.
    pub(crate) max_output_tokens: u32,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// As far as money goes.
    pub(crate) billing: CallOutcome,
    /// As far as the lead goes.
    pub(crate) reply: Reply,
}

/// What can be done with the answer of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The model's whole text.
    Text(String),
    /// No use to ask again now.
    Unusable { category: ErrorCategory, detail: String },
    /// Ask again, after a while if the service names one.
    TryLater { category: ErrorCategory, detail: String, after: Option<Duration> },
}

impl<T: Transport> Gemini<T> {
    pub(crate) fn new(
        transport: T,
        endpoint: Endpoint,
        model: String,
        thinking: Option<ThinkingLevel>,
        tier: TierChoice,
        timeout: Duration,
        clock: Clock,
    ) -> Self {
        Self { transport, endpoint, model, thinking, tier, timeout, clock }
    }

    /// The longest time a call at the standard tier takes.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How the calls of a round are made.
    pub(crate) fn service(&self, round: &Round) -> Service {
        self.tier.service(round, self.timeout)
    }

    /// Asks the model once. It never asks by itself again what may have been billed: each billed
    /// call must have been announced.
    pub(crate) async fn generate(&self, prompt: &Prompt<'_>, service: Service) -> Call {
        let call = self.generate_at(prompt, service).await;
        match (service.tier, &call.reply) {
            // The model, or this API, may have no flex tier. The refusal is billed nothing.
            (Asked::Flex, Reply::Unusable { category: ErrorCategory::ModelConfig, detail }) => {
                tracing::warn!(model.id = self.model, detail, "flex is refused; asked as standard");
                let standard = Service { tier: Asked::Standard, timeout: self.timeout };
                self.generate_at(prompt, standard).await
            }
            (Asked::Flex | Asked::Standard, _) => call,
        }
    }

    async fn generate_at(&self, prompt: &Prompt<'_>, service: Service) -> Call {
        let body = Bytes::from(json::text(&self.body(prompt, service.tier)));
        let call = self.try_generate(body.clone(), service).await;
        match (&self.endpoint, &call.reply) {
            // An access token that was refused is billed nothing and is renewed once.
            (
                Endpoint::Vertex { auth, .. },
                Reply::Unusable { category: ErrorCategory::Auth, .. },
            ) if auth.forget_token().await => self.try_generate(body, service).await,
            (Endpoint::Vertex { .. } | Endpoint::Developer { .. }, _) => call,
        }
    }

    async fn try_generate(&self, body: Bytes, service: Service) -> Call {
        let request = match self.request(body).await {
            Ok(request) => request,
            Err(reply) => return Call { billing: CallOutcome::Refused, reply },
        };
        let begun = Instant::now();
        let call = match self.transport.send(request, service.timeout).await {
            Ok(response) if response.status() == StatusCode::OK => {
                let now = self.clock.now();
                let call = answer::read(response.body(), &self.model, service.tier, now);
                alarm_without_price(&call.billing, now);
                call
            }
            Ok(response) => Call {
                billing: CallOutcome::Refused,
                reply: refusal::read(response.status(), response.body()),
            },
            Err(error) => lost(&error),
        };
        shared::telemetry::metrics::model_call(&call.billing, begun.elapsed());
        call
    }

    async fn request(&self, body: Bytes) -> Result<HttpRequest, Reply> {
        let (url, header_name, secret) = match &self.endpoint {
            Endpoint::Developer { url, key } => {
                let path = format!("v1beta/models/{}:generateContent", self.model);
                (url.join(&path), "x-goog-api-key", key.expose_secret().to_owned())
            }
            Endpoint::Vertex { url, auth } => {
                let token = auth.token(&self.transport, self.clock.now()).await?;
                // A leading `./`: the colon would make the first segment a scheme.
                let path = format!("./models/{}:generateContent", self.model);
                (url.join(&path), "authorization", format!("Bearer {token}"))
            }
        };
        let url = url.expect("configuration checked the model's name");
        Ok(http::Request::post(url.as_str())
            .header(header_name, secret)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("configuration checked that the secret is a header value"))
    }

    fn body(&self, prompt: &Prompt<'_>, tier: Asked) -> Value {
        let mut config = json!({
            "maxOutputTokens": prompt.max_output_tokens,
            "responseMimeType": "application/json",
            "responseSchema": prompt.schema,
        });
        if let Some(level) = &self.thinking {
            config["thinkingConfig"] = json!({"thinkingLevel": level.as_str()});
        }
        let mut body = json!({
            "systemInstruction": {"parts": [{"text": prompt.system}]},
            "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
            "generationConfig": config,
        });
        match tier {
            // What is served without a word on it.
            Asked::Standard => {}
            Asked::Flex => body["serviceTier"] = "flex".into(),
        }
        body
    }
}

/// Says aloud that an answer has no price: its tokens are counted, its cost is not.
fn alarm_without_price(billing: &CallOutcome, now: Timestamp) {
    let CallOutcome::Answered { usage, model, served } = billing else { return };
    if prices::cost(model, served.tier, usage, now).is_none() {
        tracing::error!(
            alarm = prices::ALARM_NO_PRICE,
            model.id = model,
            model.tier = %served.tier,
            "a model without a price answered: add its price to shared/src/core/prices.rs",
        );
    }
}

/// A call without an answer.
fn lost(error: &TransportError) -> Call {
    let (billing, category) = match error {
        TransportError::NotSent { .. } => (CallOutcome::Refused, ErrorCategory::Unknown),
        TransportError::AnswerLost { .. } => (CallOutcome::Lost, ErrorCategory::Timeout),
    };
    Call { billing, reply: Reply::TryLater { category, detail: error.to_string(), after: None } }
}

#[cfg(test)]
mod tests;
