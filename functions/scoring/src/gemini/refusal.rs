//! Reads the model's errors. External rules: Google's error bodies and status codes.

use super::lenient::read_json;
use super::reply::Reply;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};
use shared::messages::{ErrorCategory, Halt};
use shared::ports::HttpResponse;
use std::time::Duration;

/// Most characters that are kept of Google's own message.
const WORDS_MAX: usize = 240;
/// If this many characters in a row also appear in the prompt, they count as a quote from it.
const QUOTED: usize = 14;

/// Reads an error. It was not billed. No part of `user`, the user prompt, may appear in a reason.
pub(super) fn read_refusal(response: &HttpResponse, user: &str) -> Reply {
    let told = read_json(response.body());
    let error = told.iter().find_map(error_of).unwrap_or_default();
    match read_error(response.status(), &error, user) {
        Reply::TryLater { category, detail, after: None } => {
            let seconds = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
            let after = seconds.and_then(seconds_in).and_then(duration);
            Reply::TryLater { category, detail, after }
        }
        // This page comes from something in between, which may have blocked a lead's text.
        Reply::Unusable { detail, .. }
            if told.is_empty() && response.status() == StatusCode::FORBIDDEN =>
        {
            Reply::Refused { detail, is_lasting: true }
        }
        reply @ (Reply::Text { .. }
        | Reply::Unusable { .. }
        | Reply::Refused { .. }
        | Reply::TryLater { .. }
        | Reply::Halted(_)) => reply,
    }
}

/// The error object in a body. Some gateways send only its message.
pub(super) fn error_of(body: &Value) -> Option<Value> {
    match &body["error"] {
        error @ Value::Object(_) => Some(error.clone()),
        Value::String(message) => Some(json!({"message": message})),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// The HTTP status of an error that came with a success, from its code or from Google's name for
/// it.
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
    let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let name = error["status"].as_str().unwrap_or_default();
    let name: String = name.chars().filter(is_word).take(60).collect();
    let name = if name.is_empty() { "no status".to_owned() } else { name };
    let message = error["message"].as_str().unwrap_or_default();
    let words = words_of_google(message, user);
    let detail = format!("the model refuses the call ({} {name}){words}", status.as_u16());
    if let Some(category) = halt(status, error) {
        return Reply::Halted(Halt { category, detail });
    }
    let unusable = |category| Reply::Unusable { category, detail: detail.clone() };
    let after = retry_delay(error);
    let later = |category| Reply::TryLater { category, detail: detail.clone(), after };
    match status {
        StatusCode::BAD_REQUEST if name == "FAILED_PRECONDITION" => unusable(ErrorCategory::Auth),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => unusable(ErrorCategory::Auth),
        StatusCode::TOO_MANY_REQUESTS if is_daily(error) => unusable(ErrorCategory::Quota),
        StatusCode::TOO_MANY_REQUESTS => later(ErrorCategory::Quota),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => later(ErrorCategory::Timeout),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Reply::Refused { detail, is_lasting: true },
        StatusCode::INTERNAL_SERVER_ERROR => Reply::Refused { detail, is_lasting: false },
        // Google's ABORTED: the request conflicted with other requests.
        StatusCode::CONFLICT | StatusCode::TOO_EARLY => later(ErrorCategory::Unknown),
        status if status.is_client_error() && status.as_u16() != 499 => {
            unusable(ErrorCategory::ModelConfig)
        }
        _ => later(ErrorCategory::Unknown),
    }
}

/// Whether no call is answered until a person acts, and for what reason.
fn halt(status: StatusCode, error: &Value) -> Option<ErrorCategory> {
    let message = error["message"].as_str().unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let reason = reason(error).unwrap_or_default();
    let is_credit_reason =
        || reason.split('_').any(|word| CREDIT_REASONS.iter().any(|it| word.starts_with(it)));
    let is_precondition = error["status"] == "FAILED_PRECONDITION";
    let is_money = match status {
        StatusCode::PAYMENT_REQUIRED => true,
        // Quotas are named in the details, but their message mentions "plan and billing" too.
        StatusCode::TOO_MANY_REQUESTS => {
            let has_quota = details(error, "QuotaFailure").next().is_some();
            has_no_quota(error) || !has_quota && (says(CREDIT_WORDS) || is_credit_reason())
        }
        StatusCode::FORBIDDEN => is_credit_reason() || says(&["billing"]),
        StatusCode::BAD_REQUEST => is_credit_reason() || is_precondition && says(&["billing"]),
        _ => false,
    };
    if is_money {
        return Some(ErrorCategory::NoCredit);
    }
    let is_key = match status {
        StatusCode::BAD_REQUEST => reason == "API_KEY_INVALID" || says(&["api key"]),
        StatusCode::UNAUTHORIZED if error["status"] == "UNAUTHENTICATED" => true,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            reason.starts_with("API_KEY_")
                || CONSUMER_REASONS.contains(&reason)
                || says(&["api key was reported", "leaked", "key expired", "been suspended"])
        }
        _ => false,
    };
    is_key.then_some(ErrorCategory::Auth)
}

/// Words in a refusal if the credit is used up or a spending limit is reached.
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
/// The start of words with the same meaning in an `ErrorInfo`'s reason.
const CREDIT_REASONS: &[&str] = &["CREDIT", "BILLING", "SPEND", "PREPAY"];
/// Reasons in an `ErrorInfo` that say that the key's project is not served.
const CONSUMER_REASONS: &[&str] = &["CONSUMER_SUSPENDED", "CONSUMER_INVALID"];

