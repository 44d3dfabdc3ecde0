//! Which leads share a call, and what follows from its reply. Pure.
//!
//! A call that was refused or lost is made again as it was. A call whose answer is unusable is never
//! repeated as it was: it is split in two, down to one lead. A lead that a usable answer leaves out
//! is asked about again alone, once.

use super::limits::{CALL_ANSWERS, CALL_BYTES};
use crate::gemini::Reply;
use crate::prompt::template::{Answer, CallPrompt, PromptTemplate, Question};
use shared::messages::ErrorCategory;
use std::time::Duration;

/// Why there is no answer about a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    pub(crate) category: ErrorCategory,
    pub(crate) detail: String,
    /// Whether another attempt at the chunk should ask again.
    pub(crate) later: bool,
}

/// The answer about a lead, by its index among the questions.
pub(super) type LeadAnswer = (usize, Result<Answer, NoAnswer>);

/// Leads that are asked about in one call, by their index among the questions.
#[derive(Debug)]
pub(super) struct CallGroup {
    pub(super) leads: Vec<usize>,
    /// How often this very call was made.
    pub(super) attempts: u32,
}

impl CallGroup {
    fn new(leads: Vec<usize>) -> Self {
        Self { leads, attempts: 0 }
    }

    /// The same reason for all its leads.
    pub(super) fn all_without(&self, reason: &NoAnswer) -> Vec<LeadAnswer> {
        self.leads.iter().map(|at| (*at, Err(reason.clone()))).collect()
    }

    /// Two calls in place of one whose answer is unusable; a call about one lead has failed.
    fn split(&self, reason: NoAnswer) -> NextStep {
        if self.leads.len() == 1 {
            return NextStep::Settled(self.all_without(&reason));
        }
        let (first, second) = self.leads.split_at(self.leads.len().div_ceil(2));
        let halves = [first, second].map(|leads| Self::new(leads.to_vec())).into();
        // Which lead is to blame is not known before they are asked about separately.
        NextStep::Others(halves, Vec::new(), NoAnswer { later: true, ..reason })
    }
}

pub(super) enum NextStep {
    Settled(Vec<LeadAnswer>),
    /// The same call again, after the time that the service names, if it does.
    Again(Option<Duration>, NoAnswer),
    /// Other calls, and what is settled already. The reason holds for leads that are not asked
    /// about again.
    Others(Vec<CallGroup>, Vec<LeadAnswer>, NoAnswer),
}

/// Divides questions into calls of at most `leads_per_call` leads that are not too large. With each
/// attempt at the chunk the first call is shorter by one lead: a call that there was no time to
/// split is not repeated as it was.
pub(super) fn divide(
    questions: &[Question<'_>],
    leads_per_call: usize,
    attempt: u32,
) -> Vec<CallGroup> {
    let mut groups: Vec<CallGroup> = Vec::new();
    let (mut bytes, mut answers) = (0, 0);
    let mut most = leads_per_call - (attempt.max(1) as usize - 1) % leads_per_call;
    for (at, question) in questions.iter().enumerate() {
        let size = (question.subject.bytes(), question.subject.answers());
        match groups.last_mut() {
            Some(group)
                if group.leads.len() < most
                    && bytes + size.0 <= CALL_BYTES
                    && answers + size.1 <= CALL_ANSWERS =>
            {
                group.leads.push(at);
                (bytes, answers) = (bytes + size.0, answers + size.1);
            }
            previous @ (Some(_) | None) => {
                if previous.is_some() {
                    most = leads_per_call;
                }
                groups.push(CallGroup::new(vec![at]));
                (bytes, answers) = size;
            }
        }
    }
    groups
}

pub(super) fn next_step(
    template: &PromptTemplate<'_>,
    group: &CallGroup,
    prompt: &CallPrompt,
    reply: Reply,
) -> NextStep {
    let no_answer = |category, detail, later| NoAnswer { category, detail, later };
    match reply {
        Reply::TryLater { category, detail, after } => {
            NextStep::Again(after, no_answer(category, detail, true))
        }
        Reply::Unusable { category, detail } => {
            let reason = no_answer(category, detail, false);
            if is_about_the_leads(category) {
                group.split(reason)
            } else {
                NextStep::Settled(group.all_without(&reason))
            }
        }
        Reply::Text(text) => match template.read_answer(&text, prompt) {
            Ok(of_leads) => settle_answered(group, of_leads),
            Err(detail) => group.split(no_answer(ErrorCategory::AiResponseFormat, detail, false)),
        },
    }
}

/// Settles the leads that a usable answer is about; the others are asked about alone.
fn settle_answered(group: &CallGroup, of_leads: Vec<Result<Answer, String>>) -> NextStep {
    let reason = |detail, later| {
        let category = ErrorCategory::AiResponseFormat;
        NoAnswer { category, detail, later }
    };
    let mut settled = Vec::new();
    let mut alone = Vec::new();
    let mut missing = String::new();
    for (at, of_lead) in group.leads.iter().zip(of_leads) {
        match of_lead {
            Ok(answer) => settled.push((*at, Ok(answer))),
            Err(detail) if group.leads.len() == 1 => {
                settled.push((*at, Err(reason(detail, false))));
            }
            Err(detail) => {
                missing = detail;
                alone.push(CallGroup::new(vec![*at]));
            }
        }
    }
    NextStep::Others(alone, settled, reason(missing, true))
}

/// Whether a call about other leads may be answered.
fn is_about_the_leads(category: ErrorCategory) -> bool {
    match category {
        ErrorCategory::SafetyBlock | ErrorCategory::AiResponseFormat | ErrorCategory::Unknown => {
            true
        }
        ErrorCategory::Quota
        | ErrorCategory::Timeout
        | ErrorCategory::Auth
        | ErrorCategory::ModelConfig
        | ErrorCategory::PostsUnreadable
        | ErrorCategory::Airtable => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::subject::Subject;
    use serde_json::json;

    fn sizes(subject: &Subject, leads: usize, leads_per_call: usize, attempt: u32) -> Vec<usize> {
        let questions: Vec<Question<'_>> =
            (0..leads).map(|_| Question { subject, profile: None }).collect();
        let groups = divide(&questions, leads_per_call, attempt);
        groups.iter().map(|group| group.leads.len()).collect()
    }

    #[test]
    fn calls_are_full_and_no_attempt_repeats_the_first_call_of_the_one_before() {
        let subject = Subject::Profile(json!("words"));
        assert_eq!(sizes(&subject, 10, 5, 1), [5, 5]);
        assert_eq!(sizes(&subject, 10, 5, 2), [4, 5, 1]);
        assert_eq!(sizes(&subject, 10, 5, 6), [5, 5]);
        assert_eq!(sizes(&subject, 10, 10, 1), [10]);
        assert_eq!(sizes(&subject, 10, 1, 3), [1; 10]);
    }

    #[test]
    fn a_call_is_not_too_large() {
        let long = Subject::Profile(json!("x".repeat(CALL_BYTES / 2)));
        assert_eq!(sizes(&long, 3, 10, 1), [1; 3]);
    }
}
