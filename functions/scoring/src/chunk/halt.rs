//! A model that answers no call until a person tops up its credit or replaces its key.

use super::attempt::ChunkAttempt;
use super::limits::HALTED_FOR;
use super::round::{probe, report_halt};
use shared::core::failure::Failure;
use shared::messages::{CallOutcome, Halt};
use shared::ports::Env;
use tokio::time::Instant;

/// The failure of a chunk that waits for a person.
pub(super) fn halted(halt: &Halt) -> Failure {
    let Halt { category, detail } = halt;
    let reason = format!("waits for a person: {}: {detail}", category.as_str());
    Failure::wait(HALTED_FOR, reason)
}

/// Checks whether calls may start. Returns whether it made a call for this check. A chunk that
/// waited for a person sends the model a call for one token, unless the model has answered other
/// calls of this process in the meantime.
///
/// # Errors
/// The chunk has to wait.
pub(super) async fn ask_whether_calls_may_begin<E: Env>(
    attempt: &ChunkAttempt<'_, E>,
) -> Result<bool, Failure> {
    let is_back = || {
        let since = Instant::now().checked_sub(HALTED_FOR);
        since.is_some_and(|since| attempt.gemini.has_answered_since(since))
    };
    let halt = match (&attempt.chunk.tried.halt, attempt.gemini.halted()) {
        (None, None) => return Ok(false),
        (Some(_), None) if is_back() => {
            attempt.note_halt(None);
            return Ok(false);
        }
        (Some(known), _) => {
            let call = probe(attempt, (0, 0)).await?;
            if call.billing != CallOutcome::Refused {
                attempt.note_halt(None);
                return Ok(true);
            }
            call.reply.halt().unwrap_or_else(|| known.clone())
        }
        (None, Some(halt)) => {
            report_halt(attempt, (0, 0), &halt).await?;
            halt
        }
    };
    attempt.note_halt(Some(halt.clone()));
    Err(halted(&halt))
}
