//! Decides which leads share a call, and what follows from its reply. Pure.
//!
//! A call that was lost or temporarily refused is repeated unchanged. A call with a useless answer is
//! split in two, and so is one that took the model too long twice. A lead that got no answer from two
//! such calls is asked about alone. A call that was cut off is repeated with more room. Over all
//! attempts at its chunk, a lead is in at most [`MOST_PAID_CALLS`] calls that may have been billed.

use super::limits::{CALL_ANSWERS, CALL_BYTES, MOST_PAID_CALLS, USELESS_TOGETHER};
use crate::gemini::{Finish, Reply};
use crate::prompt::template::{Answer, CallPrompt, PromptTemplate, Question};
use shared::messages::{ErrorCategory, Halt};
use std::time::Duration;

/// Why a lead has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    pub(crate) category: ErrorCategory,
    pub(crate) detail: String,
    /// Whether another attempt at the chunk should ask about the lead again.
    pub(crate) later: bool,
}

/// The answer about a lead, with the lead's index among the questions.
pub(super) type LeadAnswer = (usize, Result<Answer, NoAnswer>);

/// Leads that are asked about in one call, by their indexes among the questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallGroup {
    pub(super) leads: Vec<usize>,
    /// How often this call was made without an answer.
    pub(super) attempts: u32,
    /// How often an answer about these leads was cut off.
    pub(super) cut_offs: u32,
    /// Whether the call was already repeated because of a useless answer.
    is_repeated: bool,
}

impl CallGroup {
    fn new(leads: Vec<usize>) -> Self {
        Self { leads, attempts: 0, cut_offs: 0, is_repeated: false }
    }

    /// The same reason for each of its leads.
    pub(super) fn all_without(&self, reason: &NoAnswer) -> Vec<LeadAnswer> {
        self.leads.iter().map(|at| (*at, Err(reason.clone()))).collect()
    }

    /// Two calls instead of one that has no useful answer.
    fn halves(&self) -> Vec<Self> {
        let (first, second) = self.leads.split_at(self.leads.len().div_ceil(2));
        let half = |leads: &[usize]| Self { cut_offs: self.cut_offs, ..Self::new(leads.to_vec()) };
        vec![half(first), half(second)]
    }

    /// Splits the call by its answer, which is empty or has an entry for each lead. Returns the
    /// leads that are settled, and a call about the others.
    fn answered(&self, of_leads: Vec<Result<Answer, String>>) -> (Vec<LeadAnswer>, Self) {
        let of_leads = self.leads.iter().zip(of_leads);
        let answered = of_leads.filter_map(|(at, answer)| Some((*at, Ok(answer.ok()?))));
        let answered: Vec<LeadAnswer> = answered.collect();
        let is_open = |at: &&usize| answered.iter().all(|(settled, _)| settled != *at);
        let leads = self.leads.iter().filter(is_open).copied().collect();
        (answered, Self { leads, ..self.clone() })
    }

    fn alone(&self, lead: usize) -> Self {
        Self { leads: vec![lead], ..self.clone() }
    }
}

pub(super) enum NextStep {
    Settled(Vec<LeadAnswer>),
    /// The same call again, after the time that the service names, if it names one.
    Again(Option<Duration>, NoAnswer),
    /// Other calls, and the leads that are settled already. The reason applies to the leads of
    /// these calls if they get no answer.
    Others(Vec<CallGroup>, Vec<LeadAnswer>, NoAnswer),
    /// No call may follow.
    Halted(Halt),
}

/// The calls that may be made, and the leads that are not asked about again.
///
/// `paid` says for each lead how many of its calls without an answer may have been billed.
pub(super) fn within_bounds(groups: Vec<CallGroup>, paid: &[u32]) -> (Vec<CallGroup>, Vec<usize>) {
    let mut calls = Vec::new();
    let mut over = Vec::new();
    for mut group in groups {
        over.extend(group.leads.iter().filter(|at| paid[**at] >= MOST_PAID_CALLS));
        group.leads.retain(|at| paid[*at] < MOST_PAID_CALLS);
        let is_alone = |at: &&usize| paid[**at] >= USELESS_TOGETHER;
        if group.leads.len() > 1 {
            calls.extend(group.leads.iter().filter(is_alone).map(|at| group.alone(*at)));
            group.leads.retain(|at| paid[*at] < USELESS_TOGETHER);
        }
        if !group.leads.is_empty() {
            calls.push(group);
        }
    }
    (calls, over)
}

