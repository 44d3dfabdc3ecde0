//! A wave: announce, bill, write, settle.

use super::ask::{WaveQuestions, ask_about};
use super::attempt::ChunkAttempt;
use super::calls::NoAnswer;
use super::changed::changed_rows;
use super::decide_posts::post_keys;
use super::decision::{Decision, Verdict, profile_keys};
use super::open_waves::OpenWave;
use super::replies::{LeadReply, WaveReplies};
use super::wave_lead::WaveLead;
use super::write::{Target, write_rows};
use crate::lead::breakdown_cell::FailedProfile;
use crate::lead::cells::Cells;
use crate::lead::evaluation_cell::{Asked, failed_plans};
use crate::lead::row::profile_of;
use crate::prompt::subject::Subject;
use crate::prompt::template::{Answer, Question};
use crate::report::input_note;
use shared::core::failure::Failure;
use shared::core::ids::LeadKey;
use shared::messages::{
    Chunk, ChunkLead, ErrorCategory, Fact, Halt, Kind, LeadOutcome, Outcome, Settled, SkipReason,
    Source,
};
use shared::ports::Env;
use shared::schema::leads as schema;
use shared::services::airtable::{Row, Update};

const ROW_CHANGED: &str = "others changed the row while it was scored";

/// A wave's place in its attempt.
#[derive(Debug)]
pub(crate) struct WavePlace<'a> {
    pub(crate) index: u32,
    /// What the limit leaves for its calls; `None` without a limit.
    pub(crate) tokens_left: Option<u64>,
    /// The tokens that it is expected to use.
    pub(crate) expected: u64,
    /// The wave is open as long as this exists.
    pub(crate) open: OpenWave<'a>,
}

#[derive(Debug, Default)]
pub(crate) struct WaveResult {
    /// Why leads are not settled yet: they have no answer, or their rows changed.
    pub(crate) unsettled: Vec<String>,
    /// Whether others changed rows and another attempt follows. Then the rows that were read for
    /// the next waves may be out of date too.
    pub(crate) rows_changed: bool,
    /// How many leads the model was asked about.
    pub(crate) asked: usize,
    /// The tokens that the wave was expected to use.
    pub(crate) expected: u64,
    /// The tokens of all its calls, as they count towards limits.
    pub(crate) used: u64,
    /// Why no further call may be made, if so.
    pub(crate) halt: Option<Halt>,
}

impl WaveResult {
    /// Whether no further wave starts in this invocation.
    pub(crate) fn stops_the_chunk(&self, leads_per_call: usize) -> bool {
        let is_away = is_away(self.asked, self.unsettled.len(), leads_per_call);
        self.halt.is_some() || self.rows_changed || is_away
    }
}

/// Whether the model is away: it was called more than once for this wave and answered nothing. If
/// only one call was made, the cause may be its leads' text, and other leads must not wait because
/// of it.
fn is_away(asked: usize, unsettled: usize, leads_per_call: usize) -> bool {
    unsettled == asked && asked > leads_per_call
}

pub(crate) async fn score_wave<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    mut place: WavePlace<'_>,
    leads: Vec<WaveLead<'_>>,
) -> Result<WaveResult, Failure> {
    let WaveReplies { replies, used, halt } = ask_wave(attempt, &place, &leads).await?;
    let (asked, expected) = (replies.len(), place.expected);
    let another_follows = halt.is_some() || !attempt.is_last;
    let waiting = replies.iter().filter(|reply| another_follows && reply.waits()).count();
    if halt.is_none() && !is_away(asked, waiting, attempt.leads_per_call) {
        place.open.has_answers();
    }
    // The turn keeps the time between this check of the rows and the write short.
    let _turn = attempt.open_waves.turn_to_write().await;
    let changed = changed_rows(attempt, &leads).await?;
    let mut replies = replies.into_iter();
    let rows_changed = !changed.is_empty() && !attempt.is_last;
    let unsettled = Vec::new();
    let mut result = WaveResult { unsettled, rows_changed, asked, expected, used, halt };
    let writable = attempt.writable.fields();
    let mut updates = Vec::new();
    let mut outcomes = Vec::new();
    for mut lead in leads {
        let is_changed = changed.contains(&lead.row.id);
        let mut verdict = match lead.decision {
            Decision::Settle(verdict) => verdict,
            Decision::Ask(ref subject) => {
                let reply = replies.next().expect("every question has a reply");
                if let Err(NoAnswer { detail, .. }) = &reply.answer
                    && another_follows
                    && reply.waits()
                {
                    result.unsettled.push(detail.clone());
                    continue;
                }
                let target = (lead.lead, &*lead.row, subject);
                judge_reply(attempt.chunk, target, reply, &mut lead.cells)
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
        let fields = lead.cells.into_cells(&writable);
        if !fields.is_empty() {
            updates.push(Update { id: record.clone(), fields });
        }
        let (lead, record, left_out) = (lead.lead.key.clone(), Some(record), lead.left_out);
        outcomes.push(LeadOutcome { lead, record, outcome, examined, scored, left_out });
    }
    write(attempt, updates, &mut outcomes, writable).await?;
    settle_leads(attempt, Some(place.index), outcomes).await?;
    Ok(result)
}

/// Writes the rows. Leads whose rows cannot be written count as failed.
async fn write<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    updates: Vec<Update>,
    outcomes: &mut [LeadOutcome],
    known: Vec<String>,
) -> Result<(), Failure> {
    let (airtable, base, deadline) = (attempt.airtable, &attempt.chunk.base, attempt.deadline);
    let target = Target { airtable, base, deadline };
    let mut writable = known.clone();
    let unwritten = write_rows(&target, updates, &mut writable).await?;
    attempt.writable.keep(&known, &writable);
    if !unwritten.notes.is_empty() {
        attempt.report_written(unwritten.notes.into_iter().map(input_note).collect()).await?;
    }
    for outcome in outcomes {
        if let Some(detail) = outcome.record.as_ref().and_then(|id| unwritten.rows.get(id)) {
            let category = ErrorCategory::Airtable;
            outcome.outcome = Outcome::Failed { category, detail: detail.clone() };
        }
    }
    Ok(())
}

/// Reports the outcomes of leads. `wave` is their wave, if they were in one.
pub(crate) async fn settle_leads<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    wave: Option<u32>,
    leads: Vec<LeadOutcome>,
) -> Result<(), Failure> {
    let (kind, attempt_id) = (attempt.chunk.kind, attempt.id.clone());
    let keys: Vec<LeadKey> = leads.iter().map(|lead| lead.lead.clone()).collect();
    let settled = (!leads.is_empty()).then_some(Fact::Settled(Settled {
        attempt: attempt_id,
        kind,
        wave,
        leads,
    }));
    attempt.report_written(settled.into_iter().collect()).await?;
    if !keys.is_empty() {
        attempt.note_settled(keys);
    }
    Ok(())
}

