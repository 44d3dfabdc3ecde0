//! Apify, and the model with its price.

use super::check::Check;
use super::settings::{corrected, without_services};
use crate::system::Variables;
use http::{StatusCode, header};
use secrecy::ExposeSecret;
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
use shared::core::clock::Clock;
use shared::core::prices::{self, Terms};
use shared::core::tokens::{NanoUsd, Surface, Tier, TokenUsage};
use shared::messages::ErrorCategory;
use shared::ports::Transport;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn apify(variables: &impl Variables, transport: &HttpTransport) -> Vec<Check> {
    const WHAT: &str = "Apify token";
    let vars = Vars::new(variables);
    let url = vars.api("APIFY_API_URL", "https://api.apify.com/v2");
    let token = vars.secret("APIFY_TOKEN", "the API token for Apify");
    let (url, token) = match (url, token) {
        (Ok(url), Ok(token)) => (url, token),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Check::wrong(WHAT, &error, corrected(&error))];
        }
    };
    let request = http::Request::get(format!("{url}actor-runs?limit=1"))
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
        .body(bytes::Bytes::new())
        .expect("configuration checked that the token is a header value");
    vec![match transport.send(request, TIMEOUT).await {
        Ok(answer) if answer.status().is_success() => Check::ok(WHAT, "Apify accepts it"),
        Ok(answer)
            if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) =>
        {
            let says = format!("Apify does not accept it (status {})", answer.status().as_u16());
            Check::wrong(
                WHAT,
                says,
                "set APIFY_TOKEN to a token that may read runs, datasets and key-value stores",
            )
        }
        Ok(answer) => {
            let says = format!("Apify answers with status {}", answer.status().as_u16());
            Check::wrong(WHAT, says, "check APIFY_API_URL, or ask again later")
        }
        Err(error) => Check::wrong(WHAT, error, "check APIFY_API_URL and the way to it"),
    }]
}

/// Whether the model is known and lets us in, and what it costs.
pub(super) async fn model(variables: &impl Variables, transport: &HttpTransport) -> Vec<Check> {
    let config = match scoring::Config::read(without_services(variables)) {
        Ok(config) => config,
        Err(error) => return vec![Check::wrong("model", &error, corrected(&error))],
    };
    let model = config.model;
    let what = format!("model {}", model.id);
    let answers = match scoring::probe_model(&model, transport.clone()).await {
        Ok(()) => Check::ok(&what, "it generates for our key"),
        Err(problem) => Check::wrong(&what, &problem, what_to_do(problem.category)),
    };
    vec![answers, priced(&model.id)]
}

/// What the model costs today. Without a price its tokens are counted, but no cost includes them.
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
        ErrorCategory::Quota => "raise the quota, or wait until it is renewed",
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
