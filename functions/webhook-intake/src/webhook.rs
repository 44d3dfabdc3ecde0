//! Reads Apify's webhook: which run ended, and hints about its run and client.
//!
//! External rules: Apify's default payload and its custom templates. A template without
//! `shouldInterpolateStrings` sends a quoted `"{{resource.id}}"` literally.

use crate::refusal::Refusal;
use jiff::Timestamp;
use lambda_http::http::{HeaderMap, HeaderValue};
use serde_json::Value;
use shared::core::ids::{ApifyRunId, ClientId, RunStamp};
use shared::core::unicode::mend_json;
use shared::messages::{Hints, Ingest};
use std::borrow::Cow;
use url::form_urlencoded;

/// What a webhook requests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Webhook {
    /// An Apify run ended: ingest it.
    Finished(Ingest),
    /// Nothing, for this reason.
    Ignored { reason: String },
}

/// The event types of a run that ended. Other types announce a run that is not over, or are not
/// about a run.
const END_EVENTS: [&str; 4] =
    ["ACTOR.RUN.SUCCEEDED", "ACTOR.RUN.FAILED", "ACTOR.RUN.ABORTED", "ACTOR.RUN.TIMED_OUT"];
/// The event type if a webhook's template omits it or has a word of its own. The run then counts as
/// ended, and Apify says whether that is so.
const UNKNOWN_EVENT: &str = "UNKNOWN";
/// Words of events, in addition to Apify's other ones, that end no run: the test webhook's, and the
/// statuses of a run that is not over.
const OTHER_EVENTS: [&str; 5] = ["TEST", "READY", "RUNNING", "TIMING_OUT", "ABORTING"];

/// Where the run's id may be, the most reliable place first: in Apify's own payload and in custom
/// templates.
const RUN_IDS: [&str; 6] =
    ["/resource/id", "/eventData/actorRunId", "/actorRunId", "/apifyRunId", "/runId", "/id"];

/// What Apify's template engine writes for a variable that is missing or not a string.
const MISSING: [&str; 3] = ["undefined", "null", "[object Object]"];

/// Most characters of a dispatch id. Apify's ids have 17.
pub(crate) const MOST_DISPATCH_ID: usize = 64;

/// Apify's id of a webhook's dispatch. All its retries have the same id.
pub(crate) fn dispatch_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-apify-webhook-dispatch-id")?.to_str().ok().and_then(filled)
}

