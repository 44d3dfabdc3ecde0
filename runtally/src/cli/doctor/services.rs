//! Checks Apify, and the model with its price.

use super::check::Check;
use super::settings::without_services;
use crate::cli::output::of_setting;
use crate::system::Variables;
use http::{StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use shared::adapters::http::HttpTransport;
use shared::config::{ApifyConfig, Vars};
use shared::core::clock::Clock;
use shared::core::prices::{self, Terms};
use shared::core::tokens::{NanoUsd, Surface, Tier, TokenUsage};
use shared::messages::ErrorCategory;
use shared::ports::Transport;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn apify(variables: &impl Variables, transport: &HttpTransport) -> Vec<Check> {
    let ApifyConfig { url, token } = match ApifyConfig::read(&Vars::new(variables)) {
        Ok(config) => config,
        Err(error) => return vec![Check::wrong(WHAT, &error, of_setting(&error))],
    };
    let api = Api { transport, root: url.as_str(), token };
    let runs = match api.get("actor-runs?limit=1&desc=1").await {
        // Every account has a list of runs, even if it is empty.
        Ok(Value::Null) => {
            let says = format!("what answers at {url} is not Apify: it has no list of runs");
            return vec![Check::wrong(WHAT, says, "correct APIFY_API_URL")];
        }
        Ok(answer) => answer,
        Err(check) => return vec![check],
    };
    let mut checks = vec![Check::ok(WHAT, "Apify accepts it, and it may list runs")];
    checks.push(api.check_reading(runs.pointer("/data/items/0")).await);
    checks
}

const WHAT: &str = "Apify token";
const NEEDED: &str = "set APIFY_TOKEN to a token that may read runs, datasets and key-value stores";

struct Api<'a> {
    transport: &'a HttpTransport,
    root: &'a str,
    token: SecretString,
}

impl Api<'_> {
    /// Tries to read what a harvest needs, from the run that Apify listed first.
    async fn check_reading(&self, run: Option<&Value>) -> Check {
        let text = |pointer| run.and_then(|run| run.pointer(pointer)).and_then(Value::as_str);
        let (Some(run), Some(dataset)) = (text("/id"), text("/defaultDatasetId")) else {
            return Check::info(WHAT, "there is no run yet whose posts it could try to read");
        };
        let run = utf8_percent_encode(run, NON_ALPHANUMERIC);
        let dataset = utf8_percent_encode(dataset, NON_ALPHANUMERIC);
        for path in [
            format!("datasets/{dataset}/items?limit=1"),
            format!("actor-runs/{run}/key-value-store/records/INPUT"),
        ] {
            if let Err(check) = self.get(&path).await {
                return check;
            }
        }
        Check::ok(WHAT, "it may read what a run was given, and what it found")
    }

    /// Reads a resource. A missing resource counts as readable.
    async fn get(&self, path: &str) -> Result<Value, Check> {
        let request = http::Request::get(format!("{}{path}", self.root))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .body(bytes::Bytes::new())
            .expect("configuration checked that the token is a header value");
        let answer = match self.transport.send(request, TIMEOUT).await {
            Ok(answer) => answer,
            Err(error) => {
                return Err(Check::wrong(WHAT, error, "check APIFY_API_URL and the way to it"));
            }
        };
        let status = answer.status();
        let (code, what) = (status.as_u16(), path.split(['/', '?']).next().unwrap_or_default());
        match status {
            StatusCode::NOT_FOUND => Ok(Value::Null),
            status if status.is_success() => {
                Ok(serde_json::from_slice(answer.body()).unwrap_or_default())
            }
            StatusCode::UNAUTHORIZED => {
                Err(Check::wrong(WHAT, format!("Apify does not accept it (status {code})"), NEEDED))
            }
            StatusCode::FORBIDDEN => {
                Err(Check::wrong(WHAT, format!("it may not read {what} (status {code})"), NEEDED))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(Check::warning(
                WHAT,
                "not checked now: Apify limits the requests",
                "ask again in a minute; the system waits and continues automatically",
            )),
            _ => {
                let says = format!("Apify answers with status {code}");
                Err(Check::wrong(WHAT, says, "check APIFY_API_URL, or ask again later"))
            }
        }
    }
}

/// Checks whether the model is known and accepts us, and what it costs.
pub(super) async fn model(variables: &impl Variables, transport: &HttpTransport) -> Vec<Check> {
    let config = match scoring::Config::read(without_services(variables)) {
        Ok(config) => config,
        Err(error) => return vec![Check::wrong("model", &error, of_setting(&error))],
    };
    let model = config.model;
    let what = format!("model {}", model.id);
    let answers = match scoring::probe_model(&model, transport.clone()).await {
        Ok(()) => Check::ok(&what, "it generates for our key"),
        Err(problem) if problem.category == ErrorCategory::Quota => {
            let says = format!("it limits the requests just now: {problem}");
            Check::warning(&what, says, what_to_do(problem.category))
        }
        Err(problem) => Check::wrong(&what, &problem, what_to_do(problem.category)),
    };
    vec![answers, priced(&model.id)]
}

/// What the model costs today. Without a price, its tokens are counted but not its cost.
fn priced(model: &str) -> Check {
    let what = format!("price of {model}");
    let million = |prompt, output| TokenUsage { prompt, output, ..TokenUsage::default() };
    let now = Clock::system().now();
    let terms = Terms { surface: Surface::Developer, tier: Tier::Standard, at: now };
    // A thousandth of a million, so that no price for long prompts applies.
    let cost = |usage| prices::cost(model, terms, &usage).map(|cost| NanoUsd(cost.0 * 1_000));
    match (cost(million(1_000, 0)), cost(million(0, 1_000))) {
        (Some(prompt), Some(output)) => Check::ok(
            what,
            format!(
                "{prompt} for a million prompt tokens, {output} for a million of output (standard tier), as of {}",
                now.strftime("%Y-%m-%d")
            ),
        ),
        (None, _) | (_, None) => Check::warning(
            what,
            "the price table has none: its tokens are counted, but no cost includes them",
            "add its price to shared/src/core/prices.rs, or set GEMINI_MODEL to a model that has one",
        ),
    }
}

fn what_to_do(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::Auth => {
            "replace the key: set GEMINI_API_KEY to a valid one (or VERTEX_SERVICE_ACCOUNT to a valid \
             service account)"
        }
        ErrorCategory::Quota => {
            "nothing, if it passes: the system waits and continues automatically; otherwise raise \
             the quota"
        }
        ErrorCategory::ModelConfig => "set GEMINI_MODEL to a model that exists",
        ErrorCategory::Timeout | ErrorCategory::Unknown => {
            "check GEMINI_API_URL and the way to it, or ask again later"
        }
        ErrorCategory::NoCredit => {
            "top up the model's credit, or raise its limit of spending, where its provider bills it"
        }
        ErrorCategory::SafetyBlock
        | ErrorCategory::ModelRefused
        | ErrorCategory::ModelNoAnswer
        | ErrorCategory::AiResponseFormat
        | ErrorCategory::PostsUnreadable
        | ErrorCategory::Airtable => "ask again later",
    }
}