/// Asks the model about those leads of a wave that need it.
async fn ask_wave<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    place: &WavePlace<'_>,
    leads: &[WaveLead<'_>],
) -> Result<WaveReplies, Failure> {
    let (mut questions, mut asked, mut paid) = (Vec::new(), Vec::new(), Vec::new());
    for lead in leads {
        let Some(subject) = lead.decision.subject() else { continue };
        questions.push(Question { subject, profile: profile_of(&lead.row) });
        asked.push(lead.lead.key.clone());
        paid.push(attempt.chunk.tried.paid.get(&lead.lead.key).copied().unwrap_or_default());
    }
    let &WavePlace { index, tokens_left, ref open, .. } = place;
    let asked = WaveQuestions { wave: index, questions, leads: asked, tokens_left, open };
    let replies = ask_about(attempt, &asked, paid).await?;
    if let Some(halt) = &replies.halt {
        attempt.note_halt(Some(halt.clone()));
    }
    Ok(replies)
}

/// Sets the cells of a lead for which no tokens are left. Harvested posts are stored and wait. A
/// waiting lead's row stays as it is, and a failed profile waits again.
pub(super) fn leave_for_budget(chunk: &Chunk, row: &Row, cells: &mut Cells) {
    match chunk.source {
        Source::Harvest { .. } => cells.out_of_budget(),
        Source::Waiting => {
            cells.clear();
            let is_waiting = row.text(schema::SCORING_STATUS) == schema::TO_BE_SCORED;
            if chunk.kind == Kind::Profile && !is_waiting {
                cells.profile_waits();
            }
        }
    }
}

/// Turns the model's reply into a verdict and cells.
fn judge_reply(
    chunk: &Chunk,
    (lead, row, subject): (&ChunkLead, &Row, &Subject),
    reply: LeadReply,
    cells: &mut Cells,
) -> Verdict {
    let LeadReply { answer, tokens, examined, is_beyond_limit, .. } = reply;
    let keys = match subject {
        Subject::Posts(posts) => post_keys(posts),
        Subject::Profile(_) => profile_keys(&lead.key),
    };
    let examined = if examined { keys.clone() } else { Vec::new() };
    if is_beyond_limit {
        leave_for_budget(chunk, row, cells);
        return Verdict { examined, ..Verdict::skipped(SkipReason::BudgetReached) };
    }
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
                Subject::Posts(posts) => {
                    let before = row.text(schema::POSTS_EVALUATION);
                    let plans = failed_plans(&before, &chunk.run.id(), &chunk.plan);
                    let (plans, posts) = (&plans[..], posts.len());
                    let asked = Asked { plans, posts, examined: !examined.is_empty() };
                    cells.failed(category, &detail, asked, tokens);
                }
                Subject::Profile(_) => {
                    let failed = FailedProfile {
                        plan: chunk.plan.to_string(),
                        said: Some((category, detail.clone())),
                        examined: !examined.is_empty(),
                    };
                    cells.profile_failed(category, &row.text(schema::AI_BREAKDOWN), &failed);
                }
            }
            (Outcome::Failed { category, detail }, Vec::new())
        }
    };
    Verdict { outcome, examined, scored }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_away_when_several_calls_and_all_their_leads_have_no_answer() {
        assert!(is_away(10, 10, 5));
        assert!(!is_away(10, 9, 5), "it answered about one");
        assert!(!is_away(5, 5, 5), "one call says nothing about others");
        assert!(!is_away(0, 0, 5), "nothing was asked");
    }
}
