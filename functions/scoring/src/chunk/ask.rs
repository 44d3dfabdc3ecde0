//! Asks the model about a wave's leads, several in one call, in rounds.
//!
//! Each round is announced before its calls and billed after them. A call that was refused or
//! lost is made again as it was. A call whose answer is of no use is never repeated as it was: it
//! is split in two, down to one lead. A lead that a usable answer leaves out is asked again
//! alone, once.

use crate::Scoring;
use crate::chunk::score::WRITING_TIME;
use crate::chunk::share;
use crate::chunk::wave::Wave;
use crate::gemini::{Call, Prompt, Reply, Round, Service};
use crate::prompt::template::{Answer, CallName, CallText, Form, Question};
use crate::report::report;
use futures_util::future::join_all;
use shared::core::failure::Failure;
use shared::messages::{Announced, Billed, BilledCall, CallOutcome, ErrorCategory, Fact};
use shared::ports::{Queue, Transport};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How often one call is made, as long as it is refused or lost.
const TRIES: u32 = 3;
/// Wait before a call's second try; doubled before its third.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Most bytes of leads in one call: an answer about more takes too long.
const CALL_BYTES: usize = 150_000;
/// Most posts in one call: room for their answers is bounded.
const CALL_ANSWERS: usize = 120;

/// What became of the question about one lead.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The answer, or why there is none.
    pub(crate) answer: Result<Answer, NoAnswer>,
    /// This lead's part of the tokens of all calls it was in.
    pub(crate) tokens: u64,
    /// Whether any call can have reached the model.
    pub(crate) examined: bool,
}

/// Why there is no answer about a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    pub(crate) category: ErrorCategory,
    pub(crate) detail: String,
    /// Whether it is worth asking again in another try of the chunk.
    pub(crate) later: bool,
}

/// Leads that are asked about in one call, by their place among the questions.
struct Group {
    leads: Vec<usize>,
    /// How often this very call was made.
    tries: u32,
}

impl Group {
    fn new(leads: Vec<usize>) -> Self {
        Self { leads, tries: 0 }
    }
}

/// What follows from a call.
enum Next {
    /// Nothing more.
    Settled(Vec<(usize, Result<Answer, NoAnswer>)>),
    /// The same call again, after a while if the service names one.
    Again(Option<Duration>, NoAnswer),
    /// Other calls, and what is settled already. The reason stands for those that are not asked.
    Others(Vec<Group>, Vec<(usize, Result<Answer, NoAnswer>)>, NoAnswer),
}

/// Divides questions into calls of at most `leads_per_call` leads that are not too large. The
/// first call of a later try is shorter by a lead each time: a call for whose splitting there was
/// no time is not repeated as it was.
fn groups(questions: &[Question<'_>], leads_per_call: usize, deliveries: u32) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let (mut bytes, mut answers) = (0, 0);
    let mut most = leads_per_call - (deliveries.max(1) as usize - 1) % leads_per_call;
    for (at, question) in questions.iter().enumerate() {
        let size = (question.about.bytes(), question.about.answers());
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
                groups.push(Group::new(vec![at]));
                (bytes, answers) = size;
            }
        }
    }
    groups
}

/// Asks about every lead. The answers stand in the order of the questions.
pub(crate) async fn ask<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    wave: &Wave<'_>,
    form: &Form<'_>,
    questions: &[Question<'_>],
) -> Result<Vec<Asked>, Failure> {
    let mut open = groups(questions, app.config.leads_per_call, wave.deliveries);
    let mut answers: BTreeMap<usize, Result<Answer, NoAnswer>> = BTreeMap::new();
    let mut tokens = vec![0_u64; questions.len()];
    let mut examined = vec![false; questions.len()];
    let mut round = 0;
    let begun = Instant::now();
    while !open.is_empty() {
        let texts: Vec<CallText> = open
            .iter()
            .enumerate()
            .map(|(call, group)| {
                let name =
                    CallName { attempt: &wave.attempt.attempt, wave: wave.index, round, call };
                let questions: Vec<&Question<'_>> =
                    group.leads.iter().map(|at| &questions[*at]).collect();
                form.call(&name, &questions)
            })
            .collect();
        let service = app.gemini.service(&Round {
            begun,
            is_last: open.iter().any(|group| group.tries + 1 == TRIES),
            deadline: wave.deadline,
            kept_back: WRITING_TIME + FIRST_WAIT * 2,
        });
        let calls = make_calls(app, wave, form, (round, service), &texts).await?;
        let mut next: Vec<Group> = Vec::new();
        let mut wait = Duration::ZERO;
        for ((mut group, text), call) in
            std::mem::take(&mut open).into_iter().zip(&texts).zip(calls)
        {
            let used = match &call.billing {
                CallOutcome::Answered { usage, .. } => usage.total,
                CallOutcome::Refused | CallOutcome::Lost => 0,
            };
            for (at, part) in group.leads.iter().zip(share::split(used, &text.weights)) {
                tokens[*at] += part;
                examined[*at] |= call.billing != CallOutcome::Refused;
            }
            let settled = match follow(form, &group, text, call.reply) {
                Next::Settled(settled) => settled,
                Next::Again(after, reason) => {
                    group.tries += 1;
                    let settled = all(&group, &reason);
                    if group.tries < TRIES {
                        let backoff = app.jitter(FIRST_WAIT * 2_u32.pow(group.tries - 1));
                        wait = wait.max(backoff).max(after.unwrap_or_default());
                        next.push(group);
                    }
                    settled
                }
                Next::Others(groups, mut settled, reason) => {
                    settled.extend(groups.iter().flat_map(|group| all(group, &reason)));
                    next.extend(groups);
                    settled
                }
            };
            answers.extend(settled);
        }
        let needed = wait + app.gemini.timeout() + WRITING_TIME;
        if next.is_empty() || wave.deadline.remaining() < needed {
            break;
        }
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        open = next;
        round += 1;
    }
    let asked = tokens.into_iter().zip(examined).enumerate();
    Ok(asked
        .map(|(at, (tokens, examined))| {
            let answer = answers.remove(&at).expect("every question was asked at least once");
            Asked { answer, tokens, examined }
        })
        .collect())
}

