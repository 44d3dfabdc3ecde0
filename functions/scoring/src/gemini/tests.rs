//! Tests the client with the simulated Gemini.

use super::tier::RequestedTier;
use super::*;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::json;
use shared::core::clock::Clock;
use shared::core::prices;
use shared::core::tokens::{NanoUsd, Tier, TokenUsage};
use shared::messages::{CallOutcome, ErrorCategory, Served};
use shared::ports::{HttpRequest, HttpResponse, Transport, TransportError};
use simulators::gemini::{Gemini as Simulator, GeminiOptions, ServedTier};
use simulators::{Answer, Fault, FaultRule, NoStore, Simulated};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::Level;

const KEY: &str = "invented-api-key";
const TIMEOUT: Duration = Duration::from_secs(60);
const STANDARD: Service = Service { tier: RequestedTier::Standard, timeout: TIMEOUT };
const FLEX: Service = Service { tier: RequestedTier::Flex, timeout: TIMEOUT };

struct InProcess(Simulated<Simulator>);

impl Transport for InProcess {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let lost = |reason: &str| TransportError::AnswerLost {
            host: "in process".to_owned(),
            reason: reason.to_owned(),
        };
        match tokio::time::timeout(timeout, self.0.call(request)).await {
            Ok(Answer::Reply(response)) => Ok(response),
            Ok(Answer::Lost) => Err(lost("connection closed")),
            Err(_elapsed) => Err(lost("timeout")),
        }
    }
}

/// A client of `model`. Both its clock and the simulator's start at `at`.
fn client(model: &str, at: &str) -> Gemini<InProcess> {
    client_of(model, at, GeminiOptions::default())
}

/// The same, with a model that behaves according to `options`.
fn client_of(model: &str, at: &str, options: GeminiOptions) -> Gemini<InProcess> {
    let start: Timestamp = at.parse().unwrap();
    let origin = tokio::time::Instant::now();
    let theirs =
        simulators::Clock::new(move || start + SignedDuration::try_from(origin.elapsed()).unwrap());
    let api_keys = vec![KEY.to_owned()];
    let mut options = GeminiOptions { api_keys, ..options };
    options.models.push("gemini-9-unheard-of".to_owned());
    let simulator = Simulator::new(options, theirs, Arc::new(NoStore));
    let endpoint = ModelEndpoint::Developer {
        url: "http://gemini.invented.example/".parse().unwrap(),
        key: SecretString::from(KEY.to_owned()),
    };
    let settings = settings(model, endpoint);
    let transport = InProcess(Simulated::new(simulator, 1));
    Gemini::new(transport, settings, Clock::following_tokio(start))
}

fn settings(model: &str, endpoint: ModelEndpoint) -> ModelSettings {
    ModelSettings {
        endpoint,
        id: model.to_owned(),
        thinking: None,
        tier: TierChoice::Standard,
        timeout: TIMEOUT,
        calls_at_once: 8,
    }
}

async fn ask(client: &Gemini<impl Transport>, service: Service) -> Call {
    let schema = json!({"type": "ARRAY", "items": {"type": "STRING"}});
    let prompt = Prompt {
        system: "Score.",
        user: "Some words to be scored.",
        schema: &schema,
        max_output_tokens: 4_096,
    };
    client.generate(&prompt, service).await
}

async fn answered(client: &Gemini<InProcess>, service: Service) -> (TokenUsage, String, Served) {
    match ask(client, service).await.billing {
        CallOutcome::Answered { usage, model, served } => (usage, model, served),
        billing @ (CallOutcome::Refused | CallOutcome::Lost) => panic!("{billing:?}"),
    }
}

