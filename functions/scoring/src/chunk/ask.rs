//! Asks the model about a wave's leads in rounds of calls. Each round is announced before its calls
//! and billed after them.

use super::attempt::ChunkAttempt;
use super::calls::{CallGroup, NextStep, divide, next_step};
use super::limits::CALL_RETRY;
use super::open_waves::OpenWave;
use super::replies::{Replies, WaveReplies};
use super::round::{bill, make_calls, probe, report_halt};
use crate::budget;
use crate::gemini::{Call, Reply, Round};
use crate::prompt::subject::Subject;
use crate::prompt::template::{CallId, CallPrompt, Question};
use shared::core::failure::Failure;
use shared::core::ids::LeadKey;
use shared::messages::{CallOutcome, ErrorCategory};
use shared::ports::Env;
use std::time::Duration;
use tokio::time::Instant;

/// What a wave asks about.
pub(crate) struct WaveQuestions<'a> {
    /// The wave's index within the attempt.
    pub(crate) wave: u32,
    pub(crate) questions: Vec<Question<'a>>,
    /// The lead of each question.
    pub(crate) leads: Vec<LeadKey>,
    /// What the limit leaves for their calls; `None` without a limit.
    pub(crate) tokens_left: Option<u64>,
    /// The wave's slots for calls.
    pub(crate) open: &'a OpenWave<'a>,
}