/// Google's own message as the end of a reason: limited in length, on one line, and omitted if it
/// quotes the prompt. Empty if there is none.
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

/// Whether any text in quotation marks also appears in the prompt, even if it is short.
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

/// Whether the project's quota for the model is 0. Waiting does not help, only a plan with a quota.
/// The details omit a zero, but the message contains it.
fn has_no_quota(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default();
    let mut limits = message.split("limit: ").skip(1);
    let is_longer = |c: char| c.is_ascii_digit() || c == '.';
    let is_zero =
        |limit: &str| limit.strip_prefix('0').is_some_and(|it| !it.starts_with(is_longer));
    violations(error)
        .map(|violation| &violation["quotaValue"])
        .any(|most| *most == "0" || *most == 0)
        || limits.any(is_zero)
}

fn violations(error: &Value) -> impl Iterator<Item = &Value> {
    details(error, "QuotaFailure")
        .flat_map(|failure| failure["violations"].as_array().map_or(&[][..], Vec::as_slice))
}

/// Whether a daily quota is used up, so that another call today is useless.
fn is_daily(error: &Value) -> bool {
    violations(error)
        .flat_map(|violation| [&violation["quotaId"], &violation["quota_id"]])
        .filter_map(Value::as_str)
        .any(|quota| quota.contains("PerDay"))
}

/// How long to wait before the next call, according to `RetryInfo` or else to the message.
fn retry_delay(error: &Value) -> Option<Duration> {
    let told = details(error, "RetryInfo")
        .flat_map(|info| [&info["retryDelay"], &info["retry_delay"]])
        .find_map(seconds);
    let in_words = || {
        let message = error["message"].as_str()?;
        let (_, behind) = message.split_once("retry in ")?;
        seconds_in(behind.split_once('s')?.0)
    };
    told.or_else(in_words).and_then(duration)
}

fn duration(seconds: f64) -> Option<Duration> {
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
        read_refusal(&response(status, error.to_string()), USER)
    }

    fn response(status: u16, body: String) -> HttpResponse {
        http::Response::builder().status(status).body(body.into()).unwrap()
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

    /// The refusal for a model that is not in the project's plan.
    fn of_none() -> Value {
        let mut error = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
        error["error"]["details"][0]["violations"][0]["quotaValue"] = json!("0");
        error
    }

    /// A per-minute quota whose size is only in the message.
    fn quota_of(limit: &str) -> Value {
        let mut error = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
        error["error"]["message"] = format!("You exceeded your current quota, {limit}").into();
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
            (429, quota_of("limit: 0, model: gemini-3.5-flash-lite\nPlease retry in 34.07s.")),
            (429, quota_of("limit: 20, of tokens; limit: 0")),
            (400, says("FAILED_PRECONDITION", "Please enable billing on your project.")),
            (403, says("PERMISSION_DENIED", "The billing account of the project is closed.")),
        ] {
            assert_eq!(words(&refusal(status, &error)), "NO_CREDIT halts", "{status} {error}");
        }
        for limit in ["limit: 20", "limit: 0.5", "limit: 05", "no limit: none"] {
            assert_eq!(words(&refusal(429, &quota_of(limit))), "QUOTA later", "{limit}");
        }
    }

    #[test]
    fn a_key_that_is_not_accepted_halts_all_calls() {
        for (status, error) in [
            (400, because("API_KEY_INVALID")),
            (400, says("INVALID_ARGUMENT", "API key expired. Please renew the API key.")),
            (403, says("PERMISSION_DENIED", "Your API key was reported as leaked. Use another.")),
            (401, says("UNAUTHENTICATED", "Request had invalid authentication credentials.")),
            (403, because("CONSUMER_SUSPENDED")),
            (403, says("PERMISSION_DENIED", "Consumer 'projects/1' has been suspended.")),
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
    fn every_refusal_that_passes_may_say_when_in_its_details_or_in_a_header() {
        let after = |status: u16, body: &str, header: &str| {
            let mut response = response(status, body.to_owned());
            response.headers_mut().insert(RETRY_AFTER, header.parse().unwrap());
            let reply = read_refusal(&response, USER);
            let Reply::TryLater { after, .. } = reply else { panic!("{reply:?}") };
            after.map(|after| after.as_secs())
        };
        let info = json!({"error": {"details": [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]}});
        for status in [429, 503, 504] {
            assert_eq!(after(status, &info.to_string(), "30"), Some(7), "{status}: Google's own");
            assert_eq!(after(status, "<html>", " 30 "), Some(30), "{status}");
            assert_eq!(after(status, "", "Wed, 21 Oct 2026 07:28:00 GMT"), None, "{status}");
        }
    }

    #[test]
    fn a_page_that_forbids_a_call_may_be_about_what_one_lead_says() {
        let page = response(403, "<html>Request blocked</html>".to_owned());
        assert_eq!(words(&read_refusal(&page, USER)), "refused, lasting true");
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
        let odd = |status: &str| refusal(400, &says(status, ""));
        assert_eq!(odd("INVALID ARGUMENT\n"), odd("INVALIDARGUMENT"), "it is one word");
    }
}
