//! What an error of the model says. External rules: Google's error bodies and status codes.

use super::lenient::read_json;
use super::reply::Reply;
use http::StatusCode;
use serde_json::{Value, json};
use shared::messages::{ErrorCategory, Halt};
use std::time::Duration;

/// Longest part of Google's own words that is kept, in characters.
const WORDS_MAX: usize = 240;
/// So many characters in a row that stand in a prompt too are taken to be quoted from it.
const QUOTED: usize = 14;

/// Reads an error. Nothing was billed for it. No word of `user`, what the model was asked, goes into
/// a reason.
pub(super) fn read_refusal(status: StatusCode, body: &[u8], user: &str) -> Reply {
    let error = read_json(body).iter().find_map(error_of).unwrap_or_default();
    read_error(status, &error, user)
}

/// The error object in a body; gateways give its message alone.
pub(super) fn error_of(body: &Value) -> Option<Value> {
    match &body["error"] {
        error @ Value::Object(_) => Some(error.clone()),
        Value::String(message) => Some(json!({"message": message})),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// The HTTP status of an error that came with a success: the one that it names, by its code or by
/// Google's word for it.
pub(super) fn status_of(error: &Value) -> StatusCode {
    let code = &error["code"];
    let code = code.as_u64().or_else(|| code.as_str()?.trim().parse().ok());
    let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
    let named = code.and_then(|code| StatusCode::from_u16(code).ok());
    named.unwrap_or_else(|| match error["status"].as_str().unwrap_or_default() {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => StatusCode::BAD_REQUEST,
        "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
        "PERMISSION_DENIED" => StatusCode::FORBIDDEN,
        "NOT_FOUND" => StatusCode::NOT_FOUND,
        "RESOURCE_EXHAUSTED" => StatusCode::TOO_MANY_REQUESTS,
        "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
        "DEADLINE_EXCEEDED" => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    })
}

pub(super) fn read_error(status: StatusCode, error: &Value, user: &str) -> Reply {
    let name: String = error["status"].as_str().unwrap_or("no status").chars().take(60).collect();
    let message = error["message"].as_str().unwrap_or_default();
    let words = words_of_google(message, user);
    let detail = format!("the model refuses the call ({} {name}){words}", status.as_u16());
    if let Some(category) = halt(status, error) {
        return Reply::Halted(Halt { category, detail });
    }
    let unusable = |category| Reply::Unusable { category, detail: detail.clone() };
    let later = |category, after| Reply::TryLater { category, detail: detail.clone(), after };
    match status {
        StatusCode::BAD_REQUEST if name == "FAILED_PRECONDITION" => unusable(ErrorCategory::Auth),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => unusable(ErrorCategory::Auth),
        StatusCode::TOO_MANY_REQUESTS if is_daily(error) => unusable(ErrorCategory::Quota),
        StatusCode::TOO_MANY_REQUESTS => later(ErrorCategory::Quota, retry_delay(error)),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            later(ErrorCategory::Timeout, None)
        }
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Reply::Refused { detail, is_lasting: true },
        StatusCode::INTERNAL_SERVER_ERROR => Reply::Refused { detail, is_lasting: false },
        // Google's ABORTED: other requests were in the way.
        StatusCode::CONFLICT | StatusCode::TOO_EARLY => later(ErrorCategory::Unknown, None),
        status if status.is_client_error() && status.as_u16() != 499 => {
            unusable(ErrorCategory::ModelConfig)
        }
        _ => later(ErrorCategory::Unknown, None),
    }
}

/// Whether nobody is answered until a person does something, and what kind of thing.
fn halt(status: StatusCode, error: &Value) -> Option<ErrorCategory> {
    let message = error["message"].as_str().unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let reason = reason(error).unwrap_or_default();
    let is_money = match status {
        StatusCode::PAYMENT_REQUIRED => true,
        // Quotas are named in details, and their message speaks of "plan and billing" too.
        StatusCode::TOO_MANY_REQUESTS => {
            let has_quota = details(error, "QuotaFailure").next().is_some();
            has_no_quota(error)
                || !has_quota
                    && (says(CREDIT_WORDS) || CREDIT_REASONS.iter().any(|r| reason.contains(r)))
        }
        StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
            CREDIT_REASONS.iter().any(|word| reason.contains(word))
        }
        _ => false,
    };
    if is_money {
        return Some(ErrorCategory::NoCredit);
    }
    let is_key = match status {
        StatusCode::BAD_REQUEST => reason == "API_KEY_INVALID" || says(&["api key"]),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            reason.starts_with("API_KEY_")
                || says(&["api key was reported", "leaked", "key expired"])
        }
        _ => false,
    };
    is_key.then_some(ErrorCategory::Auth)
}

