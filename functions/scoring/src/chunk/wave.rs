//! A wave: announce, bill, write, settle.

use super::ask::{LeadReply, ask_about};
use super::attempt::ChunkAttempt;
use super::calls::NoAnswer;
use super::changed::changed_rows;
use super::decide_posts::post_keys;
use super::decision::{Decision, Verdict, profile_keys};
use super::write::write_rows;
use crate::lead::cells::Cells;
use crate::lead::row::profile_of;
use crate::prompt::subject::Subject;
use crate::prompt::template::{Answer, Question};
use jiff::Timestamp;
use shared::core::failure::Failure;
use shared::core::ids::PlanId;
use shared::messages::{ChunkLead, ErrorCategory, Fact, LeadOutcome, Outcome, Settled};
use shared::ports::Env;
use shared::schema::leads as schema;
use shared::services::airtable::{Row, Update};

const ROW_CHANGED: &str = "others changed the row while it was scored";

pub(crate) struct WaveLead<'a> {
    pub(crate) lead: &'a ChunkLead,
    /// When its row was asked for.
    pub(crate) read_at: Timestamp,
    pub(crate) row: &'a Row,
    pub(crate) cells: Cells,
    pub(crate) decision: Decision,
}

#[derive(Debug, Default)]
pub(crate) struct WaveResult {
    /// Why leads are not settled yet: those have no answer, or their rows changed.
    pub(crate) unsettled: Vec<String>,
    /// Whether others changed rows, and another attempt follows: what was read of the next waves may
    /// be out of date too.
    pub(crate) rows_changed: bool,
    /// The tokens of all its calls.
    pub(crate) used: u64,
}

pub(crate) async fn score_wave<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    index: u32,
    leads: Vec<WaveLead<'_>>,
    writable: &mut Vec<String>,
) -> Result<WaveResult, Failure> {
    let questions: Vec<Question<'_>> = leads
        .iter()
        .filter_map(|lead| {
            let subject = lead.decision.subject()?;
            Some(Question { subject, profile: profile_of(lead.row) })
        })
        .collect();
    let mut replies = ask_about(attempt, index, &questions).await?.into_iter();
    drop(questions);
    let changed = changed_rows(attempt, &leads).await?;
    let rows_changed = !changed.is_empty() && !attempt.is_last;
    let mut result = WaveResult { rows_changed, ..WaveResult::default() };
    let mut updates = Vec::new();
    let mut outcomes = Vec::new();
    for mut lead in leads {
        let is_changed = changed.contains(&lead.row.id);
        let mut verdict = match lead.decision {
            Decision::Settle(verdict) => verdict,
            Decision::Ask(ref subject) => {
                let reply = replies.next().expect("every question has a reply");
                result.used += reply.tokens;
                if let Err(NoAnswer { detail, later: true, .. }) = &reply.answer
                    && !attempt.is_last
                {
                    result.unsettled.push(detail.clone());
                    continue;
                }
                let target = (lead.lead, lead.row, subject);
                judge_reply(target, reply, &attempt.id.plan, &mut lead.cells)
            }
        };
        if is_changed && !attempt.is_last {
            result.unsettled.push(ROW_CHANGED.to_owned());
            continue;
        } else if is_changed {
            lead.cells.clear();
            let category = ErrorCategory::Airtable;
            verdict.outcome = Outcome::Failed { category, detail: ROW_CHANGED.to_owned() };
        }
        let Verdict { outcome, examined, scored } = verdict;
        let record = lead.row.id.clone();
        let fields = lead.cells.into_cells(writable);
        if !fields.is_empty() {
            updates.push(Update { id: record.clone(), fields });
        }
        let (lead, record) = (lead.lead.key.clone(), Some(record));
        outcomes.push(LeadOutcome { lead, record, outcome, examined, scored });
    }
    let base = &attempt.chunk.base;
    let failed = write_rows(attempt.airtable, base, updates, writable).await?;
    for outcome in &mut outcomes {
        if let Some(detail) = outcome.record.as_ref().and_then(|record| failed.get(record)) {
            let category = ErrorCategory::Airtable;
            outcome.outcome = Outcome::Failed { category, detail: detail.clone() };
        }
    }
    settle_leads(attempt, outcomes).await?;
    Ok(result)
}

pub(crate) async fn settle_leads<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    leads: Vec<LeadOutcome>,
) -> Result<(), Failure> {
    if leads.is_empty() {
        return Ok(());
    }
    let settled = Settled { attempt: attempt.id.clone(), kind: attempt.chunk.kind, leads };
    attempt.reporter.report(vec![Fact::Settled(settled)]).await
}

/// Makes the verdict and the cells of what the model replied.
fn judge_reply(
    (lead, row, subject): (&ChunkLead, &Row, &Subject),
    reply: LeadReply,
    plan: &PlanId,
    cells: &mut Cells,
) -> Verdict {
    let LeadReply { answer, tokens, examined } = reply;
    let keys = match subject {
        Subject::Posts(posts) => post_keys(posts),
        Subject::Profile(_) => profile_keys(&lead.key),
    };
    let (outcome, scored) = match (answer, subject) {
        (Ok(Answer::Posts(scored)), Subject::Posts(posts)) => {
            cells.scored(posts, &scored, profile_of(row).as_ref(), tokens);
            (Outcome::Scored, scored.iter().map(|scored| keys[scored.index].clone()).collect())
        }
        (Ok(Answer::Profile(score)), _) => {
            cells.profile_scored(&score);
            (Outcome::Scored, keys.clone())
        }
        (Ok(Answer::Posts(_)), Subject::Profile(_)) => {
            unreachable!("a chunk's answers are of the kind of its questions")
        }
        (Err(NoAnswer { category, detail, .. }), subject) => {
            match subject {
                Subject::Posts(posts) => cells.failed(category, &detail, posts.len(), tokens),
                Subject::Profile(_) => {
                    cells.profile_failed(category, &row.text(schema::AI_BREAKDOWN), plan);
                }
            }
            (Outcome::Failed { category, detail }, Vec::new())
        }
    };
    Verdict { outcome, examined: if examined { keys } else { Vec::new() }, scored }
}
