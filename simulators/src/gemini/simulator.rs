//! The simulator itself: checks the caller, answers, bills.

use super::error::ApiError;
use super::ledger::{BilledAnswer, BilledTotals, Ledger};
use super::marker::Marker;
use super::model::{Rules, served_by};
use super::oddity::Oddity;
use super::options::GeminiOptions;
use super::request::{self, CountRequest, GenerateRequest, has_flex_header};
use super::route::{Route, Target};
use super::terms::{ServedTier, Surface};
use super::validate::{self, Prompt, tier};
use super::{answer, catalog, oauth, oddity, stream, usage};
use crate::moments::{after, iso};
use crate::reply::{bearer, parameters, pause};
use crate::{Clock, Fault, Request, Response, Service, Store, invent, json_reply};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a token is valid.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);

/// A simulated Gemini.
pub struct Gemini {
    options: GeminiOptions,
    clock: Clock,
    ledger: Mutex<Ledger>,
    /// Which model answers for which, besides the retired models.
    stand_ins: Mutex<BTreeMap<String, String>>,
    is_out_of_credit: AtomicBool,
}

impl Gemini {
    /// A Gemini with the data in `store`.
    pub fn new(options: GeminiOptions, clock: Clock, store: Arc<dyn Store>) -> Self {
        let ledger = Mutex::new(Ledger::read(store));
        let is_out_of_credit = AtomicBool::new(false);
        Self { options, clock, ledger, stand_ins: Mutex::default(), is_out_of_credit }
    }

    /// Uses up or tops up the prepaid credit. Without credit nothing is generated.
    pub fn set_credit(&self, is_there: bool) {
        self.is_out_of_credit.store(!is_there, Ordering::Relaxed);
    }

    /// Every billed call, oldest first, including calls with a lost answer.
    pub fn billed(&self) -> Vec<BilledAnswer> {
        self.ledger().answers.clone()
    }

    /// The tokens of all calls between `from` and `to`, both included.
    pub fn tokens_between(&self, from: Timestamp, to: Timestamp) -> u64 {
        let ledger = self.ledger();
        let in_time = ledger.answers.iter().filter(|answer| (from..=to).contains(&answer.at));
        in_time.map(|answer| answer.usage.total).sum()
    }

    /// The sum of all billed calls.
    pub fn billed_totals(&self) -> BilledTotals {
        self.ledger().totals
    }

    /// Lets `answers` answer calls to `asked` from now on, as Google does for a model that it
    /// retires.
    pub fn stand_in(&self, asked: &str, answers: &str) {
        self.stand_ins().insert(asked.to_owned(), answers.to_owned());
    }

    fn stand_ins(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request, route: &Route) -> Result<Response, ApiError> {
        match route {
            Route::Token => Ok(self.token(request)),
            Route::Generate { target, form } => {
                self.check_caller(request, target.surface)?;
                let model = self.served(&target.model)?;
                if self.is_out_of_credit.load(Ordering::Relaxed) {
                    return Err(ApiError::NoCredit);
                }
                let body: GenerateRequest = request::read(request.body())?;
                let tier = tier(&body, target, has_flex_header(request.headers()))?;
                Ok(stream::response(self.generate(body, tier, target.surface, &model)?, *form))
            }
            Route::CountTokens(target) => {
                self.check_caller(request, target.surface)?;
                self.served(&target.model)?;
                let body: CountRequest = request::read(request.body())?;
                let total = validate::counted(&body)?;
                Ok(json_reply(StatusCode::OK, &json!({"totalTokens": total})))
            }
            Route::Model(Target { surface, model, .. }) => {
                self.check_caller(request, *surface)?;
                self.served(model)?;
                Ok(json_reply(StatusCode::OK, &catalog::model(model, *surface)))
            }
            Route::Models(Target { surface, .. }) => {
                self.check_caller(request, *surface)?;
                Ok(json_reply(StatusCode::OK, &catalog::models(&self.options.models, *surface)))
            }
            Route::Unknown => Err(ApiError::NoSuchPath),
        }
    }

    /// Checks the caller: an API key, or on Vertex AI a token or, in express mode, a key.
    fn check_caller(&self, request: &Request, surface: Surface) -> Result<(), ApiError> {
        let in_query = || parameters(request).into_iter().find(|(name, _)| name == "key");
        let in_header = request.headers().get("x-goog-api-key");
        let in_header = in_header.map(|key| String::from_utf8_lossy(key.as_bytes()));
        let key = in_header.map(Cow::into_owned).or_else(|| Some(in_query()?.1));
        match (surface, key) {
            (Surface::Studio, None) => Err(ApiError::NoKey),
            (Surface::Studio | Surface::Vertex, Some(key)) => {
                let known = self.options.api_keys.contains(&key);
                known.then_some(()).ok_or(ApiError::InvalidKey)
            }
            (Surface::Vertex, None) => {
                let now = self.clock.now();
                let good = bearer(request).is_some_and(|token| self.ledger().accepts(token, now));
                good.then_some(()).ok_or(ApiError::Unauthenticated)
            }
        }
    }

