//! Which run and which client a harvest belongs to. Every rule answers the same for the same
//! harvest, however often and whenever its webhook is delivered; none reads the clock.

use crate::master::clients::find_client;
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::core::ids::{ApifyRunId, BaseId, ClientId, RunStamp};
use shared::messages::{Ingest, Kind, RunHeader, RunType};
use shared::ports::Transport;
use shared::schema::{apify, clients, run_record};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Record};
use shared::services::apify::ApifyRun;

/// The run of a harvest.
#[derive(Debug, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) run: RunHeader,
    /// The base whose leads are scored, or why nothing is scored.
    pub(crate) base: Result<BaseId, String>,
    /// Most tokens that the client's run may use on posts; `None` for no limit.
    pub(crate) token_limit: Option<u64>,
}

/// A row of the master base.
pub(crate) type Row = Record<Map<String, Value>>;

/// Resolves a harvest. `apify_run` is `None` when Apify knows no such run.
pub(crate) async fn resolve(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    task: &Ingest,
    apify_run: Option<&ApifyRun>,
) -> Result<Resolved, AirtableError> {
    let started_at = apify_run.map_or(Timestamp::UNIX_EPOCH, |run| run.started_at);
    let hints = &task.hints;
    // The table `Apify` is asked only for what the webhook itself does not say.
    let listed = if hints.client.is_none() || hints.run_stamp.is_none() {
        listed(airtable, master, &task.apify_run_id).await?
    } else {
        Listed::default()
    };
    let client_id = hints.client.clone().or(listed.client);
    let Some(client_id) = client_id else {
        let reason = format!(
            "unattributed: neither the webhook nor the table {:?} names a client for Apify run {}; \
             add clientId to the webhook's URL and post it again",
            apify::TABLE,
            task.apify_run_id
        );
        return Ok(unattributed(task, started_at, reason));
    };
    let Some(client) = find_client(airtable, master, &client_id).await? else {
        let reason = format!(
            "unattributed: client {client_id:?} is not in the table {:?}; correct the webhook's \
             clientId, or add the client, and post the webhook again",
            clients::TABLE,
            client_id = client_id.as_str()
        );
        return Ok(unattributed(task, started_at, reason));
    };
    let (run_stamp, run_type) = match &hints.run_stamp {
        Some(given) => (given.clone(), RunType::Orchestrated),
        None => match recorded(airtable, master, &client_id, task, started_at).await? {
            Some(recorded) => recorded,
            None => match listed.run_stamp {
                Some(listed) => (listed, RunType::Orchestrated),
                None => (RunStamp::at(started_at), RunType::Standalone),
            },
        },
    };
    let run = RunHeader {
        run_stamp,
        client: client_id,
        client_name: client.name.clone(),
        run_type,
        opened_at: task.received_at,
    };
    let token_limit = client.token_limit(Kind::Post);
    Ok(Resolved { run, base: client.served_base(Kind::Post), token_limit })
}

/// The record of a harvest that no client can be found for: an operator sees it, nothing is
/// scored.
fn unattributed(task: &Ingest, started_at: Timestamp, reason: String) -> Resolved {
    let run = RunHeader {
        run_stamp: task.hints.run_stamp.clone().unwrap_or_else(|| RunStamp::at(started_at)),
        client: ClientId::unattributed(),
        client_name: String::new(),
        run_type: RunType::Standalone,
        opened_at: task.received_at,
    };
    Resolved { run, base: Err(reason), token_limit: None }
}

/// The run record of this client that already carries the harvest.
async fn recorded(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    client: &ClientId,
    task: &Ingest,
    started_at: Timestamp,
) -> Result<Option<(RunStamp, RunType)>, AirtableError> {
    let apify_run = &task.apify_run_id;
    let query = ListQuery {
        fields: &[run_record::RUN_ID, run_record::APIFY_RUN_ID],
        formula: Some(Formula::all([
            Formula::equals(run_record::CLIENT_ID, client.as_str()),
            Formula::contains(run_record::APIFY_RUN_ID, apify_run.as_str()),
        ])),
    };
    let mut rows: Vec<Row> = airtable.list(master, run_record::TABLE, &query).await?;
    rows.sort_by(|a, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
    Ok(rows.iter().filter(|row| names_harvest(row, apify_run)).find_map(|row| {
        let run = text(row, run_record::RUN_ID).parse::<shared::core::ids::RunId>().ok()?;
        let base = run.stamp();
        // A webhook for a run that Apify did not know then may have left a record of 1970.
        if run.client() != *client || base == RunStamp::at(Timestamp::UNIX_EPOCH) {
            return None;
        }
        let derived = base == RunStamp::at(started_at);
        Some((base, if derived { RunType::Standalone } else { RunType::Orchestrated }))
    }))
}

/// Whether a run record carries the harvest.
fn names_harvest(row: &Row, apify_run: &ApifyRunId) -> bool {
    text(row, run_record::APIFY_RUN_ID).lines().any(|line| line.trim() == apify_run.as_str())
}

/// What the table `Apify` says of a harvest.
#[derive(Debug, Default)]
struct Listed {
    run_stamp: Option<RunStamp>,
    client: Option<ClientId>,
}

/// Asks the table `Apify`, which a master base may lack.
async fn listed(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    apify_run: &ApifyRunId,
) -> Result<Listed, AirtableError> {
    let query = ListQuery {
        fields: &[apify::RUN_ID, apify::CLIENT_ID],
        formula: Some(Formula::equals(apify::APIFY_RUN_ID, apify_run.as_str())),
    };
    match airtable.list::<Map<String, Value>>(master, apify::TABLE, &query).await {
        Ok(rows) => Ok(oldest(&rows).map_or_else(Listed::default, |row| Listed {
            run_stamp: RunStamp::in_front_of(&text(row, apify::RUN_ID)),
            client: text(row, apify::CLIENT_ID).trim().parse().ok(),
        })),
        Err(AirtableError::Denied { .. }) => {
            tracing::debug!(airtable.table = apify::TABLE, "the master base has no such table");
            Ok(Listed::default())
        }
        Err(error) => Err(error),
    }
}

/// Of several rows that fit, the same one every time.
pub(crate) fn oldest(rows: &[Row]) -> Option<&Row> {
    rows.iter().min_by_key(|row| (row.created_time, &row.id))
}

pub(crate) fn text(row: &Row, field: &str) -> String {
    match row.fields.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}
