//! Asks the model about a wave's leads in rounds of calls. Each round is announced before its calls
//! and billed after them.

use super::attempt::ChunkAttempt;
use super::calls::{CallGroup, LeadAnswer, NextStep, NoAnswer, divide, next_step};
use super::limits::{CALL_RETRY, WRITING_TIME};
use super::share;
use crate::gemini::{Call, Prompt, Round, Service};
use crate::prompt::template::{Answer, CallId, CallPrompt, Question};
use futures_util::future::join_all;
use shared::core::failure::Failure;
use shared::messages::{Announced, Billed, BilledCall, CallOutcome, Fact};
use shared::ports::Env;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// What became of the question about one lead.
#[derive(Debug)]
pub(crate) struct LeadReply {
    pub(crate) answer: Result<Answer, NoAnswer>,
    /// This lead's part of the tokens of all calls it was in.
    pub(crate) tokens: u64,
    /// Whether any call can have reached the model.
    pub(crate) examined: bool,
}

struct Replies {
    answers: BTreeMap<usize, Result<Answer, NoAnswer>>,
    tokens: Vec<u64>,
    examined: Vec<bool>,
}

pub(crate) async fn ask_about<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    wave: u32,
    questions: &[Question<'_>],
) -> Result<Vec<LeadReply>, Failure> {
    let mut replies = Replies {
        answers: BTreeMap::new(),
        tokens: vec![0; questions.len()],
        examined: vec![false; questions.len()],
    };
    let mut open = divide(questions, attempt.leads_per_call, attempt.number);
    let mut round = 0;
    let begun = Instant::now();
    while !open.is_empty() {
        let prompts = write_prompts(attempt, (wave, round), &open, questions);
        let service = attempt.gemini.service(&Round {
            begun,
            is_last: open.iter().any(|group| group.attempts + 1 == CALL_RETRY.attempts),
            deadline: attempt.deadline,
            kept_back: WRITING_TIME + CALL_RETRY.longest,
        });
        let calls = make_calls(attempt, (wave, round), service, &prompts).await?;
        let mut next: Vec<CallGroup> = Vec::new();
        let mut wait = Duration::ZERO;
        for ((group, prompt), call) in open.into_iter().zip(&prompts).zip(calls) {
            replies.count(&group, prompt, &call.billing);
            let step = next_step(&attempt.template, &group, prompt, call.reply);
            let (settled, after) = settle(group, step, &mut next, attempt);
            replies.answers.extend(settled);
            wait = wait.max(after);
        }
        open = next;
        let needed = wait + attempt.gemini.timeout() + WRITING_TIME;
        if open.is_empty() || attempt.deadline.remaining() < needed {
            break;
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        round += 1;
    }
    Ok(replies.into_vec())
}

impl Replies {
    /// Counts a call's tokens, divided over its leads.
    fn count(&mut self, group: &CallGroup, prompt: &CallPrompt, billing: &CallOutcome) {
        let used = match billing {
            CallOutcome::Answered { usage, .. } => usage.total,
            CallOutcome::Refused | CallOutcome::Lost => 0,
        };
        for (at, part) in group.leads.iter().zip(share::split(used, &prompt.weights)) {
            self.tokens[*at] += part;
            self.examined[*at] |= *billing != CallOutcome::Refused;
        }
    }

    fn into_vec(mut self) -> Vec<LeadReply> {
        let counts = self.tokens.into_iter().zip(self.examined).enumerate();
        counts
            .map(|(at, (tokens, examined))| {
                let answer = self.answers.remove(&at);
                let answer = answer.expect("every question was asked at least once");
                LeadReply { answer, tokens, examined }
            })
            .collect()
    }
}

/// Adds the calls that follow to `next`. Returns the answers, provisional for leads that are asked
/// about again, and how long to wait before the next round.
fn settle<E: Env>(
    mut group: CallGroup,
    step: NextStep,
    next: &mut Vec<CallGroup>,
    attempt: &ChunkAttempt<'_, E>,
) -> (Vec<LeadAnswer>, Duration) {
    match step {
        NextStep::Settled(settled) => (settled, Duration::ZERO),
        NextStep::Again(after, reason) => {
            let settled = group.all_without(&reason);
            group.attempts += 1;
            let backoff = attempt.random.with(|rng| CALL_RETRY.delay_after(group.attempts, rng));
            let Some(backoff) = backoff else { return (settled, Duration::ZERO) };
            next.push(group);
            (settled, backoff.max(after.unwrap_or_default()))
        }
        NextStep::Others(groups, mut settled, reason) => {
            settled.extend(groups.iter().flat_map(|group| group.all_without(&reason)));
            next.extend(groups);
            (settled, Duration::ZERO)
        }
    }
}

fn write_prompts<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    groups: &[CallGroup],
    questions: &[Question<'_>],
) -> Vec<CallPrompt> {
    let write = |(call, group): (usize, &CallGroup)| {
        let id = CallId { attempt: &attempt.id.attempt, wave, round, call };
        let of_call: Vec<&Question<'_>> = group.leads.iter().map(|at| &questions[*at]).collect();
        attempt.template.write_call(&id, &of_call)
    };
    groups.iter().enumerate().map(write).collect()
}

async fn make_calls<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    service: Service,
    prompts: &[CallPrompt],
) -> Result<Vec<Call>, Failure> {
    let kind = attempt.chunk.kind;
    let announced = Announced {
        attempt: attempt.id.clone(),
        kind,
        wave,
        round,
        calls: u32::try_from(prompts.len()).expect("a wave has ten leads"),
    };
    attempt.reporter.report(vec![Fact::Announced(announced)]).await?;
    let prompts: Vec<Prompt<'_>> = prompts
        .iter()
        .map(|prompt| Prompt {
            system: &attempt.template.system,
            user: &prompt.user,
            schema: &attempt.template.schema,
            max_output_tokens: prompt.max_output_tokens,
        })
        .collect();
    let calls = prompts.iter().map(|prompt| attempt.gemini.generate(prompt, service));
    let calls: Vec<Call> = join_all(calls).await;
    let of_call = |(call, at): (&Call, u32)| BilledCall { call: at, outcome: call.billing.clone() };
    let billed = Billed {
        attempt: attempt.id.clone(),
        kind,
        wave,
        round,
        calls: calls.iter().zip(0..).map(of_call).collect(),
    };
    attempt.reporter.report(vec![Fact::Billed(billed)]).await?;
    Ok(calls)
}