/// Reads a webhook that arrived at `now`.
pub(crate) fn parse(
    body: &[u8],
    query: &str,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Webhook, Refusal> {
    let payload = read_json(body)
        .map_err(|error| Refusal::NotJson { line: error.line(), column: error.column() })?;
    if !payload.is_object() {
        return Err(Refusal::NotJson { line: 1, column: 1 });
    }
    let event_type = event_type(&payload);
    if event_type != UNKNOWN_EVENT && !END_EVENTS.contains(&event_type.as_str()) {
        let event_type: String = event_type.chars().take(60).collect();
        return Ok(Webhook::Ignored { reason: format!("event {event_type} needs no action") });
    }
    let apify_run_id = RUN_IDS
        .iter()
        .filter_map(|pointer| text(&payload, pointer))
        .find_map(|id| id.parse::<ApifyRunId>().ok())
        .ok_or(Refusal::NoRunId)?;
    let hints = hints(&payload, query, headers)?;
    let finished_at = ["/resource/finishedAt", "/finishedAt"]
        .iter()
        .find_map(|pointer| text(&payload, pointer)?.parse::<Timestamp>().ok());
    let dispatch_id = dispatch_id(headers).map(|id| id.chars().take(MOST_DISPATCH_ID).collect());
    let received_at = now;
    Ok(Webhook::Finished(Ingest {
        apify_run_id,
        event_type,
        hints,
        received_at,
        finished_at,
        dispatch_id,
        done: None,
    }))
}

/// The type of the event in Apify's spelling. A custom template may send the run's status instead.
fn event_type(payload: &Value) -> String {
    let given = text(payload, "/eventType").unwrap_or(UNKNOWN_EVENT);
    let written = given.to_ascii_uppercase().replace('-', "_");
    let is_end = |event: &&&str| {
        **event == written || event.strip_prefix("ACTOR.RUN.") == Some(written.as_str())
    };
    let is_known = written.starts_with("ACTOR.") || OTHER_EVENTS.contains(&written.as_str());
    let other = if is_known { given } else { UNKNOWN_EVENT };
    END_EVENTS.iter().find(is_end).map_or_else(|| other.to_owned(), |event| (*event).to_owned())
}

/// Reads the body. If a string in it was cut in the middle of a character, only that character is
/// lost.
fn read_json(body: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(body).or_else(|error| {
        let mended = mend_json(body);
        serde_json::from_str(&mended).map_err(|_| error)
    })
}

/// The hints, each from the first place with a usable value.
fn hints(payload: &Value, query: &str, headers: &HeaderMap) -> Result<Hints, Refusal> {
    let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let in_query = |name| only_value(&query, name);
    let headers = ["x-run-id", "x-parent-run-id", "x-client-id"]
        .map(|name| headers.get(name).map_or(Cow::Borrowed(""), text_of_header));
    let [run, parent_run, client] = headers.each_ref().map(|text| filled(text));
    let runs = [
        ("query runId", in_query("runId")?),
        ("query parentRunId", in_query("parentRunId")?),
        ("header x-run-id", run),
        ("header x-parent-run-id", parent_run),
        ("payload parentRunId", text(payload, "/parentRunId")),
        ("payload runId", text(payload, "/runId")),
    ];
    // Under `runId`, the query and the payload may contain Apify's run id instead.
    let is_apify_run =
        |given: &Option<&str>| given.is_some_and(|id| id.parse::<ApifyRunId>().is_ok());
    let runs = runs.into_iter().filter(|(_, given)| !is_apify_run(given));
    let [of_payload, of_meta] = ["/clientId", "/resource/meta/clientId"]
        .map(|pointer| payload.pointer(pointer).map_or(Cow::Borrowed(""), text_or_number));
    let clients = [
        ("query clientId", in_query("clientId")?),
        ("query client", in_query("client")?),
        ("query testClient", in_query("testClient")?),
        ("header x-client-id", client),
        ("payload clientId", filled(&of_payload)),
        ("payload resource.meta.clientId", filled(&of_meta)),
    ];
    let mut unusable = Vec::new();
    let run_stamp = first_usable("run id", runs, RunStamp::in_front_of, &mut unusable);
    let parse_client = |id: &str| id.parse::<ClientId>().ok();
    let client = first_usable("client id", clients, parse_client, &mut unusable);
    Ok(Hints { run_stamp, client, unusable, unattributed: None })
}

/// The value of a key in the query. The case of the key does not matter.
///
/// # Errors
/// If the key has several different values, because it is unclear which one is meant.
fn only_value<'a>(
    query: &'a [(Cow<'_, str>, Cow<'_, str>)],
    name: &'static str,
) -> Result<Option<&'a str>, Refusal> {
    let named = query.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    let mut values = named.filter_map(|(_, value)| filled(value));
    let value = values.next();
    if values.any(|other| Some(other) != value) {
        let rule = "is in the query more than once, with different values; give it once".to_owned();
        return Err(Refusal::InvalidField { field: name, rule });
    }
    Ok(value)
}

/// A header as a string. Bytes that are not UTF-8 are read as Latin-1, the older character set of
/// HTTP.
fn text_of_header(value: &HeaderValue) -> Cow<'_, str> {
    let latin_1 = || value.as_bytes().iter().copied().map(char::from).collect();
    std::str::from_utf8(value.as_bytes()).map_or_else(|_| Cow::Owned(latin_1()), Cow::Borrowed)
}

/// The first value that `parse` accepts. For each value before it, a description that it is not a
/// `wanted` is added to `unusable`.
fn first_usable<'a, T>(
    wanted: &str,
    places: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    parse: impl Fn(&str) -> Option<T>,
    unusable: &mut Vec<String>,
) -> Option<T> {
    for (place, value) in places {
        let Some(value) = value else { continue };
        if let Some(usable) = parse(value) {
            return Some(usable);
        }
        let shown: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
        unusable
            .push(format!("the webhook's {place} {shown:?} is not a {wanted} and was not used"));
    }
    None
}

/// The string at a JSON pointer.
fn text<'a>(payload: &'a Value, pointer: &str) -> Option<&'a str> {
    filled(payload.pointer(pointer)?.as_str()?)
}

/// A string, or a number as a string: a template keeps the type of a variable.
fn text_or_number(value: &Value) -> Cow<'_, str> {
    let number = value.as_number().map(|number| Cow::Owned(number.to_string()));
    value.as_str().map(Cow::Borrowed).or(number).unwrap_or_default()
}