/// Decides what follows from a reply.
fn follow(form: &Form<'_>, group: &Group, text: &CallText, reply: Reply) -> Next {
    let later = |category, detail| NoAnswer { category, detail, later: true };
    let never = |category, detail| NoAnswer { category, detail, later: false };
    match reply {
        Reply::TryLater { category, detail, after } => Next::Again(after, later(category, detail)),
        Reply::Unusable { category, detail } if is_about_the_leads(category) => {
            split(group, never(category, detail))
        }
        Reply::Unusable { category, detail } => Next::Settled(all(group, &never(category, detail))),
        Reply::Text(answer) => match form.read(&answer, text) {
            Err(detail) => split(group, never(ErrorCategory::AiResponseFormat, detail)),
            Ok(of_leads) => {
                let mut settled = Vec::new();
                let mut alone = Vec::new();
                let mut missing = String::new();
                for (at, of_lead) in group.leads.iter().zip(of_leads) {
                    match of_lead {
                        Ok(answer) => settled.push((*at, Ok(answer))),
                        Err(detail) if group.leads.len() == 1 => {
                            let none = never(ErrorCategory::AiResponseFormat, detail);
                            settled.push((*at, Err(none)));
                        }
                        Err(detail) => {
                            missing = detail;
                            alone.push(Group::new(vec![*at]));
                        }
                    }
                }
                Next::Others(alone, settled, later(ErrorCategory::AiResponseFormat, missing))
            }
        },
    }
}

/// Two calls in place of one whose answer is of no use; one about one lead has failed.
fn split(group: &Group, reason: NoAnswer) -> Next {
    if group.leads.len() == 1 {
        return Next::Settled(all(group, &reason));
    }
    let (first, second) = group.leads.split_at(group.leads.len().div_ceil(2));
    let halves = [first, second].map(|leads| Group::new(leads.to_vec())).into();
    // Which of the leads it is about is not known before they are asked apart.
    Next::Others(halves, Vec::new(), NoAnswer { later: true, ..reason })
}

fn all(group: &Group, reason: &NoAnswer) -> Vec<(usize, Result<Answer, NoAnswer>)> {
    group.leads.iter().map(|at| (*at, Err(reason.clone()))).collect()
}

/// Whether another choice of leads may be answered.
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

/// Makes the calls of one round at the same time.
async fn make_calls<T: Transport, Q: Queue>(
    app: &Scoring<T, Q>,
    wave: &Wave<'_>,
    form: &Form<'_>,
    (round, service): (u32, Service),
    texts: &[CallText],
) -> Result<Vec<Call>, Failure> {
    let (attempt, kind, index) = (wave.attempt, wave.chunk.kind, wave.index);
    let announced = Announced {
        attempt: attempt.clone(),
        kind,
        wave: index,
        round,
        calls: u32::try_from(texts.len()).expect("a wave has ten leads"),
    };
    report(app, &wave.chunk.run, vec![Fact::Announced(announced)]).await?;
    let prompts: Vec<Prompt<'_>> = texts
        .iter()
        .map(|text| Prompt {
            system: &form.system,
            user: &text.user,
            schema: &form.schema,
            max_output_tokens: text.max_output_tokens,
        })
        .collect();
    let calls = prompts.iter().map(|prompt| app.gemini.generate(prompt, service));
    let calls: Vec<Call> = join_all(calls).await;
    let billed = Billed {
        attempt: attempt.clone(),
        kind,
        wave: index,
        round,
        calls: calls
            .iter()
            .zip(0..)
            .map(|(call, at)| BilledCall { call: at, outcome: call.billing.clone() })
            .collect(),
    };
    report(app, &wave.chunk.run, vec![Fact::Billed(billed)]).await?;
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::template::About;
    use serde_json::json;

    #[test]
    fn calls_are_full_and_no_try_repeats_the_first_call_of_another() {
        let about = About::Profile(json!("words"));
        let questions: Vec<Question<'_>> =
            (0..10).map(|_| Question { about: &about, profile: None }).collect();
        let sizes = |per_call, deliveries| {
            let groups = groups(&questions, per_call, deliveries);
            groups.iter().map(|group| group.leads.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(5, 1), [5, 5]);
        assert_eq!(sizes(5, 2), [4, 5, 1]);
        assert_eq!(sizes(5, 6), [5, 5]);
        assert_eq!(sizes(10, 1), [10]);
        assert_eq!(sizes(1, 3), [1; 10]);
    }

    #[test]
    fn a_call_is_not_too_large() {
        let long = About::Profile(json!("x".repeat(CALL_BYTES / 2)));
        let questions: Vec<Question<'_>> =
            (0..3).map(|_| Question { about: &long, profile: None }).collect();
        assert_eq!(groups(&questions, 10, 1).len(), 3);
    }
}
