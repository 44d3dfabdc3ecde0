//! Reads leads' rows and decides about each lead.

use super::attempt::ChunkAttempt;
use super::decide_posts::{PostsChunk, decide_posts};
use super::decide_profile::{ProfilesChunk, decide_profile};
use super::decision::{Decision, Verdict};
use super::wave::settle_leads;
use super::wave_lead::WaveLead;
use crate::budget::Rates;
use crate::lead::cells::Cells;
use crate::lead::row::{decisive_fields, read_rows};
use crate::report::input_note;
use crate::task_error::TaskError;
use jiff::Timestamp;
use shared::core::failure::Failure;
use shared::messages::{ChunkLead, ErrorCategory, Kind, LeadOutcome, Outcome};
use shared::ports::Env;
use shared::schema::leads as schema;
use shared::services::airtable::Row;
use std::sync::Arc;

/// Reads leads' rows and decides about each lead. Leads without a row are settled.
pub(super) async fn read_leads<'a, E: Env>(
    attempt: &ChunkAttempt<'a, E>,
    leads: &[&'a ChunkLead],
) -> Result<Vec<WaveLead<'a>>, TaskError> {
    // Rows are read before any token is used, so an outage of Airtable costs nothing.
    let read_at = attempt.clock.now();
    let rows = read_rows(attempt.airtable, attempt.chunk, leads).await?;
    if let Some(doubles) = rows.doubles(leads) {
        attempt.reporter.report(vec![input_note(doubles)]).await?;
    }
    let without_row = leads.iter().copied().filter(|lead| rows.of(lead).is_none());
    let (refused, missing): (Vec<&ChunkLead>, Vec<&ChunkLead>) =
        without_row.partition(|lead| rows.refused.contains_key(&lead.key));
    for lead in refused {
        let (category, detail) = (ErrorCategory::Airtable, rows.refused[&lead.key].clone());
        let refused = Outcome::Failed { category, detail };
        settle_unread(attempt, std::iter::once(lead), &refused).await?;
    }
    settle_unread(attempt, missing.into_iter(), &Outcome::NotALead).await?;
    let decided = leads
        .iter()
        .filter_map(|&lead| Some(decide(attempt, (lead, Arc::clone(rows.of(lead)?)), read_at)));
    Ok(decided.collect())
}

/// Settles leads whose rows are not read or written.
pub(super) async fn settle_unread<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    leads: impl Iterator<Item = &ChunkLead>,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let leads = leads.map(|lead| LeadOutcome {
        lead: lead.key.clone(),
        record: None,
        outcome: outcome.clone(),
        examined: Vec::new(),
        scored: Vec::new(),
        left_out: Vec::new(),
    });
    settle_leads(attempt, None, leads.collect()).await
}

fn decide<'a, E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (lead, row): (&'a ChunkLead, Arc<Row>),
    read_at: Timestamp,
) -> WaveLead<'a> {
    let ChunkAttempt { chunk, run, number, clock, .. } = attempt;
    let mut cells = Cells::new(run.clone(), clock.now());
    if let Some(odd) = row.odd(decisive_fields(chunk)) {
        // Its row stays as it is, because its content is unclear.
        let failed = Verdict::failed(ErrorCategory::Airtable, odd.to_string(), Vec::new());
        let decision = Decision::Settle(failed);
        return WaveLead { lead, read_at, row, cells, decision, left_out: Vec::new() };
    }
    let (decision, left_out) = match chunk.kind {
        Kind::Post => {
            let source = &chunk.source;
            let chunk = PostsChunk { run, plan: &chunk.plan, source, is_repeated: *number > 1 };
            decide_posts(chunk, lead, &row, &mut cells)
        }
        Kind::Profile => {
            let is_replay = chunk.replaces.is_some();
            let chunk = ProfilesChunk { run, plan: &chunk.plan, is_replay };
            (decide_profile(chunk, &lead.key, &row, &mut cells), Vec::new())
        }
    };
    WaveLead { lead, read_at, row, cells, decision, left_out }
}

/// What earlier attempts at the chunk used on leads whose rows they already wrote: the tokens in
/// the row, or else the estimate.
pub(super) fn used_before<E: Env>(attempt: &ChunkAttempt<'_, E>, leads: &[WaveLead<'_>]) -> u64 {
    let rates = Rates {
        kind: attempt.chunk.kind,
        system: attempt.template.system.len(),
        leads_per_call: attempt.leads_per_call,
    };
    leads
        .iter()
        .map(|lead| match &lead.decision {
            Decision::Settle(Verdict { examined, .. }) if !examined.is_empty() => {
                let len = |field| lead.row.text(field).len();
                let bytes = match rates.kind {
                    Kind::Post => len(schema::POSTS_CONTENT),
                    Kind::Profile => len(schema::RAW_PROFILE).max(len(schema::PROFILE_JSON)),
                };
                let tokens = lead.row.whole(schema::POST_SCORING_TOKENS);
                tokens.unwrap_or_else(|| rates.of_lead(bytes, examined.len()))
            }
            Decision::Settle(_) | Decision::Ask(_) => 0,
        })
        .sum()
}