/// A value without the white space around it. It counts as missing if it is empty, contains a
/// literal `{{…}}` of a template, or is what the template engine writes for a missing variable.
fn filled(value: &str) -> Option<&str> {
    let is_said = |value: &&str| !value.is_empty() && !value.contains("{{");
    Some(value.trim()).filter(|value| is_said(value) && !MISSING.contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::messages::routes;

    const RUN: &str = "HG7ML7M8z78YcAPEB";

    fn parsed(payload: &Value, query: &str) -> Result<Webhook, Refusal> {
        parse(payload.to_string().as_bytes(), query, &HeaderMap::new(), Timestamp::UNIX_EPOCH)
    }

    fn hints_of(payload: &Value, query: &str) -> Hints {
        match parsed(payload, query).unwrap() {
            Webhook::Finished(task) => task.hints,
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
            json!({"id": "aDispatchOfApify1", "actorRunId": RUN}),
            json!({"runId": "261123-094519-Guy-Wilson", "apifyRunId": RUN}),
            json!({"resource": {"id": "{{resource.id}}"}, "eventData": {"actorRunId": RUN}}),
        ] {
            let Ok(Webhook::Finished(task)) = parsed(&payload, "") else {
                panic!("{payload} is not accepted");
            };
            assert_eq!(task.apify_run_id.as_str(), RUN);
        }
    }

    /// The deduplication id of the task of a webhook with this body, query and dispatch id.
    fn task_of(payload: &Value, query: &str, dispatch: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-apify-webhook-dispatch-id", dispatch.parse().unwrap());
        let body = payload.to_string();
        let webhook = parse(body.as_bytes(), query, &headers, Timestamp::UNIX_EPOCH).unwrap();
        let Webhook::Finished(task) = webhook else { panic!("{webhook:?}") };
        routes::ingest(task).deduplication().to_owned()
    }

    #[test]
    fn a_webhook_posted_again_is_the_same_task_and_another_end_or_run_is_another() {
        let ended = |at: &str| json!({"eventType": "ACTOR.RUN.SUCCEEDED", "resource": {"id": RUN, "finishedAt": at}});
        let (first, second) =
            (ended("2026-11-23T09:59:00.000Z"), ended("2026-11-23T10:02:00.000Z"));
        let task = task_of(&first, "clientId=Guy-Wilson", "d1");
        assert_eq!(task_of(&first, "clientId=Guy-Wilson", "d1"), task);
        assert_eq!(task_of(&first, "clientId=Guy-Wilson", "d2"), task, "two webhooks of one end");
        assert_ne!(task_of(&second, "clientId=Guy-Wilson", "d1"), task, "it was resurrected");
        let corrected = "clientId=Guy-Wilson&runId=260101-000000";
        assert_ne!(task_of(&first, corrected, "d1"), task, "it names another run");
        // A template may omit the end, or not fill it in.
        for end in [json!(null), json!("{{resource.finishedAt}}"), json!({"odd": 1})] {
            let bare = json!({"id": RUN, "finishedAt": end});
            let task = task_of(&bare, "", "d1");
            assert_eq!(task_of(&bare, "", "d1"), task);
            assert_ne!(task_of(&bare, "", "d2"), task, "another dispatch may be of another end");
        }
    }

    #[test]
    fn a_webhook_that_names_no_run_is_refused() {
        assert_eq!(parsed(&json!({"runId": "{{resource.id}}"}), ""), Err(Refusal::NoRunId));
        assert_eq!(parsed(&json!({}), ""), Err(Refusal::NoRunId));
        assert!(matches!(parsed(&json!([1]), ""), Err(Refusal::NotJson { .. })));
        assert!(matches!(
            parse(b"{\"a\":", "", &HeaderMap::new(), Timestamp::UNIX_EPOCH),
            Err(Refusal::NotJson { .. })
        ));
    }

    #[test]
    fn a_text_that_was_cut_in_the_middle_of_a_character_costs_that_character() {
        let body = format!(r#"{{"resource": {{"id": "{RUN}", "statusMessage": "Done \ud83d"}}}}"#);
        for body in [body.as_bytes(), &[body.as_bytes(), b"\xf0\x9f"].concat()[..]] {
            let parsed = parse(body, "", &HeaderMap::new(), Timestamp::UNIX_EPOCH);
            let is_whole = body.ends_with(b"}");
            assert_eq!(matches!(parsed, Ok(Webhook::Finished(_))), is_whole, "{parsed:?}");
        }
    }

    #[test]
    fn events_that_end_no_run_are_ignored() {
        for event_type in [
            "TEST",
            "test",
            "ACTOR.RUN.CREATED",
            "actor.run.resurrected",
            "ACTOR.BUILD.FAILED",
            "ACTOR.RUN.OF_NEXT_YEAR",
            "RUNNING",
            "TIMING-OUT",
        ] {
            let payload =
                json!({"eventType": event_type, "eventData": null, "resource": {"joke": "x"}});
            assert!(matches!(parsed(&payload, ""), Ok(Webhook::Ignored { .. })), "{event_type}");
        }
    }

    #[test]
    fn an_event_that_a_persons_own_template_names_otherwise_is_the_same_event() {
        for (event, read) in [
            (json!("ACTOR.RUN.TIMED-OUT"), "ACTOR.RUN.TIMED_OUT"),
            (json!("actor.run.succeeded"), "ACTOR.RUN.SUCCEEDED"),
            (json!("SUCCEEDED"), "ACTOR.RUN.SUCCEEDED"),
            (json!("TIMED-OUT"), "ACTOR.RUN.TIMED_OUT"),
            (json!("undefined"), "UNKNOWN"),
            (json!("Run succeeded"), "UNKNOWN"),
            (json!("harvest-done"), "UNKNOWN"),
            (json!(null), "UNKNOWN"),
        ] {
            let webhook = parsed(&json!({"eventType": event, "id": RUN}), "").unwrap();
            let Webhook::Finished(task) = webhook else { panic!("{event}: {webhook:?}") };
            assert_eq!(task.event_type, read);
        }
    }

    #[test]
    fn what_a_template_writes_for_a_missing_variable_is_no_hint() {
        for missing in ["undefined", "null", "[object Object]", "{{ resource.clientId }}", " "] {
            let payload = json!({"id": RUN, "clientId": missing, "parentRunId": missing,
                "resource": {"meta": {"clientId": "From-Meta"}}});
            let hints = hints_of(&payload, "clientId=undefined&runId=undefined");
            assert_eq!(hints.client.unwrap().as_str(), "From-Meta", "{missing}");
            assert_eq!((hints.run_stamp, hints.unusable), (None, Vec::new()), "{missing}");
        }
    }

    #[test]
    fn a_client_whose_id_is_a_number_may_come_as_one() {
        assert_eq!(
            hints_of(&json!({"id": RUN, "clientId": 42}), "").client.unwrap().as_str(),
            "42"
        );
        let meta = json!({"resource": {"id": RUN, "meta": {"clientId": 42}}, "clientId": [1]});
        assert_eq!(hints_of(&meta, "").client.unwrap().as_str(), "42");
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
    fn a_key_of_the_query_may_come_again_and_be_written_in_another_case() {
        for query in [
            "clientId=Guy-Wilson&clientId=Guy-Wilson",
            "clientId=&clientId=undefined&clientId=%7B%7Bclient%7D%7D&clientId=Guy-Wilson",
            "clientid=Guy-Wilson",
            "CLIENTID=Guy%2DWilson",
        ] {
            let hints = hints_of(&json!({"id": RUN}), query);
            assert_eq!(hints.client.unwrap().as_str(), "Guy-Wilson", "{query}");
        }
    }

    #[test]
    fn a_key_of_the_query_with_two_values_is_refused_and_neither_is_taken() {
        for (query, key) in [
            ("clientId=Guy-Wilson&clientId=Other", "clientId"),
            ("clientId=Guy-Wilson&CLIENTID=Other", "clientId"),
            ("runId=260101-000000&clientId=Guy-Wilson&runId=260102-000000", "runId"),
        ] {
            let refusal = parsed(&json!({"id": RUN}), query).unwrap_err();
            assert_eq!(
                refusal.to_string(),
                format!(
                    "`{key}` is in the query more than once, with different values; give it once"
                )
            );
        }
    }

    #[test]
    fn a_client_whose_name_has_accents_may_stand_in_a_header() {
        for written in ["Zoë".as_bytes(), b"Zo\xeb"] {
            let mut headers = HeaderMap::new();
            headers.insert("x-client-id", HeaderValue::from_bytes(written).unwrap());
            let body = json!({"id": RUN}).to_string();
            let webhook = parse(body.as_bytes(), "", &headers, Timestamp::UNIX_EPOCH).unwrap();
            let Webhook::Finished(task) = webhook else { panic!("{webhook:?}") };
            assert_eq!(task.hints.client.unwrap().as_str(), "Zoë");
        }
    }

    #[test]
    fn a_header_can_carry_the_hints() {
        let mut headers = HeaderMap::new();
        headers.insert("x-client-id", "Guy-Wilson".parse().unwrap());
        headers.insert("x-run-id", "260101-000000-Guy-Wilson".parse().unwrap());
        let body = json!({"id": RUN, "clientId": "From-Payload"}).to_string();
        let Ok(Webhook::Finished(Ingest { hints, .. })) =
            parse(body.as_bytes(), "", &headers, Timestamp::UNIX_EPOCH)
        else {
            panic!("not accepted");
        };
        assert_eq!(hints.client.unwrap().as_str(), "Guy-Wilson");
        assert_eq!(hints.run_stamp.unwrap().as_str(), "260101-000000");
    }

    #[test]
    fn an_apify_run_id_is_not_a_run_id_and_an_unusable_hint_is_noted() {
        let hints = hints_of(&json!({"runId": RUN}), "runId=yesterday");
        assert_eq!(hints.run_stamp, None);
        assert_eq!(
            hints.unusable,
            [r#"the webhook's query runId "yesterday" is not a run id and was not used"#]
        );
        let hints = hints_of(&json!({"runId": RUN, "clientId": "{{resource.meta.clientId}}"}), "");
        assert_eq!(hints, Hints::default());
    }
}
