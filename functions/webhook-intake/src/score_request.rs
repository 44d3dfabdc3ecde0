//! `POST /runs`: scores waiting leads.

use crate::refusal::Refusal;
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::core::ids::{ClientId, RecordId, RunStamp};
use shared::messages::{ClientScope, Kind, MAX_PLAN_LEADS, ScoreWaiting};
use url::form_urlencoded;

/// The fields of a request.
const KNOWN: [&str; 7] = ["clientId", "all", "kind", "limit", "leadIds", "runId", "dryRun"];

/// Refuses fields in the query. A `dryRun` there would be ignored, and the work would cost money.
pub(crate) fn check_query(query: &str) -> Result<(), Refusal> {
    let names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned());
    let is_field = |name: &String| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name));
    match names.into_iter().find(is_field) {
        Some(name) => Err(invalid("the request", format!("takes {name:?} only in its body"))),
        None => Ok(()),
    }
}

/// Reads a request. Without a `runId`, `now` names the run. The time travels with the task.
pub(crate) fn parse(body: &[u8], now: Timestamp) -> Result<ScoreWaiting, Refusal> {
    let fields: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| Refusal::NotJson { line: error.line(), column: error.column() })?;
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let unknown: String = unknown.chars().take(40).collect();
        let rule = format!("has no field {unknown:?}; it has {}", KNOWN.join(", "));
        return Err(invalid("the request", rule));
    }
    let clients = clients(&fields)?;
    let lead_ids = lead_ids(&fields)?;
    if clients == ClientScope::All && !lead_ids.is_empty() {
        return Err(invalid("leadIds", "needs a clientId: lead ids belong to one client's base"));
    }
    Ok(ScoreWaiting {
        clients,
        kind: kind(&fields)?,
        run_stamp: run_stamp(&fields)?,
        requested_at: Some(now),
        limit: limit(&fields)?,
        lead_ids,
        dry_run: dry_run(&fields)?,
        token_share: None,
        client_row: None,
        cursor: None,
    })
}

fn invalid(field: &'static str, rule: impl Into<String>) -> Refusal {
    Refusal::InvalidField { field, rule: rule.into() }
}

fn clients(fields: &Map<String, Value>) -> Result<ClientScope, Refusal> {
    match (fields.get("clientId"), fields.get("all")) {
        (Some(Value::String(client)), None | Some(Value::Bool(false))) => client
            .parse::<ClientId>()
            .map(ClientScope::One)
            .map_err(|error| invalid("clientId", format!("is wrong: {error}"))),
        (None, Some(Value::Bool(true))) => Ok(ClientScope::All),
        (Some(_), Some(Value::Bool(true))) => {
            Err(invalid("all", "cannot be combined with `clientId`"))
        }
        (Some(_), _) => Err(invalid("clientId", "needs the id of a client as text")),
        (None, _) => Err(invalid("clientId", "is needed, or `all`: true")),
    }
}

fn kind(fields: &Map<String, Value>) -> Result<Kind, Refusal> {
    match fields.get("kind").and_then(Value::as_str) {
        Some("post") => Ok(Kind::Post),
        Some("profile") => Ok(Kind::Profile),
        _ => Err(invalid("kind", "needs \"post\" or \"profile\"")),
    }
}

fn run_stamp(fields: &Map<String, Value>) -> Result<Option<RunStamp>, Refusal> {
    let Some(given) = fields.get("runId") else { return Ok(None) };
    given
        .as_str()
        .and_then(RunStamp::in_front_of)
        .map(Some)
        .ok_or_else(|| invalid("runId", "needs YYMMDD-HHMMSS, with or without a client id"))
}

fn dry_run(fields: &Map<String, Value>) -> Result<bool, Refusal> {
    match fields.get("dryRun") {
        None => Ok(false),
        Some(Value::Bool(dry)) => Ok(*dry),
        Some(_) => Err(invalid("dryRun", "needs true or false")),
    }
}