/// The tiers that the calls requested, with the status of each answer.
fn asked(client: &Gemini<InProcess>) -> Vec<(&'static str, u16)> {
    let requests = client.transport.0.requests();
    requests.iter().map(|count| (count.kind, count.status)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_retired_model_is_priced_as_the_one_that_really_answers() {
    let client = client("gemini-2.5-pro", "2026-11-30T23:59:00Z");
    let cost = |(usage, model, served): &(TokenUsage, String, Served)| {
        prices::cost(model, served.terms(served.at.unwrap()), usage).unwrap()
    };
    let by_hand = |usage: &TokenUsage, input, output| {
        NanoUsd(usage.prompt * input + (usage.output + usage.thoughts) * output)
    };
    let november = answered(&client, STANDARD).await;
    assert_eq!((november.1.as_str(), &november.2.asked), ("gemini-2.5-pro", &None));
    assert_eq!(cost(&november), by_hand(&november.0, 1_250, 10_000));

    tokio::time::advance(Duration::from_mins(1)).await;
    let december = answered(&client, STANDARD).await;
    assert_eq!(december.1, "gemini-3.8-flash");
    assert_eq!(december.2.asked.as_deref(), Some("gemini-2.5-pro"));
    assert_eq!(december.2.at, Some("2026-12-01T00:00:00Z".parse().unwrap()));
    assert_eq!(cost(&december), by_hand(&december.0, 750, 3_750));

    tokio::time::advance(Duration::from_hours(31 * 24)).await;
    let january = answered(&client, STANDARD).await;
    assert_eq!(january.2.at, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(cost(&january), by_hand(&january.0, 1_500, 7_500));
}

#[tokio::test(start_paused = true)]
async fn a_flex_call_is_served_and_recorded_as_flex() {
    let client = client("gemini-3.5-flash-lite", "2026-11-23T10:00:00Z");
    assert_eq!(answered(&client, FLEX).await.2.tier, Tier::Flex);
    assert_eq!(answered(&client, STANDARD).await.2.tier, Tier::Standard);
    let billed = client.transport.0.service().billed();
    let tiers: Vec<ServedTier> = billed.iter().map(|one| one.tier).collect();
    assert_eq!(tiers, [ServedTier::Flex, ServedTier::Standard]);
}

#[tokio::test(start_paused = true)]
async fn flex_that_is_shed_is_billed_nothing_and_may_be_tried_later() {
    let client = client("gemini-3.5-flash-lite", "2026-11-23T10:00:00Z");
    for fault in [Fault::TooManyRequests, Fault::Unavailable] {
        let kind = Some("generate_flex".to_owned());
        let rule = FaultRule { fault, next: Some(1), probability: None, kind };
        client.transport.0.faults().add(rule);
        let call = ask(&client, FLEX).await;
        assert_eq!(call.billing, CallOutcome::Refused);
        assert!(matches!(call.reply, Reply::TryLater { .. }));
    }
    assert_eq!(asked(&client), [("generate_flex", 429), ("generate_flex", 503)]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_flex_call_is_given_up_when_its_time_is_over() {
    let slow = GeminiOptions { latency: Duration::from_secs(40), ..GeminiOptions::default() };
    let client = client_of("gemini-3.5-flash-lite", "2026-11-23T10:00:00Z", slow);
    let begun = tokio::time::Instant::now();
    let call = ask(&client, Service { timeout: Duration::from_secs(15), ..FLEX }).await;
    assert_eq!((call.billing, begun.elapsed().as_secs()), (CallOutcome::Lost, 15));
    assert!(matches!(call.reply, Reply::TryLater { category: ErrorCategory::Timeout, .. }));
    assert_eq!(answered(&client, STANDARD).await.2.tier, Tier::Standard);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_flex_the_call_is_made_as_standard_at_once() {
    let without = GeminiOptions { offers_flex: false, ..GeminiOptions::default() };
    let client = client_of("gemini-3.5-flash-lite", "2026-11-23T10:00:00Z", without);
    assert_eq!(answered(&client, FLEX).await.2.tier, Tier::Standard);
    assert_eq!(asked(&client), [("generate", 200), ("generate_flex", 400)]);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_price_raises_the_alarm_and_any_other_does_not() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().json().flatten_event(true);
    let errors = lines.with_max_level(Level::ERROR).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(errors);
    let at = "2026-11-23T10:00:00Z";
    answered(&client("gemini-3.5-flash-lite", at), STANDARD).await;
    assert!(log.0.lock().unwrap().is_empty());
    let (usage, model, _) = answered(&client("gemini-9-unheard-of", at), STANDARD).await;
    assert_eq!((model.as_str(), usage.total > 0), ("gemini-9-unheard-of", true));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(r#""alarm":"model_without_price""#), "{log}");
}

/// Vertex AI that refuses the first access tokens, and issues a new one each time.
#[derive(Default)]
struct RefusesTokens {
    refused: AtomicUsize,
    given: AtomicUsize,
    calls: AtomicUsize,
    /// What comes instead of the first token, if anything.
    instead: Mutex<Option<(u16, &'static str)>>,
}

impl Transport for RefusesTokens {
    async fn send(
        &self,
        request: HttpRequest,
        _: Duration,
    ) -> Result<HttpResponse, TransportError> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let is_token = request.uri().path() == "/token";
        if is_token && let Some((status, body)) = self.instead.lock().unwrap().take() {
            return Ok(http::Response::builder().status(status).body(body.into()).unwrap());
        }
        let (status, body) = if is_token {
            let number = self.given.fetch_add(1, Ordering::SeqCst) + 1;
            (200, json!({"access_token": number.to_string(), "expires_in": 3_600}))
        } else {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let token = request.headers()["authorization"].to_str().unwrap();
            let number: usize = token.trim_start_matches("Bearer ").parse().unwrap();
            if number <= self.refused.load(Ordering::SeqCst) {
                (401, json!({"error": {"code": 401, "status": "UNAUTHENTICATED"}}))
            } else {
                (200, json!({"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}}))
            }
        };
        let response = http::Response::builder().status(status);
        Ok(response.body(body.to_string().into()).unwrap())
    }
}

/// A client of Vertex AI that has a token. The first `refused` tokens are refused.
async fn on_vertex(refused: usize) -> Gemini<RefusesTokens> {
    let account = simulators::gemini::ServiceAccount::invented("http://vertex.invented.example");
    let options = GeminiOptions { service_account: Some(account), ..GeminiOptions::default() };
    let clock = simulators::Clock::new(|| Timestamp::UNIX_EPOCH);
    let simulated = Simulated::new(Simulator::new(options, clock, Arc::new(NoStore)), 1);
    let request = http::Request::get("/_sim/service-account")
        .header("host", "vertex.invented.example")
        .body(bytes::Bytes::new())
        .unwrap();
    let Answer::Reply(file) = simulated.call(request).await else { panic!("lost") };
    let account = vertex::ServiceAccount::read(str::from_utf8(file.body()).unwrap()).unwrap();
    let auth = Arc::new(vertex::VertexAuth::new(account));
    let url = "http://vertex.invented.example/v1/".parse().unwrap();
    let settings = settings("gemini-3.5-flash-lite", ModelEndpoint::Vertex { url, auth });
    let transport = RefusesTokens { refused: refused.into(), ..Default::default() };
    let start = "2026-11-23T10:00:00Z".parse().unwrap();
    Gemini::new(transport, settings, Clock::following_tokio(start))
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_together_for_an_old_token_are_all_made_again_with_one_new_one() {
    let client = on_vertex(0).await;
    ask(&client, STANDARD).await;
    client.transport.refused.store(1, Ordering::SeqCst);
    let calls = futures_util::future::join_all((0..10).map(|_| ask(&client, STANDARD))).await;
    assert!(calls.iter().all(|call| matches!(call.billing, CallOutcome::Answered { .. })));
    assert_eq!(client.transport.given.load(Ordering::SeqCst), 2, "one new token for all");
    assert_eq!(client.transport.calls.load(Ordering::SeqCst), 1 + 20);
    assert_eq!(client.halted(), None);
}

#[tokio::test(start_paused = true)]
async fn what_comes_instead_of_a_token_is_no_refusal_unless_google_says_so() {
    for (instead, halts) in [
        ((200, "<html>Sign in</html>"), false),
        ((200, r#"{"access_token":""}"#), false),
        ((200, r#"{"access_token":"a\nb"}"#), false),
        ((200, r#"{"access_token":["a"]}"#), false),
        ((403, "<html>Forbidden</html>"), false),
        ((400, r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#), true),
    ] {
        let client = on_vertex(0).await;
        *client.transport.instead.lock().unwrap() = Some(instead);
        let call = ask(&client, STANDARD).await;
        assert_eq!(call.billing, CallOutcome::Refused, "{instead:?}");
        assert_eq!(client.halted().is_some(), halts, "{instead:?}");
        assert_eq!(matches!(call.reply, Reply::TryLater { .. }), !halts, "{instead:?}");
    }
    let client = on_vertex(0).await;
    let spaced = "{\"access_token\": \" 7\\n\", \"expires_in\": 3600}";
    *client.transport.instead.lock().unwrap() = Some((200, spaced));
    assert!(matches!(ask(&client, STANDARD).await.billing, CallOutcome::Answered { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_service_account_whose_tokens_are_all_refused_halts_the_calls() {
    let client = on_vertex(usize::MAX).await;
    let call = ask(&client, STANDARD).await;
    assert!(matches!(&call.reply, Reply::Halted(halt) if halt.category == ErrorCategory::Auth));
    assert!(client.halted().is_some());
    assert_eq!(client.transport.calls.load(Ordering::SeqCst), 2, "renewed once");
}
