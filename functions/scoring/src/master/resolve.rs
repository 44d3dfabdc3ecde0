//! Decides which run and which client a harvest belongs to. Every rule gives the same answer for
//! the same harvest, however often and whenever its webhook is delivered. No rule reads the clock.

use super::records::{FieldNames, Wanted};
use super::rows::MasterBase;
use jiff::Timestamp;
use shared::core::ids::{ApifyRunId, BaseId, ClientId, RunId, RunStamp};
use shared::core::text::trim_invisible;
use shared::messages::{Ingest, Kind, RunHeader, RunType};
use shared::ports::Transport;
use shared::schema::{apify, clients, run_record};
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, OddCell, PageAt, Row};
use shared::services::apify::ApifyRun;

#[derive(Debug, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) run: RunHeader,
    /// Whether only a record says that the harvest belongs to this run. People can delete it.
    pub(crate) is_run_of_record: bool,
    /// The base whose leads are scored, or why none are scored.
    pub(crate) base: Result<BaseId, String>,
    /// Most tokens that the client's run may use for posts; `None` for no limit.
    pub(crate) token_limit: Option<u64>,
    /// Problems in the rows used, for the run's record.
    pub(crate) notes: Vec<String>,
}

/// The run that a harvest belongs to, and why nothing in it would be scored, if so. The harvest's
/// task will find the same.
///
/// # Errors
/// If the master base cannot be read.
pub async fn run_of_harvest<T: Transport>(
    (airtable, master): (&Airtable<T>, &BaseId),
    task: &Ingest,
    apify_run: &ApifyRun,
) -> Result<(RunId, Option<String>), AirtableError> {
    let master = MasterBase { airtable, id: master };
    let resolved = master.resolve_run(task, Some(apify_run)).await?;
    Ok((resolved.run.id(), resolved.base.err()))
}

/// What the table `Apify` says about a harvest.
#[derive(Debug, Default)]
struct Listed {
    run_stamp: Option<RunStamp>,
    client: Option<ClientId>,
    /// What of it cannot be read, and fields that were renamed or are missing.
    notes: Vec<String>,
}

impl Listed {
    /// Reads the harvest's row. A cell that is not what it should be counts as empty.
    fn read(row: &Row) -> Self {
        let text = |field| trim_invisible(&row.text(field)).to_owned();
        let (run, client) = (text(apify::RUN_ID), text(apify::CLIENT_ID));
        let (run_stamp, client_id) = (RunStamp::in_front_of(&run), client.parse().ok());
        let odd = |field: &str, holds: &str| {
            let (record, field, holds) = (row.id.clone(), field.to_owned(), holds.to_owned());
            OddCell { record, field, holds }
        };
        let no_run = !run.is_empty() && run_stamp.is_none();
        let no_client = !client.is_empty() && client_id.is_none();
        let odd_texts = [
            no_run.then(|| odd(apify::RUN_ID, "text that does not begin with a run id")),
            no_client.then(|| odd(apify::CLIENT_ID, "text that is not a client id")),
        ];
        let odd = row.odd([apify::RUN_ID, apify::CLIENT_ID]).into_iter();
        let odd = odd.chain(odd_texts.into_iter().flatten());
        let notes = odd.map(|odd| format!("table {:?}: {odd}", apify::TABLE)).collect();
        Self { run_stamp, client: client_id, notes }
    }
}

