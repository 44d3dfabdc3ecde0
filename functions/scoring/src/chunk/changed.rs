//! Finds rows that somebody else wrote during the model calls.

use super::attempt::ChunkAttempt;
use super::denied::Patience;
use super::limits::ROWS_STAY_FRESH;
use super::wave_lead::WaveLead;
use jiff::SignedDuration;
use shared::core::ids::RecordId;
use shared::messages::Kind;
use shared::ports::Env;
use shared::schema::leads as schema;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{AirtableError, ListQuery};
use std::collections::BTreeSet;

/// The fields that show what was done to a row.
fn telling_fields(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Post => [schema::POSTS_CONTENT, schema::POSTS_EVALUATION],
        Kind::Profile => [schema::SCORING_STATUS, schema::AI_BREAKDOWN],
    }
}

/// The rows of a wave that differ both from what was read and from what is to be written: a person,
/// another tool, or a worker with the same message changed them. Writing them would lose posts or
/// scores.
///
/// Airtable has no conditional writes. Rows that were read a moment ago are not read again, because
/// that would cost one request per wave.
pub(super) async fn changed_rows<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    leads: &[WaveLead<'_>],
) -> Result<BTreeSet<RecordId>, AirtableError> {
    let now = attempt.clock.now();
    // After the clock is set back, it no longer shows a row's age.
    let is_fresh = |lead: &&WaveLead<'_>| {
        (SignedDuration::ZERO..ROWS_STAY_FRESH).contains(&now.duration_since(lead.read_at))
    };
    let is_written =
        |lead: &&WaveLead<'_>| lead.decision.subject().is_some() || !lead.cells.are_empty();
    let is_old = |lead: &&WaveLead<'_>| is_written(lead) && !is_fresh(lead);
    let old: Vec<&WaveLead<'_>> = leads.iter().filter(is_old).collect();
    if old.is_empty() {
        return Ok(BTreeSet::new());
    }
    let by_id = old.iter().map(|lead| Formula::record_id(lead.row.id.as_str()));
    let formula = Some(Formula::any(by_id.collect::<Vec<_>>()));
    let fields = telling_fields(attempt.chunk.kind);
    let query = ListQuery { fields: &fields, formula };
    let (airtable, base) = (attempt.airtable, &attempt.chunk.base);
    let mut patience = Patience::until(attempt.deadline);
    let rows = loop {
        match airtable.list(base, schema::TABLE, &query).await {
            Ok(rows) => break rows,
            Err(error) => patience.wait_after(error).await?,
        }
    };
    let is_changed = |lead: &&&WaveLead<'_>| {
        let Some(row) = rows.iter().find(|row| row.id == lead.row.id) else { return false };
        fields.iter().any(|field| {
            let text = row.text(field);
            text != lead.row.text(field) && lead.cells.text(field) != Some(&text)
        })
    };
    Ok(old.iter().filter(is_changed).map(|lead| lead.row.id.clone()).collect())
}
