//! The client, run, base and plan of a task about waiting leads.

use crate::app::Scoring;
use crate::master::clients::Client;
use jiff::SignedDuration;
use shared::core::digest::id_of;
use shared::core::failure::Failure;
use shared::core::ids::{BaseId, ClientId, PlanId, RunStamp};
use shared::messages::{ClientRow, Kind, RunHeader, RunType, ScoreWaiting};
use shared::ports::Env;
use shared::schema::clients as schema;
use shared::services::airtable::AirtableError;

/// How long a client's row that was read for all clients stays valid.
const ROW_HOLDS: SignedDuration = SignedDuration::from_mins(5);

/// The client from the master base, and the run that its task belongs to.
pub(super) async fn run_of<E: Env>(
    app: &Scoring<E>,
    task: &ScoreWaiting,
    run_stamp: RunStamp,
    id: &ClientId,
) -> Result<(Option<Client>, RunHeader), Failure> {
    let age = |row: &ClientRow| app.clock.now().duration_since(row.read_at);
    let known = task.client_row.as_deref();
    let client = match known.filter(|row| (SignedDuration::ZERO..ROW_HOLDS).contains(&age(row))) {
        Some(row) => Some(Client::known(row, id)),
        // Any problem in the master base can be corrected.
        None => app.master().find_client(id).await.map_err(AirtableError::correctable)?,
    };
    let was_chosen = task.run_stamp.is_some();
    // The id as spelled in the client's row: invisible characters in a request must not lead to
    // another run.
    let id = client.as_ref().and_then(|client| client.id.parse().ok()).unwrap_or(id.clone());
    let run = RunHeader {
        run_stamp,
        client: id,
        client_name: client.as_ref().map(|client| client.name.clone()).unwrap_or_default(),
        run_type: if was_chosen { RunType::Orchestrated } else { RunType::Standalone },
        opened_at: task.requested_at.unwrap_or_else(|| app.clock.now()),
    };
    Ok((client, run))
}

/// The base of a client whose leads are scored, or why they are not scored.
pub(super) fn served_base(
    client: Option<&Client>,
    run: &RunHeader,
    kind: Kind,
) -> Result<BaseId, String> {
    let missing = || {
        format!(
            "client {:?} is not in the table {:?}; correct the client's id and score again",
            run.client.as_str(),
            schema::TABLE
        )
    };
    client.ok_or_else(missing)?.served_base(kind)
}

/// The id of the whole plan. It is made from the request, not from the leads found.
pub(super) fn plan_id(task: &ScoreWaiting, run: &RunHeader) -> PlanId {
    let limit = task.limit.map_or(String::new(), |limit| limit.to_string());
    let asked_at = task.requested_at.map_or(String::new(), |at| at.to_string());
    let (run_stamp, client) = (run.run_stamp.as_str(), run.client.as_str());
    let mut parts = vec!["waiting", task.kind.as_str(), run_stamp, client, &limit, &asked_at];
    parts.extend(task.lead_ids.iter().map(|id| id.as_str()));
    id_of(&parts).try_into().expect("an id has the form of a plan id")
}