/// Divides questions into calls of at most `leads_per_call` leads that are not too large. With each
/// attempt at the chunk, the first call has one lead less, so that a call that could not be split
/// in time is not repeated unchanged.
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
        // What takes the model too long twice is too much for one call.
        Reply::TryLater { category: category @ ErrorCategory::Timeout, detail, .. }
            if group.attempts > 0 && group.leads.len() > 1 =>
        {
            let halves = group.halves().into_iter();
            let again = halves.map(|half| CallGroup { attempts: group.attempts, ..half });
            NextStep::Others(again.collect(), Vec::new(), no_answer(category, detail, true))
        }
        Reply::TryLater { category, detail, after } => {
            NextStep::Again(after, no_answer(category, detail, true))
        }
        Reply::Halted(halt) => NextStep::Halted(halt),
        Reply::Refused { detail, is_lasting } => refused(group, detail, is_lasting),
        Reply::Unusable { category, detail } => {
            let reason = no_answer(category, detail, false);
            if is_about_the_leads(category) {
                ask_otherwise(group, reason)
            } else {
                NextStep::Settled(group.all_without(&reason))
            }
        }
        Reply::Text { text, finish } => {
            let format = |detail| no_answer(ErrorCategory::AiResponseFormat, detail, false);
            match (template.read_answer(&text, prompt, &finish), finish) {
                (read, Finish::CutOff) => {
                    let (answered, rest) = group.answered(read.unwrap_or_default());
                    let most = prompt.max_output_tokens;
                    let detail = format!(
                        "the model's answer is cut off (MAX_TOKENS, {most} with its thoughts)"
                    );
                    let is_silent = text.trim().is_empty();
                    ask_with_more_room(&rest, prompt, is_silent, (answered, format(detail)))
                }
                (Ok(of_leads), _) => settle_answered(group, of_leads),
                (Err(detail), Finish::Stop) => ask_otherwise(group, format(detail)),
                (Err(detail), Finish::Unsaid) => ask_otherwise(
                    group,
                    format(format!("the model does not say that it finished, and {detail}")),
                ),
                (Err(_), Finish::Other { category, detail }) => {
                    ask_otherwise(group, no_answer(category, detail, false))
                }
            }
        }
    }
}

/// Handles a refused call. The cause may be one of its leads.
fn refused(group: &CallGroup, detail: String, is_lasting: bool) -> NextStep {
    let reason = |category, later| NoAnswer { category, detail: detail.clone(), later };
    if group.leads.len() > 1 {
        let reason = reason(ErrorCategory::Unknown, true);
        NextStep::Others(group.halves(), Vec::new(), reason)
    } else if is_lasting {
        NextStep::Settled(group.all_without(&reason(ErrorCategory::ModelRefused, false)))
    } else {
        NextStep::Again(None, reason(ErrorCategory::ModelRefused, true))
    }
}

/// Asks in two calls instead of one with a useless answer. A single lead is asked about once more,
/// unless the answer would be the same.
fn ask_otherwise(group: &CallGroup, reason: NoAnswer) -> NextStep {
    // It is unknown which lead causes this until they are asked about separately.
    let provisional = NoAnswer { later: true, ..reason.clone() };
    if group.leads.len() > 1 {
        NextStep::Others(group.halves(), Vec::new(), provisional)
    } else if group.is_repeated || reason.category == ErrorCategory::SafetyBlock {
        NextStep::Settled(group.all_without(&reason))
    } else {
        let again = CallGroup { is_repeated: true, attempts: 0, ..group.clone() };
        NextStep::Others(vec![again], Vec::new(), provisional)
    }
}

/// Asks with more room for the answer and its thoughts, if more is allowed. If the text of the
/// answer is cut off, it is long for its leads, so they are divided too. `answered` are the leads
/// of the call that the answer settles.
fn ask_with_more_room(
    group: &CallGroup,
    prompt: &CallPrompt,
    is_silent: bool,
    (mut answered, reason): (Vec<LeadAnswer>, NoAnswer),
) -> NextStep {
    let provisional = NoAnswer { later: true, ..reason.clone() };
    let larger = CallGroup { cut_offs: group.cut_offs + 1, attempts: 0, ..group.clone() };
    if group.leads.len() > 1 && !(is_silent && PromptTemplate::can_grow(prompt)) {
        NextStep::Others(larger.halves(), answered, provisional)
    } else if PromptTemplate::can_grow(prompt) && !group.leads.is_empty() {
        NextStep::Others(vec![larger], answered, provisional)
    } else {
        answered.extend(group.all_without(&reason));
        NextStep::Settled(answered)
    }
}

/// Settles the leads with a usable answer. The others are asked about alone.
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
                return ask_otherwise(group, reason(detail, false));
            }
            Err(detail) => {
                missing = detail;
                // It was asked about together with others, and is asked about once more.
                let alone_once = CallGroup { is_repeated: true, ..CallGroup::new(vec![*at]) };
                alone.push(alone_once);
            }
        }
    }
    NextStep::Others(alone, settled, reason(missing, true))
}

/// Whether a call about other leads may succeed.
fn is_about_the_leads(category: ErrorCategory) -> bool {
    match category {
        ErrorCategory::SafetyBlock
        | ErrorCategory::ModelRefused
        | ErrorCategory::ModelNoAnswer
        | ErrorCategory::AiResponseFormat
        | ErrorCategory::Unknown => true,
        ErrorCategory::NoCredit
        | ErrorCategory::Quota
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
