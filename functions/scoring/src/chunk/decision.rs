//! What is to be done about a lead.

use crate::prompt::subject::Subject;
use shared::core::ids::{LeadKey, PostKey};
use shared::messages::{ErrorCategory, Outcome, SkipReason};

#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The posts that the model was asked about; [`profile_keys`] for a profile.
    pub(crate) examined: Vec<PostKey>,
    pub(crate) scored: Vec<PostKey>,
}

impl Verdict {
    pub(crate) fn skipped(reason: SkipReason) -> Self {
        let outcome = Outcome::Skipped { reason };
        Self { outcome, examined: Vec::new(), scored: Vec::new() }
    }

    pub(crate) fn failed(category: ErrorCategory, detail: String, examined: Vec<PostKey>) -> Self {
        Self { outcome: Outcome::Failed { category, detail }, examined, scored: Vec::new() }
    }
}

/// What is to be done about a lead that has a row.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// It is settled without asking the model.
    Settle(Verdict),
    /// The model is asked about this.
    Ask(Subject),
}

impl Decision {
    pub(crate) fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Ask(subject) => Some(subject),
            Self::Settle(_) => None,
        }
    }
}

/// The key that stands for a lead's profile among the keys of posts.
pub(crate) fn profile_keys(lead: &LeadKey) -> Vec<PostKey> {
    vec![lead.as_str().parse().expect("keys of leads and of posts have the same form")]
}

#[cfg(test)]
pub(crate) fn describe(decision: &Decision) -> String {
    let Decision::Settle(Verdict { outcome, examined, scored }) = decision else {
        return format!("ask about {}", decision.subject().map_or(0, Subject::answers));
    };
    match outcome {
        Outcome::Skipped { reason } => reason.as_str().to_owned(),
        Outcome::Failed { category, .. } => format!("{} {}", category.as_str(), examined.len()),
        Outcome::Scored => format!("scored {} of {}", scored.len(), examined.len()),
        Outcome::NotALead => "no lead".to_owned(),
    }
}
