//! Sizes and times for the work on a chunk.

pub(super) use crate::budget::WAVE_LEADS;
use jiff::SignedDuration;
use shared::services::http_retry::RetryPolicy;
use std::time::Duration;

/// Time to write a wave's rows and report, once the model has answered.
pub(super) const WRITING_TIME: Duration = Duration::from_secs(20);
/// Airtable requests of a wave whose calls are answered: its rows are read again, and written.
pub(super) const REQUESTS_OF_A_WAVE: u32 = 2;
/// If a row was read longer ago, somebody else may have changed it, so it is read again before it
/// is written.
pub(super) const ROWS_STAY_FRESH: SignedDuration = SignedDuration::from_secs(10);
/// How a call is repeated while it is refused or lost.
pub(super) const CALL_RETRY: RetryPolicy =
    RetryPolicy { first: Duration::from_secs(2), longest: Duration::from_secs(4), attempts: 3 };
/// Most bytes of leads in one call. An answer about more takes too long.
pub(super) const CALL_BYTES: usize = 150_000;
/// Most posts in one call, because the room for the answer is limited.
pub(super) const CALL_ANSWERS: usize = 120;
/// Most calls with the same lead in a plan that may have been billed.
pub(super) const MOST_PAID_CALLS: u32 = 4;
/// After this many such calls without a useful answer, a lead is asked about alone.
pub(super) const USELESS_TOGETHER: u32 = 2;
/// How long a chunk waits for a person to top up the model's credit or to replace its key before it
/// sends the model another call for one token.
pub(super) const HALTED_FOR: Duration = Duration::from_mins(10);
