//! Makes the calls.

use super::answer::{Asked, read_answer};
use super::endpoint::ModelEndpoint;
use super::model::thinks;
use super::pace::Pace;
use super::refusal::read_refusal;
use super::reply::{Call, Reply};
use super::settings::ModelSettings;
use super::state::ModelState;
use super::tier::{RequestedTier, Round, Service};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::core::json;
use shared::core::prices;
use shared::messages::{CallOutcome, ErrorCategory, Halt};
use shared::ports::{Transport, TransportError};
use std::time::Duration;
use tokio::time::Instant;

/// A single token takes almost no time. A slower answer counts as none.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The value of the field `alarm` in the log line about a model that answers no call.
const ALARM_HALTED: &str = "model_halted";

pub(crate) struct Gemini<T> {
    pub(super) transport: T,
    model: ModelSettings,
    clock: Clock,
    state: ModelState,
    pace: Pace,
}

pub(crate) struct Prompt<'a> {
    /// The rules. They are the same in all calls of a chunk, so that the model's cache can serve
    /// them.
    pub(crate) system: &'a str,
    pub(crate) user: &'a str,
    /// The shape of the answer as Gemini's `responseSchema`; null for plain text.
    pub(crate) schema: &'a Value,
    /// Most tokens of the answer, including thoughts.
    pub(crate) max_output_tokens: u32,
}

impl<T: Transport> Gemini<T> {
    pub(crate) fn new(transport: T, model: ModelSettings, clock: Clock) -> Self {
        let pace = Pace::new(model.calls_at_once);
        Self { transport, model, clock, state: ModelState::default(), pace }
    }

    /// Tokens of an answer that are reserved for the model's thoughts.
    pub(crate) fn thinking_room(&self) -> u32 {
        thinks(&self.model.id, self.model.thinking).room()
    }

    /// Why no call may start, if so: a call of this process was refused until a person acts, and
    /// none was answered since.
    pub(crate) fn halted(&self) -> Option<Halt> {
        self.state.halted()
    }

    /// Whether the model has ever answered a call of this process.
    pub(crate) fn has_answered(&self) -> bool {
        self.state.has_answered()
    }

    /// Whether the model has answered a call of this process since `begun`.
    pub(crate) fn has_answered_since(&self, begun: Instant) -> bool {
        self.state.has_answered_since(begun)
    }

    /// How many calls a chunk may have in flight now: the configured number, or fewer after calls
    /// that were limited.
    pub(crate) fn calls_at_once(&self) -> usize {
        self.pace.calls_at_once()
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.model.timeout
    }

    pub(crate) fn service(&self, round: &Round) -> Service {
        self.model.tier.service(round, self.model.timeout)
    }

