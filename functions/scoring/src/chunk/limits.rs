//! Sizes and times of a chunk's work.

use std::time::Duration;

/// Leads of a wave: as many as Airtable writes in one request.
pub(super) const WAVE_LEADS: usize = 10;
/// Leads whose rows are read in one request.
pub(super) const READ_LEADS: usize = 50;
/// Time to write a wave's rows and report, once the model has answered.
pub(super) const WRITING_TIME: Duration = Duration::from_secs(20);
/// How often one call is made, as long as it is refused or lost.
pub(super) const CALL_ATTEMPTS: u32 = 3;
/// Wait before a call's second attempt; doubled before its third.
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Most bytes of leads in one call: an answer about more takes too long.
pub(super) const CALL_BYTES: usize = 150_000;
/// Most posts in one call: the room for their answers is bounded.
pub(super) const CALL_ANSWERS: usize = 120;