/// What a refusal says when the credit is used up or a limit of spending is reached.
const CREDIT_WORDS: &[&str] = &[
    "credit",
    "prepay",
    "prepaid",
    "top up",
    "top-up",
    "account balance",
    "spending cap",
    "spend cap",
    "spending limit",
    "spend limit",
    "out of funds",
    "insufficient funds",
];
/// Parts of an `ErrorInfo`'s reason that say the same.
const CREDIT_REASONS: &[&str] = &["CREDIT", "BILLING", "SPEND", "PREPAY"];

/// Google's own words as the end of a reason: bounded, on one line, and left out where they quote
/// what the model was asked. Empty without any.
pub(super) fn words_of_google(message: &str, user: &str) -> String {
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: Vec<char> = words.chars().take(WORDS_MAX).collect();
    let is_quoted = |part: &[char]| user.contains(&part.iter().collect::<String>());
    if words.is_empty() || words.windows(QUOTED).any(is_quoted) || says_quoted(&words, user) {
        return String::new();
    }
    let kept: String = words.iter().collect();
    format!(": {kept}")
}

/// Whether something that stands in quotation marks stands in the prompt too, however short it is.
fn says_quoted(words: &[char], user: &str) -> bool {
    let text: String = words.iter().collect();
    let quoted = text.split(['"', '\'', '`', '“', '”', '‘', '’']).skip(1).step_by(2);
    quoted.filter(|part| part.len() > 3).any(|part| user.contains(part))
}

fn details<'a>(error: &'a Value, kind: &'static str) -> impl Iterator<Item = &'a Value> {
    let details = error["details"].as_array().map_or(&[][..], Vec::as_slice);
    details
        .iter()
        .filter(move |detail| detail["@type"].as_str().is_some_and(|name| name.ends_with(kind)))
}

fn reason(error: &Value) -> Option<&str> {
    details(error, "ErrorInfo").find_map(|info| info["reason"].as_str())
}

/// Whether the project has a quota of none for the model: no time helps, only a plan that has one.
fn has_no_quota(error: &Value) -> bool {
    violations(error)
        .map(|violation| &violation["quotaValue"])
        .any(|most| *most == "0" || *most == 0)
}

fn violations(error: &Value) -> impl Iterator<Item = &Value> {
    details(error, "QuotaFailure")
        .flat_map(|failure| failure["violations"].as_array().map_or(&[][..], Vec::as_slice))
}

/// Whether a daily quota is used up: asking again today does not help.
fn is_daily(error: &Value) -> bool {
    violations(error)
        .flat_map(|violation| [&violation["quotaId"], &violation["quota_id"]])
        .filter_map(Value::as_str)
        .any(|quota| quota.contains("PerDay"))
}