    /// Calls the model once. A call that may have been billed is never repeated here, because each
    /// billed call must have been announced.
    pub(crate) async fn generate(&self, prompt: &Prompt<'_>, service: Service) -> Call {
        if let Some(halt) = self.halted() {
            return Call { billing: CallOutcome::Refused, reply: Reply::Halted(halt) };
        }
        let call = self.generate_at(prompt, service).await;
        match (service.tier, &call.reply) {
            // The model, or this API, may not have a flex tier. The refusal is not billed.
            (RequestedTier::Flex, Reply::Refused { detail, is_lasting: true }) => {
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

    /// Requests one token for a fixed prompt, even if calls may not start.
    pub(crate) async fn probe(&self) -> Call {
        let prompt =
            Prompt { system: "", user: "Say yes.", schema: &Value::Null, max_output_tokens: 1 };
        let timeout = PROBE_TIMEOUT.min(self.timeout());
        self.generate_at(&prompt, Service { tier: RequestedTier::Standard, timeout }).await
    }

    async fn generate_at(&self, prompt: &Prompt<'_>, service: Service) -> Call {
        let body = Bytes::from(json::text(&self.body(prompt, service.tier)));
        let mut begun = Instant::now();
        let mut call = self.try_generate(prompt.user, body.clone(), service).await;
        // A refused access token is renewed once. The refusal is not billed.
        if let ModelEndpoint::Vertex { auth, .. } = &self.model.endpoint
            && is_of_the_key(&call.reply)
            && auth.end_token(begun).await
        {
            begun = Instant::now();
            call = self.try_generate(prompt.user, body, service).await;
        }
        self.learn(&call, begun);
        call
    }

    async fn try_generate(&self, user: &str, body: Bytes, service: Service) -> Call {
        let method = (self.model.id.as_str(), "generateContent");
        let now = self.clock.now();
        let begun = Instant::now();
        let request = match self.model.endpoint.request(&self.transport, now, method, body).await {
            Ok(request) => self.model.endpoint.at_tier(request, service.tier),
            Err(reply) => return Call { billing: CallOutcome::Refused, reply },
        };
        let call = match self.transport.send(request, service.timeout).await {
            Ok(response) if response.status().is_success() => {
                let (at, model) = (self.clock.now(), self.model.id.as_str());
                let (surface, tier) = (self.model.endpoint.surface(), service.tier);
                let call = read_answer(response.body(), &Asked { model, surface, tier, user }, at);
                alarm_without_price(&call.billing, at);
                call
            }
            Ok(response) => {
                Call { billing: CallOutcome::Refused, reply: read_refusal(&response, user) }
            }
            Err(error) => lost(&error),
        };
        shared::telemetry::metrics::model_call(&call.billing, begun.elapsed());
        call
    }

    /// Saves what a call reveals about other calls, and raises the alarm if a person has to act.
    fn learn(&self, call: &Call, begun: Instant) {
        match (&call.reply, &call.billing) {
            (Reply::Halted(halt), _) => {
                self.state.halt(halt);
                shared::telemetry::metrics::model_halted();
                tracing::error!(
                    alarm = ALARM_HALTED,
                    error.category = halt.category.as_str(),
                    model.says = halt.detail,
                    "the model answers no calls: top up its credit, or replace its key",
                );
            }
            (Reply::TryLater { category: ErrorCategory::Quota, .. }, _) => {
                self.pace.limited(begun);
            }
            // Some answers do not say what was used. They are answers all the same.
            (_, CallOutcome::Answered { .. })
            | (Reply::Text { .. } | Reply::Unusable { .. }, CallOutcome::Lost) => {
                self.state.answered(begun);
                self.pace.answered(begun);
            }
            (_, CallOutcome::Refused | CallOutcome::Lost) => {}
        }
    }

    fn body(&self, prompt: &Prompt<'_>, tier: RequestedTier) -> Value {
        let mut config = json!({"maxOutputTokens": prompt.max_output_tokens});
        if !prompt.schema.is_null() {
            config["responseMimeType"] = "application/json".into();
            config["responseSchema"] = prompt.schema.clone();
        }
        if let Some(level) = &self.model.thinking {
            config["thinkingConfig"] = json!({"thinkingLevel": level.as_str()});
        }
        let mut body = json!({
            "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
            "generationConfig": config,
        });
        if !prompt.system.is_empty() {
            body["systemInstruction"] = json!({"parts": [{"text": prompt.system}]});
        }
        if let Some(name) = self.model.endpoint.tier_in_body(tier) {
            body["serviceTier"] = name.into();
        }
        body
    }
}

/// Whether a call was refused because of its key or access token.
fn is_of_the_key(reply: &Reply) -> bool {
    match reply {
        Reply::Unusable { category, .. } | Reply::Halted(Halt { category, .. }) => {
            *category == ErrorCategory::Auth
        }
        Reply::Text { .. } | Reply::Refused { .. } | Reply::TryLater { .. } => false,
    }
}

/// Raises the alarm about an answer without a price: its tokens are counted, but its cost is not.
fn alarm_without_price(billing: &CallOutcome, now: Timestamp) {
    let CallOutcome::Answered { usage, model, served } = billing else { return };
    if prices::cost(model, served.terms(now), usage).is_none() {
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