/// Asks about a wave's leads. `paid` says for each lead how many earlier calls about it may have
/// been billed.
pub(crate) async fn ask_about<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    asked: &WaveQuestions<'_>,
    paid: Vec<u32>,
) -> Result<WaveReplies, Failure> {
    let WaveQuestions { wave, questions, tokens_left, .. } = asked;
    let mut replies = Replies::new(paid);
    let groups = divide(questions, attempt.leads_per_call, attempt.number);
    let mut open = replies.keep_within_bounds(groups);
    let mut round = 0;
    let begun = Instant::now();
    while !open.is_empty() {
        if let Some(halt) = attempt.gemini.halted() {
            report_halt(attempt, (*wave, round), &halt).await?;
            replies.halt(&open, halt);
            break;
        }
        let (next, wait) = ask_round((attempt, asked), (round, begun), open, &mut replies).await?;
        open = replies.keep_within_bounds(next);
        if tokens_left.is_some_and(|left| expected(attempt, &open, questions) + replies.used > left)
        {
            replies.leave_for_budget(&open);
            break;
        }
        let needed = wait + attempt.gemini.timeout() + attempt.writing_time_of_a_wave();
        let is_late = attempt.deadline.remaining() < needed || attempt.is_stopping();
        if open.is_empty() || is_late || !attempt.is_heard().await {
            break;
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        round += 1;
    }
    if replies.has_undecided_refusal(attempt.gemini.has_answered()) && attempt.is_heard().await {
        decide_refusals(attempt, (*wave, round + 1), &mut replies).await?;
    }
    Ok(replies.into_wave())
}

/// Makes as many of the calls as there are slots. Returns the calls that follow, including those
/// without a slot, and how long to wait before them.
async fn ask_round<E: Env>(
    (attempt, asked): (&ChunkAttempt<'_, E>, &WaveQuestions<'_>),
    (round, begun): (u32, Instant),
    mut open: Vec<CallGroup>,
    replies: &mut Replies,
) -> Result<(Vec<CallGroup>, Duration), Failure> {
    let place = (asked.wave, round);
    let slots = asked.open.round(open.len(), attempt.gemini.calls_at_once());
    let mut next = open.split_off(slots.calls);
    let prompts = write_prompts(attempt, place, &open, &asked.questions);
    let service = attempt.gemini.service(&Round {
        begun,
        is_last: open.iter().any(|group| group.attempts + 1 == CALL_RETRY.attempts),
        deadline: attempt.deadline,
        kept_back: attempt.writing_time_of_a_wave() + CALL_RETRY.longest,
    });
    let calls = make_calls(attempt, place, service, &prompts).await?;
    drop(slots);
    count_calls((attempt, &asked.leads), replies, &open, (&prompts, &calls));
    bill(attempt, place, &calls).await;
    let mut wait = Duration::ZERO;
    for ((group, prompt), call) in open.into_iter().zip(&prompts).zip(calls) {
        let step = next_step(&attempt.template, &group, prompt, call.reply);
        let (groups, after) = settle((attempt, begun), group, step, replies);
        next.extend(groups);
        wait = wait.max(after);
    }
    Ok((next, wait))
}

/// Counts what a round's calls used, and saves it for the next attempt at once: this attempt may be
/// cut off while the queue accepts no report.
fn count_calls<E: Env>(
    (attempt, leads): (&ChunkAttempt<'_, E>, &[LeadKey]),
    replies: &mut Replies,
    groups: &[CallGroup],
    (prompts, calls): (&[CallPrompt], &[Call]),
) {
    let before = replies.used;
    for ((group, prompt), call) in groups.iter().zip(prompts).zip(calls) {
        replies.count(group, prompt, attempt.template.system.len(), &call.billing);
    }
    attempt.note_calls(replies.used - before, leads.iter().cloned().zip(replies.paid()));
}

/// Sends the model a call for one token, to find out whether it refuses only these leads or every
/// call.
async fn decide_refusals<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    round: (u32, u32),
    replies: &mut Replies,
) -> Result<(), Failure> {
    let call = probe(attempt, round).await?;
    match call.reply {
        Reply::Halted(halt) => replies.halt(&[], halt),
        Reply::Refused { is_lasting: true, .. }
        | Reply::Unusable { category: ErrorCategory::ModelConfig, .. } => {
            replies.blame_the_settings();
        }
        Reply::Text { .. }
        | Reply::Unusable { .. }
        | Reply::Refused { .. }
        | Reply::TryLater { .. } => {
            if call.billing != CallOutcome::Refused {
                replies.blame_the_leads();
            }
        }
    }
    Ok(())
}

/// Handles a reply's consequences. Answers about leads that will be asked about again are
/// provisional. Returns the calls that follow, and how long to wait before them.
fn settle<E: Env>(
    (attempt, begun): (&ChunkAttempt<'_, E>, Instant),
    mut group: CallGroup,
    step: NextStep,
    replies: &mut Replies,
) -> (Vec<CallGroup>, Duration) {
    match step {
        NextStep::Settled(settled) => replies.settle(settled),
        NextStep::Again(after, mut reason) => {
            group.attempts += 1;
            let backoff = attempt.random.with(|rng| CALL_RETRY.delay_after(group.attempts, rng));
            if backoff.is_none() && reason.category == ErrorCategory::ModelRefused {
                // The model answers other calls, so the cause is this lead's text.
                reason.later = !attempt.gemini.has_answered_since(begun);
            }
            replies.settle(group.all_without(&reason));
            if let Some(backoff) = backoff {
                return (vec![group], backoff.max(after.unwrap_or_default()));
            }
        }
        NextStep::Others(groups, settled, reason) => {
            replies.settle(settled);
            for group in &groups {
                replies.settle(group.all_without(&reason));
            }
            return (groups, Duration::ZERO);
        }
        NextStep::Halted(halt) => replies.halt(&[group], halt),
    }
    (Vec::new(), Duration::ZERO)
}

/// The tokens that calls are expected to use.
fn expected<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    groups: &[CallGroup],
    questions: &[Question<'_>],
) -> u64 {
    let of_call = |group: &CallGroup| {
        let subjects = || group.leads.iter().map(|at| questions[*at].subject);
        let size = (subjects().map(Subject::bytes).sum(), subjects().map(Subject::answers).sum());
        budget::estimate(attempt.chunk.kind, attempt.template.system.len(), 1, size)
    };
    groups.iter().map(of_call).sum()
}

fn write_prompts<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    groups: &[CallGroup],
    questions: &[Question<'_>],
) -> Vec<CallPrompt> {
    let write = |(call, group): (usize, &CallGroup)| {
        let (attempt_id, cut_offs) = (&attempt.id.attempt, group.cut_offs);
        let id = CallId { attempt: attempt_id, wave, round, call, cut_offs };
        let of_call: Vec<&Question<'_>> = group.leads.iter().map(|at| &questions[*at]).collect();
        attempt.template.write_call(&id, &of_call)
    };
    groups.iter().enumerate().map(write).collect()
}