/// How long to wait before the next call: what `RetryInfo` says, or else the message.
fn retry_delay(error: &Value) -> Option<Duration> {
    let told = details(error, "RetryInfo")
        .flat_map(|info| [&info["retryDelay"], &info["retry_delay"]])
        .find_map(seconds);
    let in_words = || {
        let message = error["message"].as_str()?;
        let (_, behind) = message.split_once("retry in ")?;
        seconds_in(behind.split_once('s')?.0)
    };
    let seconds = told.or_else(in_words)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A time such as `"34s"`, `"1.5s"`, `34` or `{"seconds": 34}`.
fn seconds(delay: &Value) -> Option<f64> {
    let text = delay.as_str().map(|text| text.trim().trim_end_matches('s'));
    text.and_then(seconds_in).or_else(|| delay.as_f64()).or_else(|| seconds(delay.get("seconds")?))
}

fn seconds_in(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const USER: &str = r#"{"leads":[{"posts":[{"content":"QX-SECRET words about ships"}]}]}"#;

    fn refusal(status: u16, error: &Value) -> Reply {
        read_refusal(StatusCode::from_u16(status).unwrap(), error.to_string().as_bytes(), USER)
    }

    fn words(reply: &Reply) -> String {
        match reply {
            Reply::Unusable { category, .. } => category.as_str().to_owned(),
            Reply::TryLater { category, .. } => format!("{} later", category.as_str()),
            Reply::Halted(halt) => format!("{} halts", halt.category.as_str()),
            Reply::Refused { is_lasting, .. } => format!("refused, lasting {is_lasting}"),
            Reply::Text { text, .. } => panic!("text: {text}"),
        }
    }

    fn quota(quota_id: &str) -> Value {
        json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
            "message": "You exceeded your current quota, please check your plan and billing details, or your credits.",
            "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]}})
    }

    /// A model that the project's plan does not have.
    fn of_none() -> Value {
        let mut error = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
        error["error"]["details"][0]["violations"][0]["quotaValue"] = json!("0");
        error
    }

    fn says(status: &str, message: &str) -> Value {
        json!({"error": {"status": status, "message": message}})
    }

    fn because(reason: &str) -> Value {
        json!({"error": {"status": "INVALID_ARGUMENT", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]}})
    }

    #[test]
    fn a_minutes_quota_is_waited_for_and_a_days_is_not() {
        let minute = refusal(429, &quota("GenerateRequestsPerMinutePerProjectPerModel"));
        let Reply::TryLater { after, .. } = &minute else { panic!("{minute:?}") };
        assert_eq!(*after, Some(Duration::from_millis(34_500)));
        let day = refusal(429, &quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"));
        assert_eq!(words(&day), "QUOTA");
        for (told, message) in [
            (json!({"retryDelay": 7}), ""),
            (json!({"retry_delay": {"seconds": 7}}), ""),
            (json!({}), "You exceeded your current quota. Please retry in 7.0s."),
        ] {
            let mut info = told;
            info["@type"] = json!("type.googleapis.com/google.rpc.RetryInfo");
            let error = json!({"error": {"message": message, "details": [info]}});
            let Reply::TryLater { after, .. } = refusal(429, &error) else { panic!("{error}") };
            assert_eq!(after, Some(Duration::from_secs(7)), "{error}");
        }
        assert_eq!(words(&refusal(429, &json!([{"error": {}}]))), "QUOTA later");
        let shared = says("RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later.");
        assert_eq!(words(&refusal(429, &shared)), "QUOTA later");
    }

    #[test]
    fn a_lack_of_money_halts_all_calls() {
        for (status, error) in [
            (402, json!({})),
            (402, says("RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.")),
            (429, says("RESOURCE_EXHAUSTED", "The prepaid credits are used up; top up.")),
            (
                429,
                says("RESOURCE_EXHAUSTED", "Your project has exceeded its monthly spending cap."),
            ),
            (429, json!([says("RESOURCE_EXHAUSTED", "Spend limit reached for this tier.")])),
            (403, because("BILLING_DISABLED")),
            (429, of_none()),
        ] {
            assert_eq!(words(&refusal(status, &error)), "NO_CREDIT halts", "{status} {error}");
        }
    }

    #[test]
    fn a_key_that_is_not_accepted_halts_all_calls() {
        for (status, error) in [
            (400, because("API_KEY_INVALID")),
            (400, says("INVALID_ARGUMENT", "API key expired. Please renew the API key.")),
            (403, says("PERMISSION_DENIED", "Your API key was reported as leaked. Use another.")),
        ] {
            assert_eq!(words(&refusal(status, &error)), "AUTH halts", "{status} {error}");
        }
    }

    #[test]
    fn errors_fall_into_their_categories() {
        let status = |name: &str| json!({"error": {"status": name}});
        for (code, error, expected) in [
            (400, status("FAILED_PRECONDITION"), "AUTH"),
            (400, status("INVALID_ARGUMENT"), "refused, lasting true"),
            (413, json!({}), "refused, lasting true"),
            (401, json!({}), "AUTH"),
            (403, json!({}), "AUTH"),
            (404, json!({}), "MODEL_CONFIG"),
            (499, json!({}), "UNKNOWN later"),
            (500, json!({}), "refused, lasting false"),
            (409, json!({}), "UNKNOWN later"),
            (425, json!({}), "UNKNOWN later"),
            (503, json!({}), "UNKNOWN later"),
            (504, json!([status("DEADLINE_EXCEEDED")]), "TIMEOUT later"),
        ] {
            assert_eq!(words(&refusal(code, &error)), expected, "{code} {error}");
        }
    }

    #[test]
    fn googles_own_words_are_kept_unless_they_quote_a_post() {
        let detail = |message: &str| {
            let reply = refusal(400, &says("INVALID_ARGUMENT", message));
            let Reply::Refused { detail, .. } = reply else { panic!("{reply:?}") };
            detail
        };
        let plain = "the model refuses the call (400 INVALID_ARGUMENT)";
        let kept = "Request contains\n an invalid argument.";
        assert_eq!(detail(kept), format!("{plain}: Request contains an invalid argument."));
        assert_eq!(detail("Bad text: words about ships"), plain);
        assert_eq!(detail("Bad text 'QX-SECRET' here"), plain);
        assert_eq!(detail(&"x".repeat(9_000)).len(), plain.len() + 2 + WORDS_MAX);
    }
}
