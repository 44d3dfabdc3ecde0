//! A round of calls: announced, made at the same time, then billed.

use super::attempt::ChunkAttempt;
use crate::gemini::{Call, Prompt, Service};
use crate::prompt::template::CallPrompt;
use futures_util::future::join_all;
use shared::core::failure::Failure;
use shared::messages::{Announced, Billed, BilledCall, Fact, Halt};
use shared::ports::Env;

/// Announces and makes the calls of a round. The caller bills them next. `(wave, round)` is its
/// place within the attempt.
pub(super) async fn make_calls<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    service: Service,
    prompts: &[CallPrompt],
) -> Result<Vec<Call>, Failure> {
    announce(attempt, (wave, round), prompts.len()).await?;
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
    Ok(join_all(calls).await)
}

/// Sends the model a call for one token, as a separate round.
pub(super) async fn probe<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    round: (u32, u32),
) -> Result<Call, Failure> {
    announce(attempt, round, 1).await?;
    let mut calls = vec![attempt.gemini.probe().await];
    bill(attempt, round, &calls).await;
    Ok(calls.remove(0))
}

/// Reports why the chunk makes no calls.
pub(super) async fn report_halt<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    halt: &Halt,
) -> Result<(), Failure> {
    let (kind, halt) = (attempt.chunk.kind, Some(halt.clone()));
    let attempt_id = attempt.id.clone();
    let billed = Billed { attempt: attempt_id, kind, wave, round, calls: Vec::new(), halt };
    attempt.reporter.report(vec![Fact::Billed(billed)]).await
}

async fn announce<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    calls: usize,
) -> Result<(), Failure> {
    let (kind, attempt_id) = (attempt.chunk.kind, attempt.id.clone());
    let calls = u32::try_from(calls).expect("a wave has ten leads");
    let announced = Announced { attempt: attempt_id, kind, wave, round, calls };
    attempt.reporter.report(vec![Fact::Announced(announced)]).await
}

/// Reports the results of a round's calls.
pub(super) async fn bill<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
    (wave, round): (u32, u32),
    calls: &[Call],
) {
    let halt = calls.iter().find_map(|call| call.reply.halt());
    let of_call = |(call, at): (&Call, u32)| BilledCall { call: at, outcome: call.billing.clone() };
    let calls = calls.iter().zip(0..).map(of_call).collect();
    let (kind, attempt_id) = (attempt.chunk.kind, attempt.id.clone());
    let billed = Billed { attempt: attempt_id, kind, wave, round, calls, halt };
    attempt.report_paid(Fact::Billed(billed)).await;
}
