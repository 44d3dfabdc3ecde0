//! What Apify's webhook says: which run ended, and hints to its run and client.
//!
//! External rules: Apify's default payload and its custom templates. A template without
//! `shouldInterpolateStrings` delivers a quoted `"{{resource.id}}"` as those characters; such a
//! value counts as missing.

use crate::refusal::Refusal;
use lambda_http::http::HeaderMap;
use serde_json::Value;
use shared::core::ids::{ApifyRunId, ClientId, RunStamp};
use shared::messages::Hints;
use url::form_urlencoded;

/// What is to be done about a webhook.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Webhook {
    /// A run ended: ingest it.
    Finished { apify_run_id: ApifyRunId, event_type: String, hints: Hints },
    /// Nothing.
    Ignored { reason: String },
}

/// The event types of a run that ended. Others announce something that is still going on, or are
/// not about a run.
const END_EVENTS: [&str; 4] =
    ["ACTOR.RUN.SUCCEEDED", "ACTOR.RUN.FAILED", "ACTOR.RUN.ABORTED", "ACTOR.RUN.TIMED_OUT"];
/// A template may leave the event type out: the webhook is then taken for one of a run that ended.
const UNKNOWN_EVENT: &str = "UNKNOWN";

/// Reads a webhook.
pub(crate) fn parse(body: &[u8], query: &str, headers: &HeaderMap) -> Result<Webhook, Refusal> {
    let payload: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::NotJson { line: error.line(), column: error.column() })?;
    if !payload.is_object() {
        return Err(Refusal::NotJson { line: 1, column: 1 });
    }
    let event_type = text(&payload, "/eventType").unwrap_or(UNKNOWN_EVENT).to_owned();
    if event_type != UNKNOWN_EVENT && !END_EVENTS.contains(&event_type.as_str()) {
        let event_type: String = event_type.chars().take(60).collect();
        return Ok(Webhook::Ignored { reason: format!("event {event_type} needs nothing") });
    }
    let apify_run_id = ["/resource/id", "/eventData/actorRunId", "/runId", "/id"]
        .iter()
        .filter_map(|pointer| text(&payload, pointer))
        .find_map(|id| id.parse::<ApifyRunId>().ok())
        .ok_or(Refusal::NoRunId)?;
    Ok(Webhook::Finished { apify_run_id, event_type, hints: hints(&payload, query, headers) })
}

/// The hints, each from the first place that has a usable one.
fn hints(payload: &Value, query: &str, headers: &HeaderMap) -> Hints {
    let query: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let in_query =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let in_header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());

    let mut hints = Hints::default();
    let runs = [
        ("query runId", in_query("runId")),
        ("query parentRunId", in_query("parentRunId")),
        ("header x-run-id", in_header("x-run-id")),
        ("header x-parent-run-id", in_header("x-parent-run-id")),
        ("payload parentRunId", text(payload, "/parentRunId")),
        ("payload runId", text(payload, "/runId")),
    ];
    for (place, given) in given(runs) {
        // `runId` in the payload and the query may just as well hold Apify's run id.
        if given.parse::<ApifyRunId>().is_ok() {
            continue;
        }
        match RunStamp::in_front_of(given) {
            Some(run_stamp) => {
                hints.run_stamp = Some(run_stamp);
                break;
            }
            None => hints.unusable.push(unusable("run id", place, given)),
        }
    }
    let clients = [
        ("query clientId", in_query("clientId")),
        ("query client", in_query("client")),
        ("query testClient", in_query("testClient")),
        ("header x-client-id", in_header("x-client-id")),
        ("payload clientId", text(payload, "/clientId")),
        ("payload resource.meta.clientId", text(payload, "/resource/meta/clientId")),
    ];
    for (place, given) in given(clients) {
        match given.parse::<ClientId>() {
            Ok(client) => {
                hints.client = Some(client);
                break;
            }
            Err(_) => hints.unusable.push(unusable("client id", place, given)),
        }
    }
    hints
}

fn given<'a>(
    places: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    places.into_iter().filter_map(|(place, value)| {
        let value = value?.trim();
        (!value.is_empty() && !value.contains("{{")).then_some((place, value))
    })
}

fn unusable(what: &str, place: &str, given: &str) -> String {
    let given: String = given.chars().filter(|c| !c.is_control()).take(60).collect();
    format!("the webhook's {place} {given:?} is no {what} and was not used")
}