    /// The model that really answers a call to `model`.
    fn served(&self, model: &str) -> Result<String, ApiError> {
        if !self.options.models.iter().any(|known| known == model) {
            return Err(ApiError::NoSuchModel(model.to_owned()));
        }
        let stand_in = self.stand_ins().get(model).cloned();
        Ok(stand_in.unwrap_or_else(|| served_by(model, self.clock.now()).to_owned()))
    }

    fn generate(
        &self,
        body: GenerateRequest,
        tier: ServedTier,
        surface: Surface,
        model: &str,
    ) -> Result<Value, ApiError> {
        let prompt = validate::prompt(body, surface, Rules::of(model))?;
        if tier == ServedTier::Flex && !self.options.offers_flex {
            let refusal = format!("service_tier: flex is not supported for {model}.");
            return Err(ApiError::InvalidArgument(refusal));
        }
        if prompt.user.iter().any(|text| Marker::RefuseText.is_in(text)) {
            let refusal = "Request contains an invalid argument.".to_owned();
            return Err(ApiError::InvalidArgument(refusal));
        }
        if prompt.user.iter().any(|text| Marker::FailText.is_in(text)) {
            return Err(ApiError::Internal);
        }
        if Oddity::ErrorInside.is_in(&prompt.user) {
            return Ok(oddity::error_inside());
        }
        let now = self.clock.now();
        let answer = answer::answer(&prompt, self.cached_tokens(&prompt, model));
        let mut ledger = self.ledger();
        let number = ledger.totals.answers.to_string();
        let response_id = invent::id(&["response", &self.options.seed.to_string(), &number], 22);
        let mut reply = answer.body(surface);
        reply["usageMetadata"] = answer.usage.metadata(surface, tier);
        reply["modelVersion"] = model.into();
        reply["responseId"] = response_id.as_str().into();
        if surface == Surface::Vertex {
            reply["createTime"] = iso(now).into();
        }
        ledger.bill(BilledAnswer {
            response_id,
            model: model.to_owned(),
            tier,
            at: now,
            usage: answer.usage,
            outcome: answer.outcome,
        });
        Ok(oddity::applied(reply, &prompt.user))
    }

    /// How many tokens of a prompt are cached: the system text, if the prompt is long enough and an
    /// earlier prompt that was long enough had the same text.
    fn cached_tokens(&self, prompt: &Prompt, model: &str) -> u64 {
        let least = Rules::of(model).cache_min_tokens;
        let hash = || invent::id(&["prefix", model, &prompt.system], 32);
        if prompt.tokens >= least && !prompt.system.is_empty() && self.ledger().seen(hash()) {
            return usage::cached(usage::tokens(&prompt.system));
        }
        0
    }

    fn token(&self, request: &Request) -> Response {
        let now = self.clock.now();
        let account = self.options.service_account.as_ref();
        if let Err(error) = oauth::check(request, account, now) {
            return error.response();
        }
        let mut ledger = self.ledger();
        let number = ledger.tokens.len().to_string();
        let drawn = invent::id(&["token", &self.options.seed.to_string(), &number], 32);
        let token = format!("ya29.simulated-{drawn}");
        ledger.add_token(token.clone(), after(now, TOKEN_LIFETIME));
        let body = json!({
            "access_token": token, "expires_in": TOKEN_LIFETIME.as_secs(), "token_type": "Bearer",
        });
        json_reply(StatusCode::OK, &body)
    }
}

impl Service for Gemini {
    fn kind(&self, request: &Request) -> &'static str {
        Route::of(request).kind(request)
    }

    /// Does the work before the wait, so a caller that gives up during the wait is billed
    /// nevertheless.
    async fn respond(&self, request: Request) -> Response {
        let route = Route::of(&request);
        let (surface, _) = route.target();
        let answer = self.answer(&request, &route);
        let response = answer.unwrap_or_else(|error| error.response(surface, route.lists_errors()));
        pause(self.options.latency).await;
        response
    }

    fn refuse(&self, request: &Request, fault: Fault) -> Response {
        let route = Route::of(request);
        let (surface, model) = route.target();
        match fault {
            Fault::TooManyRequests => ApiError::Quota { model: model.to_owned() },
            Fault::Unavailable => ApiError::Unavailable,
            Fault::InternalError | Fault::LostBefore | Fault::LostAfter | Fault::MalformedBody => {
                ApiError::Internal
            }
        }
        .response(surface, route.lists_errors())
    }

    async fn control(&self, request: &Request) -> Option<Response> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/_sim/billed") => {}
            (&Method::GET, "/_sim/service-account") => {
                let account = self.options.service_account.as_ref()?;
                let token_uri = oauth::endpoint(request).unwrap_or(account.audience.clone());
                return Some(json_reply(StatusCode::OK, &account.key_file(&token_uri)?));
            }
            // The body is `true` or `false`: whether there is credit.
            (&Method::POST, "/_sim/credit") => {
                self.set_credit(request.body().as_ref() == b"true");
                return Some(json_reply(StatusCode::OK, &json!({})));
            }
            _ => return None,
        }
        let ledger = self.ledger();
        let mut view = json!({"totals": ledger.totals});
        if request.uri().query() != Some("totals=1") {
            view["answers"] = json!(ledger.answers);
        }
        Some(json_reply(StatusCode::OK, &view))
    }

    fn reset(&self) {
        self.ledger().clear();
        self.stand_ins().clear();
        self.set_credit(true);
    }
}
