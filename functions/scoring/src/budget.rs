//! Estimates the tokens that scoring will use, and keeps plans and chunks within a client's limit.
//!
//! Workers share no counter. A plan divides the rest of a limit over its chunks by estimate. A
//! chunk measures what its waves use, and starts no wave that it expects to exceed its share.

use shared::core::tokens::TokenUsage;
use shared::messages::Kind;

/// Leads in a wave: as many as Airtable writes in one request.
pub(crate) const WAVE_LEADS: usize = 10;
/// UTF-8 bytes of a prompt per token: four English letters, or one and a third Japanese characters.
const BYTES_PER_TOKEN: usize = 4;
/// Tokens of the answer about one post, including its id and rationale; measured with the demo.
const TOKENS_PER_POST: usize = 32;
/// Tokens of the answer about one profile; measured with the demo.
const TOKENS_PER_PROFILE: usize = 180;

/// The expected tokens for leads that take up `bytes` and need `answers` answers, with a system
/// prompt of `system` bytes in each of `calls` calls.
pub(crate) fn estimate(
    kind: Kind,
    system: usize,
    calls: usize,
    (bytes, answers): (usize, usize),
) -> u64 {
    let prompt = (system * calls + bytes).div_ceil(BYTES_PER_TOKEN);
    (prompt + answers * tokens_per_answer(kind)) as u64
}

/// The most tokens that a call of unknown usage can have used: `bytes` of prompt and the full room
/// for its answer.
pub(crate) fn most(bytes: usize, max_output_tokens: u32) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64 + u64::from(max_output_tokens)
}

fn tokens_per_answer(kind: Kind) -> usize {
    match kind {
        Kind::Post => TOKENS_PER_POST,
        Kind::Profile => TOKENS_PER_PROFILE,
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) kind: Kind,
    pub(crate) system: usize,
    pub(crate) leads_per_call: usize,
}

impl Rates {
    /// The expected tokens of one lead: its own tokens and its part of the call's system prompt.
    pub(crate) fn of_lead(&self, bytes: usize, answers: usize) -> u64 {
        if answers == 0 {
            return 0;
        }
        let part = self.system.div_ceil(self.leads_per_call);
        estimate(self.kind, part, 1, (bytes, answers))
    }

    /// What this number of leads uses in addition to their parts: a call that is not full contains
    /// the whole system prompt too.
    pub(crate) fn of_short_calls(&self, leads: usize) -> u64 {
        let (waves, rest) = (leads / WAVE_LEADS, leads % WAVE_LEADS);
        let calls_of = |leads: usize| leads.div_ceil(self.leads_per_call);
        let calls = waves * calls_of(WAVE_LEADS) + calls_of(rest);
        let parts = leads * self.system.div_ceil(self.leads_per_call);
        (calls * self.system).saturating_sub(parts).div_ceil(BYTES_PER_TOKEN) as u64
    }

    /// The same as a usage reported by the model, with nothing cached.
    pub(crate) fn usage(&self, bytes: usize, answers: usize) -> TokenUsage {
        let total = self.of_lead(bytes, answers);
        let output = (answers * tokens_per_answer(self.kind)) as u64;
        TokenUsage { prompt: total.saturating_sub(output), output, total, ..TokenUsage::default() }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    /// `None` without a limit.
    pub(crate) left: Option<u64>,
}

impl Allowance {
    /// Takes a lead's expected tokens; `false` if they exceed the rest. The first lead that does
    /// not fit ends the allowance, because otherwise shorter leads would overtake it forever.
    pub(crate) fn take(&mut self, tokens: u64) -> bool {
        let Some(left) = &mut self.left else { return true };
        match left.checked_sub(tokens) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => {
                *left = 0;
                tokens == 0
            }
        }
    }
}

impl Allowance {
    /// Takes these tokens, or as many of them as are left. Returns how many it took.
    pub(crate) fn take_up_to(&mut self, tokens: u64) -> u64 {
        let Some(left) = &mut self.left else { return tokens };
        let taken = tokens.min(*left);
        *left -= taken;
        taken
    }
}

/// What a chunk has used of its share.
#[derive(Debug)]
pub(crate) struct Meter {
    share: Option<u64>,
    used: u64,
    /// The tokens that the waves so far used, and the tokens that were expected.
    measured: (u64, u64),
}

impl Meter {
    pub(crate) fn new(share: Option<u64>) -> Self {
        Self { share, used: 0, measured: (0, 0) }
    }

    /// Counts what an earlier attempt at the chunk is expected to have used.
    pub(crate) fn used_before(&mut self, expected: u64) {
        self.used += expected;
    }

    /// Whether a wave that is expected to use `expected` tokens may start. If the waves so far used
    /// more than expected, the estimate is raised in proportion.
    pub(crate) fn allows(&self, expected: u64) -> bool {
        let Some(share) = self.share else { return true };
        let (used, foreseen) = self.measured;
        let factor = if used > foreseen && foreseen > 0 { (used, foreseen) } else { (1, 1) };
        let expected = u128::from(expected) * u128::from(factor.0) / u128::from(factor.1);
        expected == 0 || u128::from(self.used) + expected <= u128::from(share)
    }

    /// What is left of the share; `None` without a limit.
    pub(crate) fn left(&self) -> Option<u64> {
        self.share.map(|share| share.saturating_sub(self.used))
    }

    pub(crate) fn count(&mut self, expected: u64, used: u64) {
        self.used += used;
        self.measured.0 += used;
        self.measured.1 += expected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lead_that_does_not_fit_ends_the_allowance() {
        let mut limited = Allowance { left: Some(100) };
        assert_eq!([60, 50, 10, 0].map(|tokens| limited.take(tokens)), [true, false, false, true]);
        let mut free = Allowance { left: None };
        assert!(free.take(u64::MAX) && free.take(u64::MAX));
    }

    #[test]
    fn a_wave_begins_only_while_it_is_expected_to_fit() {
        let mut meter = Meter::new(Some(100));
        assert!(meter.allows(100) && !meter.allows(101));
        meter.count(20, 40);
        assert!(meter.allows(30), "60 are left and 30 may become 60");
        assert!(!meter.allows(31));
        meter.used_before(60);
        assert!(!meter.allows(1) && meter.allows(0));
        assert!(Meter::new(None).allows(u64::MAX));
    }

    #[test]
    fn the_rubric_is_shared_by_the_leads_of_a_call() {
        let rates = |leads_per_call| Rates { kind: Kind::Post, system: 12_000, leads_per_call };
        assert_eq!(rates(1).of_lead(4_000, 3), 3_000 + 1_000 + 96);
        assert_eq!(rates(10).of_lead(4_000, 3), 300 + 1_000 + 96);
        assert_eq!(rates(10).of_lead(0, 0), 0);
        assert_eq!(rates(5).of_short_calls(10), 0, "two full calls");
        assert_eq!(rates(5).of_short_calls(1), 3_000 - 600, "the other four fifths of one");
        assert_eq!(rates(5).of_short_calls(12), 3_000 - 1_200);
    }
}