impl<T: Transport> MasterBase<'_, T> {
    /// Resolves a harvest. `apify_run` is `None` if Apify does not know the run.
    pub(crate) async fn resolve_run(
        &self,
        task: &Ingest,
        apify_run: Option<&ApifyRun>,
    ) -> Result<Resolved, AirtableError> {
        let started_at = apify_run.map_or(Timestamp::UNIX_EPOCH, |run| run.started_at);
        let hints = &task.hints;
        if let Some(reason) = &hints.unattributed {
            return Ok(unattributed(task, started_at, reason.clone()));
        }
        // The table `Apify` is read only for what the webhook does not say.
        let listed = if hints.client.is_none() || hints.run_stamp.is_none() {
            self.listed_run(&task.apify_run_id).await?
        } else {
            Listed::default()
        };
        let named = hints.client.clone().or(listed.client);
        let recorded = if named.is_none() || hints.run_stamp.is_none() {
            self.recorded_runs(&task.apify_run_id).await?
        } else {
            Vec::new()
        };
        let client_id = named.or_else(|| recorded_client(&recorded));
        let Some(client_id) = client_id else {
            let reason = format!(
                "neither the webhook nor the table {:?} names a client for Apify run {}",
                apify::TABLE,
                task.apify_run_id
            );
            let reasons: Vec<String> = [reason].into_iter().chain(listed.notes).collect();
            return Ok(unattributed(task, started_at, reasons.join("; ")));
        };
        let Some(client) = self.find_client(&client_id).await? else {
            let reason = format!(
                "client {:?} is not in the table {:?}",
                client_id.as_str(),
                clients::TABLE,
            );
            return Ok(unattributed(task, started_at, reason));
        };
        // The id as spelled in the client's row: invisible characters in a webhook must not lead to
        // another run.
        let client_id = client.id.parse().unwrap_or(client_id);
        let derived = RunStamp::at(started_at);
        let (run_stamp, run_type, is_run_of_record) = match (&hints.run_stamp, listed.run_stamp) {
            (Some(given), _) => (given.clone(), RunType::Orchestrated, false),
            (None, listed) => match (recorded_run(&recorded, &client_id), listed) {
                (Some(recorded), _) if recorded == derived => (derived, RunType::Standalone, false),
                (Some(recorded), _) => (recorded, RunType::Orchestrated, true),
                (None, Some(listed)) => (listed, RunType::Orchestrated, false),
                (None, None) => (derived, RunType::Standalone, false),
            },
        };
        let token_limit = client.token_limit(Kind::Post);
        let base = client.served_base(Kind::Post);
        let notes = listed.notes.into_iter().chain(client.notes(Kind::Post)).collect();
        let opened_at = task.received_at;
        let run = RunHeader {
            run_stamp,
            client: client_id,
            client_name: client.name,
            run_type,
            opened_at,
        };
        Ok(Resolved { run, is_run_of_record, base, token_limit, notes })
    }

    /// The runs whose records name the harvest, oldest record first; none if the records have no
    /// field that could name it.
    async fn recorded_runs(&self, apify_run: &ApifyRunId) -> Result<Vec<RunId>, AirtableError> {
        let field = run_record::APIFY_RUN_ID;
        let names_it = |names: &FieldNames| Formula::contains(names.of(field), apify_run.as_str());
        match self.records(&[run_record::RUN_ID, field], names_it).await {
            Ok(rows) => {
                let rows = rows.iter().filter(|row| names_harvest(row, apify_run));
                Ok(rows.filter_map(run_of).collect())
            }
            Err(error) if error.names_unknown_field(field) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Reads the optional table `Apify`.
    async fn listed_run(&self, apify_run: &ApifyRunId) -> Result<Listed, AirtableError> {
        let field = apify::APIFY_RUN_ID;
        let names_it =
            |names: &FieldNames| Some(Formula::contains(names.of(field), apify_run.as_str()));
        let (table, known) = (apify::TABLE, &apify::FIELDS);
        let fields = [field, apify::RUN_ID, apify::CLIENT_ID];
        let wanted = Wanted { table, known, fields: &fields, needed: &[] };
        // Invisible characters around the id are ignored.
        let is_its =
            |row: &&Row| trim_invisible(&row.text(apify::APIFY_RUN_ID)) == apify_run.as_str();
        match self.by_our_names(wanted, names_it).await {
            Ok((rows, names)) => {
                let mut listed = rows.iter().find(is_its).map(Listed::read).unwrap_or_default();
                listed.notes.extend(names.notes(table));
                let lost = fields.into_iter().filter(|field| names.find(field).is_none());
                listed.notes.extend(lost.map(without_field));
                Ok(listed)
            }
            Err(error) if error.names_unknown_field(field) => {
                Ok(Listed { notes: vec![without_field(field)], ..Listed::default() })
            }
            Err(error @ AirtableError::Denied { .. }) if self.may_have(apify::TABLE).await? => {
                Err(error)
            }
            Err(AirtableError::Denied { .. }) => {
                tracing::debug!(airtable.table = apify::TABLE, "the master base has no such table");
                Ok(Listed::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the base may have a table with this name. Airtable gives the same answer for a
    /// missing table as for one that the token may not read. The schema shows the difference. If
    /// the schema may not be read either, reading the clients shows that the token is valid.
    async fn may_have(&self, table: &str) -> Result<bool, AirtableError> {
        match self.airtable.tables(self.id).await {
            Ok(tables) => Ok(tables.iter().any(|known| known.name == table)),
            Err(error @ AirtableError::Denied { .. }) if error.is_unknown_token() => Err(error),
            Err(AirtableError::Denied { .. }) => {
                let query = ListQuery { fields: &[clients::CLIENT_ID], formula: None };
                let at = PageAt::default();
                self.airtable.page(self.id, clients::TABLE, &query, at).await?;
                // A token that was denied for a moment may be valid again by now.
                let query = ListQuery { fields: &[], formula: None };
                match self.airtable.page(self.id, table, &query, PageAt::default()).await {
                    Ok(_) => Ok(true),
                    Err(AirtableError::Denied { .. }) => Ok(false),
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// The run of a harvest without a client: an operator sees its record, but nothing is scored.
fn unattributed(task: &Ingest, started_at: Timestamp, reason: String) -> Resolved {
    let run = RunHeader {
        run_stamp: task.hints.run_stamp.clone().unwrap_or_else(|| RunStamp::at(started_at)),
        client: ClientId::unattributed(),
        client_name: String::new(),
        run_type: RunType::Standalone,
        opened_at: task.received_at,
    };
    Resolved {
        run,
        is_run_of_record: false,
        base: Err(reason),
        token_limit: None,
        notes: Vec::new(),
    }
}

/// The client of a run whose record already names the harvest. A resurrected harvest ends again, and
/// for a webhook that was missed there are no hints.
fn recorded_client(recorded: &[RunId]) -> Option<ClientId> {
    recorded.iter().map(RunId::client).find(|client| *client != ClientId::unattributed())
}

/// The run of this client whose record already names the harvest.
fn recorded_run(recorded: &[RunId], client: &ClientId) -> Option<RunStamp> {
    let of_client = recorded.iter().filter(|run| run.client() == *client);
    // A webhook for a run that Apify did not know at that time may have left a record of 1970.
    of_client.map(RunId::stamp).find(|stamp| *stamp != RunStamp::at(Timestamp::UNIX_EPOCH))
}

fn without_field(field: &str) -> String {
    format!("the table {:?} has no field {field:?}; add it, or delete the table", apify::TABLE)
}

/// The run of a record, also of a copy of one.
fn run_of(row: &Row) -> Option<RunId> {
    run_record::without_mark(&row.text(run_record::RUN_ID)).parse().ok()
}

fn names_harvest(row: &Row, apify_run: &ApifyRunId) -> bool {
    row.text(run_record::APIFY_RUN_ID).lines().any(|line| line.trim() == apify_run.as_str())
}
