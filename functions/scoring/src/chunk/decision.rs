//! What to do about a lead.

use crate::prompt::subject::Subject;
use shared::core::ids::{LeadKey, PostKey};
use shared::messages::{ErrorCategory, Outcome, SkipReason};

#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The posts about which the model was asked; [`profile_keys`] for a profile.
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

/// What to do about a lead that has a row.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// The lead is settled without a model call.
    Settle(Verdict),
    /// The model is asked about this subject.
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

/// A post key that represents a lead's profile.
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
