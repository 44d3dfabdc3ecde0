//! What is known about a wave's questions so far: answers, tokens, and calls paid for without an
//! answer.

use super::calls::{CallGroup, LeadAnswer, NoAnswer, within_bounds};
use super::limits::MOST_PAID_CALLS;
use super::share;
use crate::budget;
use crate::prompt::template::{Answer, CallPrompt};
use shared::messages::{CallOutcome, ErrorCategory, Halt};

/// The result of the question about one lead.
#[derive(Debug)]
pub(crate) struct LeadReply {
    pub(crate) answer: Result<Answer, NoAnswer>,
    /// The lead's part of the tokens of all its calls.
    pub(crate) tokens: u64,
    /// Whether any call can have reached the model.
    pub(crate) examined: bool,
    /// In how many calls that may have been billed the lead was.
    pub(crate) paid: u32,
    /// Whether the limit leaves no tokens for another call that would be needed.
    pub(crate) is_beyond_limit: bool,
}

impl LeadReply {
    /// Whether the lead has no answer and is asked about again if another attempt follows.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.answer, Err(NoAnswer { later: true, .. })) && !self.is_beyond_limit
    }
}

/// The results of a wave's questions.
pub(crate) struct WaveReplies {
    /// One per question, in the same order.
    pub(crate) replies: Vec<LeadReply>,
    /// Tokens that count towards limits.
    pub(crate) used: u64,
    /// Why no further call may be made, if so.
    pub(crate) halt: Option<Halt>,
}

pub(super) struct Replies {
    leads: Vec<LeadReply>,
    pub(super) used: u64,
    halt: Option<Halt>,
}

impl Replies {
    /// The start: only the numbers of paid calls are known.
    pub(super) fn new(paid: Vec<u32>) -> Self {
        let unasked = |paid| {
            let detail = "there was no time to ask the model".to_owned();
            let category = ErrorCategory::Timeout;
            let answer = Err(NoAnswer { category, detail, later: true });
            LeadReply { answer, tokens: 0, examined: false, paid, is_beyond_limit: false }
        };
        Self { leads: paid.into_iter().map(unasked).collect(), used: 0, halt: None }
    }

    /// Counts a call's tokens and divides them over its leads. A call of unknown usage counts
    /// towards limits with the most that it can have used.
    pub(super) fn count(
        &mut self,
        group: &CallGroup,
        prompt: &CallPrompt,
        system: usize,
        billing: &CallOutcome,
    ) {
        let most = || budget::most(system + prompt.user.len(), prompt.max_output_tokens);
        let (used, counted) = match billing {
            CallOutcome::Answered { usage, served, .. } if served.reading.counts_all() => {
                (usage.total, usage.total)
            }
            CallOutcome::Answered { usage, .. } => (usage.total, usage.total.max(most())),
            CallOutcome::Refused => return,
            CallOutcome::Lost => (0, most()),
        };
        self.used += counted;
        for (at, part) in group.leads.iter().zip(share::split(used, &prompt.weights)) {
            let lead = &mut self.leads[*at];
            lead.tokens += part;
            lead.examined = true;
            lead.paid += 1;
        }
    }

    /// For each lead, the number of its calls that may have been billed.
    pub(super) fn paid(&self) -> impl Iterator<Item = u32> {
        self.leads.iter().map(|lead| lead.paid)
    }

    pub(super) fn settle(&mut self, answers: Vec<LeadAnswer>) {
        for (at, answer) in answers {
            self.leads[at].answer = answer;
        }
    }

    /// The model answers no call: these leads wait.
    pub(super) fn halt(&mut self, groups: &[CallGroup], halt: Halt) {
        let Halt { category, detail } = halt.clone();
        let reason = NoAnswer { category, detail, later: true };
        for group in groups {
            self.settle(group.all_without(&reason));
        }
        self.halt = Some(halt);
    }

    /// The limit leaves no tokens for these calls: their leads wait for the next run.
    pub(super) fn leave_for_budget(&mut self, groups: &[CallGroup]) {
        for at in groups.iter().flat_map(|group| &group.leads) {
            self.leads[*at].is_beyond_limit = true;
        }
    }

    /// The calls in `groups` that may be made. Leads that were paid for too often are settled.
    pub(super) fn keep_within_bounds(&mut self, groups: Vec<CallGroup>) -> Vec<CallGroup> {
        let paid: Vec<u32> = self.paid().collect();
        let (groups, over) = within_bounds(groups, &paid);
        for at in over {
            let lead = &mut self.leads[at];
            if let Err(reason) = &mut lead.answer {
                if !lead.examined {
                    let category = ErrorCategory::ModelNoAnswer;
                    let detail =
                        format!("the model gave no answer of use in {MOST_PAID_CALLS} calls");
                    *reason = NoAnswer { category, detail, later: false };
                }
                reason.later = false;
            }
        }
        groups
    }

    /// Whether single leads were refused, and it is unknown whether the model answers other calls.
    pub(super) fn has_undecided_refusal(&self, has_answered: bool) -> bool {
        let is_undecided = |no: &NoAnswer| {
            no.category == ErrorCategory::ModelRefused && (no.later || !has_answered)
        };
        let mut reasons = self.leads.iter().filter_map(|lead| lead.answer.as_ref().err());
        self.halt.is_none() && reasons.any(is_undecided)
    }

    /// The model answers other calls, so it refuses these leads because of their text.
    pub(super) fn blame_the_leads(&mut self) {
        self.refused().for_each(|reason| reason.later = false);
    }

    /// The model refuses every call, so the leads' text is not the cause.
    pub(super) fn blame_the_settings(&mut self) {
        self.refused().for_each(|reason| reason.category = ErrorCategory::ModelConfig);
    }

    fn refused(&mut self) -> impl Iterator<Item = &mut NoAnswer> {
        let reasons = self.leads.iter_mut().filter_map(|lead| lead.answer.as_mut().err());
        reasons.filter(|reason| reason.category == ErrorCategory::ModelRefused)
    }

    pub(super) fn into_wave(self) -> WaveReplies {
        WaveReplies { replies: self.leads, used: self.used, halt: self.halt }
    }
}
