//! The clients, and what the day's runs have used, as the master base says.

use crate::Scoring;
use crate::master::resolve::{Row, oldest, text};
use serde_json::Value;
use shared::core::ids::{BaseId, ClientId, RunId, RunStamp};
use shared::messages::Kind;
use shared::ports::Transport;
use shared::schema::{clients, run_record};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery};

/// A client as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    status: String,
    base: String,
    service_level: String,
    post_tokens: Option<u64>,
    profile_tokens: Option<u64>,
}

impl Client {
    fn of(row: &Row) -> Self {
        Self {
            id: text(row, clients::CLIENT_ID).trim().to_owned(),
            name: text(row, clients::CLIENT_NAME),
            status: text(row, clients::STATUS),
            base: text(row, clients::BASE_ID),
            service_level: text(row, clients::SERVICE_LEVEL),
            post_tokens: whole(row, clients::POST_TOKEN_LIMIT),
            profile_tokens: whole(row, clients::PROFILE_TOKEN_LIMIT),
        }
    }

    /// Whether its leads are scored at all, whatever is wrong with its base.
    pub(crate) fn is_served(&self, kind: Kind) -> bool {
        self.status == clients::ACTIVE && self.has(kind)
    }

    /// Its base, or why nothing of this kind is scored.
    pub(crate) fn served_base(&self, kind: Kind) -> Result<BaseId, String> {
        let id = &self.id;
        if self.status != clients::ACTIVE {
            return Err(format!(
                "client {id:?} has the status {:?} and is not served: set {:?} to {:?} and post the webhook again",
                self.status,
                clients::STATUS,
                clients::ACTIVE
            ));
        }
        if !self.has(kind) {
            return Err(format!(
                "client {id:?} has the service level {:?}, which has no {} scoring",
                self.service_level,
                kind.as_str()
            ));
        }
        self.base
            .trim()
            .parse()
            .map_err(|error| format!("client {id:?} has no usable {:?}: {error}", clients::BASE_ID))
    }

    /// Most tokens that one run may use.
    pub(crate) fn token_limit(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::Post => self.post_tokens,
            Kind::Profile => self.profile_tokens,
        }
    }

    /// Level 1 is lead scoring, level 2 lead and post scoring.
    fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Post => !self.service_level.trim_start().starts_with('1'),
            Kind::Profile => true,
        }
    }
}

/// Reads a client's row: all its fields, because a base may lack some.
pub(crate) async fn find_client(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    id: &ClientId,
) -> Result<Option<Client>, AirtableError> {
    let formula = Some(Formula::equals(clients::CLIENT_ID, id.as_str()));
    let query = ListQuery { formula, ..ListQuery::default() };
    let rows: Vec<Row> = airtable.list(master, clients::TABLE, &query).await?;
    Ok(oldest(&rows).map(Client::of))
}

/// Reads the clients that are served, in the order of their ids.
pub(crate) async fn served(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    kind: Kind,
) -> Result<Vec<ClientId>, AirtableError> {
    let query = ListQuery {
        formula: Some(Formula::equals(clients::STATUS, clients::ACTIVE)),
        ..ListQuery::default()
    };
    let rows: Vec<Row> = airtable.list(master, clients::TABLE, &query).await?;
    let mut ids: Vec<ClientId> = Vec::new();
    for client in rows.iter().map(Client::of).filter(|client| client.is_served(kind)) {
        match client.id.parse() {
            Ok(id) => ids.push(id),
            Err(error) => tracing::error!(%error, "client is left out"),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Tokens that run records name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// By the run, of the kind asked about.
    pub(crate) run: u64,
    /// By all runs of its day, of both kinds.
    pub(crate) day: u64,
}

/// Reads what the runs of a day have used: those whose id begins with the day of `run_stamp`.
pub(crate) async fn spent(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    run_stamp: &RunStamp,
    client: Option<&ClientId>,
    kind: Kind,
) -> Result<Spent, AirtableError> {
    let day = &run_stamp.as_str()[..7];
    // All fields: naming one that somebody renamed would have the request refused, and no run
    // planned while that lasts.
    let query = ListQuery {
        formula: Some(Formula::contains(run_record::RUN_ID, day)),
        ..ListQuery::default()
    };
    let rows: Vec<Row> = airtable.list(master, run_record::TABLE, &query).await?;
    let own = client.map(|client| RunId::new(run_stamp, client).to_string());
    let mut spent = Spent::default();
    for row in &rows {
        let id = text(row, run_record::RUN_ID);
        // A record that is marked as a duplicate tells nothing of its own.
        if !id.starts_with(day) || run_record::is_duplicate(&id) {
            continue;
        }
        let posts = whole(row, run_record::POST_TOKENS).unwrap_or(0);
        let profiles = whole(row, run_record::PROFILE_TOKENS).unwrap_or(0);
        spent.day += posts + profiles;
        if Some(&id) == own.as_ref() {
            spent.run = match kind {
                Kind::Post => posts,
                Kind::Profile => profiles,
            };
        }
    }
    Ok(spent)
}

/// What a client's limit and the day's leave for a plan of this run; `None` without any limit.
///
/// It is what the records say: what is being scored this very moment is on none of them yet.
pub(crate) async fn allowance<T: Transport, Q>(
    app: &Scoring<T, Q>,
    run_stamp: &RunStamp,
    client: &ClientId,
    kind: Kind,
    client_limit: Option<u64>,
    share: Option<u64>,
) -> Result<Option<u64>, AirtableError> {
    let day_limit = app.config.daily_token_limit;
    if client_limit.is_none() && day_limit.is_none() {
        return Ok(share);
    }
    let master = &app.config.airtable.master_base;
    let spent = spent(&app.planning, master, run_stamp, Some(client), kind).await?;
    let of_run = client_limit.map(|limit| limit.saturating_sub(spent.run));
    let of_day = day_limit.map(|limit| limit.saturating_sub(spent.day));
    Ok([of_run, of_day, share].into_iter().flatten().min())
}

/// Whether a run has a record.
pub(crate) async fn is_recorded(
    airtable: &Airtable<impl Transport>,
    master: &BaseId,
    run: &RunId,
    client: &ClientId,
) -> Result<bool, AirtableError> {
    let query = ListQuery {
        fields: &[run_record::RUN_ID],
        formula: Some(Formula::all([
            Formula::equals(run_record::RUN_ID, run.as_str()),
            Formula::equals(run_record::CLIENT_ID, client.as_str()),
        ])),
    };
    let rows: Vec<Row> = airtable.list(master, run_record::TABLE, &query).await?;
    Ok(!rows.is_empty())
}

/// A cell with a whole number, written as one or as text.
fn whole(row: &Row, field: &str) -> Option<u64> {
    match row.fields.get(field) {
        Some(Value::Number(number)) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|n| *n >= 0.0 && *n < 1e15).map(|n| n as u64)),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    }
}
