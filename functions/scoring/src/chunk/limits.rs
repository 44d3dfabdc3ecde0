//! Sizes and times of a chunk's work.

pub(super) use crate::budget::WAVE_LEADS;
use jiff::SignedDuration;
use shared::services::http_retry::RetryPolicy;
use std::time::Duration;

/// Time to write a wave's rows and report, once the model has answered.
pub(super) const WRITING_TIME: Duration = Duration::from_secs(20);
/// Requests to Airtable of a wave whose calls are answered: its rows are read again, and written.
pub(super) const REQUESTS_OF_A_WAVE: u32 = 2;
/// A row that was read longer ago may have been changed by somebody else: it is read again before it
/// is written.
pub(super) const ROWS_STAY_FRESH: SignedDuration = SignedDuration::from_secs(10);
/// How a call is repeated, as long as it is refused or lost.
pub(super) const CALL_RETRY: RetryPolicy =
    RetryPolicy { first: Duration::from_secs(2), longest: Duration::from_secs(4), attempts: 3 };
/// Most bytes of leads in one call: an answer about more takes too long.
pub(super) const CALL_BYTES: usize = 150_000;
/// Most posts in one call: the room for their answers is bounded.
pub(super) const CALL_ANSWERS: usize = 120;
/// Most calls of a plan that may have been billed and contain one lead.
pub(super) const MOST_PAID_CALLS: u32 = 4;
/// After so many such calls without an answer of use a lead is asked about alone.
pub(super) const USELESS_TOGETHER: u32 = 2;
/// How long a chunk waits for a person to top up the model's credit or to replace its key, before it
/// asks the model for one token.
pub(super) const HALTED_FOR: Duration = Duration::from_mins(10);