fn limit(fields: &Map<String, Value>) -> Result<Option<u32>, Refusal> {
    let Some(given) = fields.get("limit") else { return Ok(None) };
    given
        .as_u64()
        .filter(|limit| (1..=MAX_PLAN_LEADS as u64).contains(limit))
        .and_then(|limit| u32::try_from(limit).ok())
        .map(Some)
        .ok_or_else(|| invalid("limit", format!("needs a whole number from 1 to {MAX_PLAN_LEADS}")))
}

fn lead_ids(fields: &Map<String, Value>) -> Result<Vec<RecordId>, Refusal> {
    let Some(given) = fields.get("leadIds") else { return Ok(Vec::new()) };
    let ids: Option<Vec<RecordId>> = given
        .as_array()
        .filter(|ids| (1..=MAX_PLAN_LEADS).contains(&ids.len()))
        .and_then(|ids| ids.iter().map(|id| id.as_str()?.parse().ok()).collect());
    ids.ok_or_else(|| {
        invalid("leadIds", format!("needs an array of 1 to {MAX_PLAN_LEADS} Airtable record ids"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(body: &Value) -> Result<ScoreWaiting, String> {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        parse(body.to_string().as_bytes(), now).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn a_request_with_every_field_is_taken_as_it_is() {
        let body = json!({"clientId": "Guy-Wilson", "kind": "post", "limit": 10,
            "leadIds": ["recX8s1pPiBf5rqTz"], "runId": "251014-153000-Guy-Wilson"});
        let score = parsed(&body).unwrap();
        assert_eq!(score.clients, ClientScope::One("Guy-Wilson".parse().unwrap()));
        assert_eq!((score.kind, score.limit, score.lead_ids.len()), (Kind::Post, Some(10), 1));
        assert_eq!(score.run().unwrap().as_str(), "251014-153000");
        assert!(!score.dry_run && score.run_stamp.is_some());
    }

    #[test]
    fn a_request_without_a_run_id_is_named_by_the_time() {
        let score = parsed(&json!({"all": true, "kind": "profile", "dryRun": true})).unwrap();
        assert_eq!(score.run().unwrap().as_str(), "261123-100000");
        assert!(score.dry_run && score.run_stamp.is_none(), "nobody chose it beforehand");
        assert_eq!((score.clients, score.kind), (ClientScope::All, Kind::Profile));
    }

    #[test]
    fn a_field_that_breaks_a_rule_is_named_with_the_rule() {
        let with = |name: &str, value: Value| {
            let mut body = json!({"clientId": "Guy-Wilson", "kind": "post"});
            body[name] = value;
            parsed(&body).unwrap_err()
        };
        assert_eq!(with("kind", json!("Posts")), r#"`kind` needs "post" or "profile""#);
        assert_eq!(with("all", json!(true)), "`all` cannot be combined with `clientId`");
        assert_eq!(with("limit", json!(0)), "`limit` needs a whole number from 1 to 25000");
        assert_eq!(with("limit", json!(25_001)), "`limit` needs a whole number from 1 to 25000");
        assert_eq!(with("clientId", json!(7)), "`clientId` needs the id of a client as text");
        assert!(with("leadIds", json!(["janedoe"])).contains("Airtable record ids"));
        assert!(with("leadIds", json!([])).contains("1 to 25000"));
        assert!(with("runId", json!("HG7ML7M8z78YcAPEB")).contains("YYMMDD-HHMMSS"));
        assert_eq!(with("dryRun", json!("yes")), "`dryRun` needs true or false");
        assert!(with("limits", json!(1)).contains(r#"no field "limits""#));
        assert!(parsed(&json!({"kind": "post"})).unwrap_err().contains("`clientId` is needed"));
        let all = json!({"all": true, "kind": "post", "leadIds": ["recX8s1pPiBf5rqTz"]});
        assert!(parsed(&all).unwrap_err().starts_with("`leadIds` needs a clientId"));
    }

    #[test]
    fn a_field_in_the_query_is_refused_because_nobody_would_read_it_there() {
        let refusal = check_query("x=1&dryrun=true").unwrap_err().to_string();
        assert_eq!(refusal, r#"`the request` takes "dryrun" only in its body"#);
        for other in ["", "x=1", "trace=2&utm_source=cron"] {
            assert_eq!(check_query(other), Ok(()));
        }
    }
}