/// The text at a JSON pointer. A literal `{{…}}` of a template counts as missing.
fn text<'a>(payload: &'a Value, pointer: &str) -> Option<&'a str> {
    payload
        .pointer(pointer)?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty() && !text.contains("{{"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const RUN: &str = "HG7ML7M8z78YcAPEB";

    fn parsed(payload: &Value, query: &str) -> Result<Webhook, Refusal> {
        parse(payload.to_string().as_bytes(), query, &HeaderMap::new())
    }

    fn hints_of(payload: &Value, query: &str) -> Hints {
        match parsed(payload, query).unwrap() {
            Webhook::Finished { hints, .. } => hints,
            Webhook::Ignored { reason } => panic!("ignored: {reason}"),
        }
    }

    #[test]
    fn the_run_id_is_found_in_default_and_custom_payloads() {
        for payload in [
            json!({"eventType": "ACTOR.RUN.SUCCEEDED", "eventData": {"actorRunId": RUN}, "resource": {"id": RUN}}),
            json!({"eventType": "ACTOR.RUN.TIMED_OUT", "eventData": {"actorRunId": RUN}}),
            json!({"runId": RUN}),
            json!({"id": RUN}),
            json!({"runId": "{{resource.id}}", "id": RUN}),
            json!({"resource": {"id": "{{resource.id}}"}, "eventData": {"actorRunId": RUN}}),
        ] {
            let Ok(Webhook::Finished { apify_run_id, .. }) = parsed(&payload, "") else {
                panic!("{payload} is not accepted");
            };
            assert_eq!(apify_run_id.as_str(), RUN);
        }
    }

    #[test]
    fn a_webhook_that_names_no_run_is_refused() {
        assert_eq!(parsed(&json!({"runId": "{{resource.id}}"}), ""), Err(Refusal::NoRunId));
        assert_eq!(parsed(&json!({}), ""), Err(Refusal::NoRunId));
        assert!(matches!(parsed(&json!([1]), ""), Err(Refusal::NotJson { .. })));
        assert!(matches!(parse(b"{\"a\":", "", &HeaderMap::new()), Err(Refusal::NotJson { .. })));
    }

    #[test]
    fn events_that_end_no_run_need_nothing() {
        for event_type in
            ["TEST", "ACTOR.RUN.CREATED", "ACTOR.RUN.RESURRECTED", "ACTOR.BUILD.FAILED"]
        {
            let payload =
                json!({"eventType": event_type, "eventData": null, "resource": {"joke": "x"}});
            assert!(matches!(parsed(&payload, ""), Ok(Webhook::Ignored { .. })), "{event_type}");
        }
    }

    #[test]
    fn hints_come_from_the_first_place_that_has_a_usable_one() {
        let payload = json!({"resource": {"id": RUN, "meta": {"clientId": "From-Meta"}}, "clientId": "From-Payload",
            "parentRunId": "251014-153000-Other-Client"});
        let hints = hints_of(&payload, "");
        assert_eq!(hints.client.unwrap().as_str(), "From-Payload");
        assert_eq!(hints.run_stamp.unwrap().as_str(), "251014-153000");
        let hints = hints_of(&payload, "testClient=Guy-Wilson&runId=260101-000000");
        assert_eq!(hints.client.unwrap().as_str(), "Guy-Wilson");
        assert_eq!(hints.run_stamp.unwrap().as_str(), "260101-000000");
    }

    #[test]
    fn a_header_can_carry_the_hints() {
        let mut headers = HeaderMap::new();
        headers.insert("x-client-id", "Guy-Wilson".parse().unwrap());
        headers.insert("x-run-id", "260101-000000-Guy-Wilson".parse().unwrap());
        let body = json!({"id": RUN, "clientId": "From-Payload"}).to_string();
        let Ok(Webhook::Finished { hints, .. }) = parse(body.as_bytes(), "", &headers) else {
            panic!("not accepted");
        };
        assert_eq!(hints.client.unwrap().as_str(), "Guy-Wilson");
        assert_eq!(hints.run_stamp.unwrap().as_str(), "260101-000000");
    }

    #[test]
    fn an_apify_run_id_is_never_taken_for_a_run_id_and_nonsense_is_noted() {
        let hints = hints_of(&json!({"runId": RUN}), "runId=yesterday");
        assert_eq!(hints.run_stamp, None);
        assert_eq!(
            hints.unusable,
            [r#"the webhook's query runId "yesterday" is no run id and was not used"#]
        );
        let hints = hints_of(&json!({"runId": RUN, "clientId": "{{resource.meta.clientId}}"}), "");
        assert_eq!(hints, Hints::default());
    }
}
