//! What an error of the model says. External rules: Google's error bodies and status codes.

use super::reply::Reply;
use http::StatusCode;
use serde_json::Value;
use shared::messages::ErrorCategory;
use std::time::Duration;

/// Reads an error. Nothing was billed for it.
pub(super) fn read_refusal(status: StatusCode, body: &[u8]) -> Reply {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    // Some paths wrap the error in an array of one.
    let error = body.get("error").or_else(|| body[0].get("error")).unwrap_or(&Value::Null);
    let name: String = error["status"].as_str().unwrap_or("no status").chars().take(60).collect();
    let detail = format!("the model refuses the call ({} {name})", status.as_u16());
    let unusable = |category| Reply::Unusable { category, detail: detail.clone() };
    let later = |category, after| Reply::TryLater { category, detail: detail.clone(), after };
    match status {
        StatusCode::BAD_REQUEST if reason(error) == Some("API_KEY_INVALID") => {
            unusable(ErrorCategory::Auth)
        }
        StatusCode::BAD_REQUEST if name == "FAILED_PRECONDITION" => unusable(ErrorCategory::Auth),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => unusable(ErrorCategory::Auth),
        StatusCode::TOO_MANY_REQUESTS if is_daily(error) => unusable(ErrorCategory::Quota),
        StatusCode::TOO_MANY_REQUESTS => later(ErrorCategory::Quota, retry_delay(error)),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            later(ErrorCategory::Timeout, None)
        }
        status if status.is_client_error() && status.as_u16() != 499 => {
            unusable(ErrorCategory::ModelConfig)
        }
        _ => later(ErrorCategory::Unknown, None),
    }
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

/// Whether a daily quota is used up: asking again today does not help.
fn is_daily(error: &Value) -> bool {
    details(error, "QuotaFailure")
        .flat_map(|failure| failure["violations"].as_array().map_or(&[][..], Vec::as_slice))
        .filter_map(|violation| violation["quotaId"].as_str())
        .any(|quota| quota.contains("PerDay"))
}

/// `RetryInfo.retryDelay`, such as `"34s"` or `"1.5s"`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let delay = details(error, "RetryInfo").find_map(|info| info["retryDelay"].as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(status: u16, error: &Value) -> Reply {
        read_refusal(StatusCode::from_u16(status).unwrap(), error.to_string().as_bytes())
    }

    fn category(reply: &Reply) -> (ErrorCategory, bool) {
        match reply {
            Reply::Unusable { category, .. } => (*category, false),
            Reply::TryLater { category, .. } => (*category, true),
            Reply::Text(text) => panic!("text: {text}"),
        }
    }

    fn quota(quota_id: &str) -> Value {
        json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota_id}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]}})
    }

    #[test]
    fn a_minutes_quota_is_waited_for_and_a_days_is_not() {
        let minute = refusal(429, &quota("GenerateRequestsPerMinutePerProjectPerModel"));
        let Reply::TryLater { after, .. } = &minute else { panic!("{minute:?}") };
        assert_eq!(*after, Some(Duration::from_millis(34_500)));
        let day = refusal(429, &quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"));
        assert_eq!(category(&day), (ErrorCategory::Quota, false));
        assert_eq!(category(&refusal(429, &json!([{"error": {}}]))), (ErrorCategory::Quota, true));
    }

    #[test]
    fn errors_fall_into_their_categories() {
        let bad_key = json!({"error": {"status": "INVALID_ARGUMENT", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}});
        let status = |name: &str| json!({"error": {"status": name}});
        let (auth, unknown) = ((ErrorCategory::Auth, false), (ErrorCategory::Unknown, true));
        let cases = [
            (400, bad_key, auth),
            (400, status("FAILED_PRECONDITION"), auth),
            (400, status("INVALID_ARGUMENT"), (ErrorCategory::ModelConfig, false)),
            (401, json!({}), auth),
            (403, json!({}), auth),
            (404, json!({}), (ErrorCategory::ModelConfig, false)),
            (499, json!({}), unknown),
            (500, json!({}), unknown),
            (503, json!({}), unknown),
            (504, json!([status("DEADLINE_EXCEEDED")]), (ErrorCategory::Timeout, true)),
        ];
        for (status, error, expected) in cases {
            assert_eq!(category(&refusal(status, &error)), expected, "{status} {error}");
        }
    }
}
