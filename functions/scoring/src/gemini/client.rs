//! Makes the calls.

use super::answer::read_answer;
use super::endpoint::ModelEndpoint;
use super::refusal::read_refusal;
use super::reply::{Call, Reply};
use super::settings::ModelSettings;
use super::tier::{RequestedTier, Round, Service};
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::json;
use shared::core::prices;
use shared::messages::{CallOutcome, ErrorCategory};
use shared::ports::{Transport, TransportError};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct Gemini<T> {
    pub(super) transport: T,
    model: ModelSettings,
    clock: Clock,
}

pub(crate) struct Prompt<'a> {
    /// The rules: the same for all calls of a chunk, so that the model's cache can serve them.
    pub(crate) system: &'a str,
    pub(crate) user: &'a str,
    /// The shape of the answer, as Gemini's `responseSchema`.
    pub(crate) schema: &'a Value,
    /// Most tokens of the answer, thoughts included.
    pub(crate) max_output_tokens: u32,
}

impl<T: Transport> Gemini<T> {
    pub(crate) fn new(transport: T, model: ModelSettings, clock: Clock) -> Self {
        Self { transport, model, clock }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.model.timeout
    }

    pub(crate) fn service(&self, round: &Round) -> Service {
        self.model.tier.service(round, self.model.timeout)
    }

    /// Asks the model once. A call that may have been billed is never repeated here: each billed
    /// call must have been announced.
    pub(crate) async fn generate(&self, prompt: &Prompt<'_>, service: Service) -> Call {
        let call = self.generate_at(prompt, service).await;
        match (service.tier, &call.reply) {
            // The model, or this API, may have no flex tier. The refusal is not billed.
            (
                RequestedTier::Flex,
                Reply::Unusable { category: ErrorCategory::ModelConfig, detail },
            ) => {
                tracing::warn!(
                    model.id = self.model.id,
                    detail,
                    "flex is refused; asking standard"
                );
                let standard =
                    Service { tier: RequestedTier::Standard, timeout: self.model.timeout };
                self.generate_at(prompt, standard).await
            }
            (RequestedTier::Flex | RequestedTier::Standard, _) => call,
        }
    }

    async fn generate_at(&self, prompt: &Prompt<'_>, service: Service) -> Call {
        let body = Bytes::from(json::text(&self.body(prompt, service.tier)));
        let call = self.try_generate(body.clone(), service).await;
        match (&self.model.endpoint, &call.reply) {
            // An access token that was refused is renewed once. The refusal is not billed.
            (
                ModelEndpoint::Vertex { auth, .. },
                Reply::Unusable { category: ErrorCategory::Auth, .. },
            ) if auth.forget_token().await => self.try_generate(body, service).await,
            (ModelEndpoint::Vertex { .. } | ModelEndpoint::Developer { .. }, _) => call,
        }
    }

    async fn try_generate(&self, body: Bytes, service: Service) -> Call {
        let method = (self.model.id.as_str(), "generateContent");
        let now = self.clock.now();
        let request = match self.model.endpoint.request(&self.transport, now, method, body).await {
            Ok(request) => request,
            Err(reply) => return Call { billing: CallOutcome::Refused, reply },
        };
        let begun = Instant::now();
        let call = match self.transport.send(request, service.timeout).await {
            Ok(response) if response.status() == StatusCode::OK => {
                let at = self.clock.now();
                let call = read_answer(response.body(), &self.model.id, service.tier, at);
                alarm_without_price(&call.billing, at);
                call
            }
            Ok(response) => Call {
                billing: CallOutcome::Refused,
                reply: read_refusal(response.status(), response.body()),
            },
            Err(error) => lost(&error),
        };
        shared::telemetry::metrics::model_call(&call.billing, begun.elapsed());
        call
    }

    fn body(&self, prompt: &Prompt<'_>, tier: RequestedTier) -> Value {
        let mut config = json!({
            "maxOutputTokens": prompt.max_output_tokens,
            "responseMimeType": "application/json",
            "responseSchema": prompt.schema,
        });
        if let Some(level) = &self.model.thinking {
            config["thinkingConfig"] = json!({"thinkingLevel": level.as_str()});
        }
        let mut body = json!({
            "systemInstruction": {"parts": [{"text": prompt.system}]},
            "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
            "generationConfig": config,
        });
        match tier {
            // The default of the API.
            RequestedTier::Standard => {}
            RequestedTier::Flex => body["serviceTier"] = "flex".into(),
        }
        body
    }
}

/// Raises the alarm about an answer without a price: its tokens are counted, its cost is not.
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

fn lost(error: &TransportError) -> Call {
    let (billing, category) = match error {
        TransportError::NotSent { .. } => (CallOutcome::Refused, ErrorCategory::Unknown),
        TransportError::AnswerLost { .. } | TransportError::TooLarge { .. } => {
            (CallOutcome::Lost, ErrorCategory::Timeout)
        }
    };
    Call { billing, reply: Reply::TryLater { category, detail: error.to_string(), after: None } }
}
