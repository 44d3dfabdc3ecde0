//! Why a record is not simply completed, from a closed list, each with a next step.

use super::field_note::FieldNote;
use crate::core::ids::ClientId;
use crate::fold::{Status, Summary};
use crate::messages::{ErrorCategory, HarvestStatus, SkipReason, UnusedReason};
use std::collections::BTreeSet;

/// Why a record is not simply completed, or what on it needs somebody's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    NotAttributed,
    NotPlanned,
    HarvestIncomplete,
    TargetsUnknown,
    NotUnderstood,
    NothingUsed,
    Unmatched,
    LeftOut,
    ActorErrors,
    Stalled,
    Leads(ErrorCategory),
    Unobserved,
    Unpriced,
    FieldsLeftOut,
    /// Leads wait because a token limit is reached.
    LimitReached,
    /// A note asks for something.
    Noted,
    /// Answers do not say exactly what they used.
    Unclear,
    /// The model answers nobody until a person does something.
    Halted(ErrorCategory),
    Running,
}

impl Reason {
    /// All that hold for a run. `fields` are those that do not show what they should.
    pub fn of(summary: &Summary, fields: &[FieldNote]) -> BTreeSet<Self> {
        let unobserved = summary.posts.unobserved + summary.profiles.unobserved > 0;
        let account = &summary.account;
        let nothing_used = summary.status.is_end()
            && account.items > 0
            && summary.posts_matched + summary.posts_open == 0;
        let unmatched = summary.status.is_end()
            && !nothing_used
            && (summary.posts_unmatched > 0 || summary.not_leads > 0);
        let is_cut = |status: HarvestStatus| status != HarvestStatus::Succeeded;
        let holds = [
            (summary.header.client == ClientId::unattributed(), Self::NotAttributed),
            (!summary.failures.is_empty(), Self::NotPlanned),
            (summary.harvests.iter().any(|(_, h)| is_cut(h.status)), Self::HarvestIncomplete),
            (
                account.targets_unknown > 0 || !account.without_input.is_empty(),
                Self::TargetsUnknown,
            ),
            (account.not_understood > 0, Self::NotUnderstood),
            (nothing_used, Self::NothingUsed),
            (unmatched, Self::Unmatched),
            (summary.posts_left_out > 0, Self::LeftOut),
            (account.unused.contains_key(&UnusedReason::Error), Self::ActorErrors),
            (summary.status == Status::Stalled, Self::Stalled),
            (unobserved, Self::Unobserved),
            (!summary.unpriced_models.is_empty(), Self::Unpriced),
            (summary.posts.unclear + summary.profiles.unclear > 0, Self::Unclear),
            (!fields.is_empty(), Self::FieldsLeftOut),
            (summary.skips.contains_key(&SkipReason::BudgetReached), Self::LimitReached),
            (summary.notes.iter().any(|(_, note)| note.needs_action), Self::Noted),
            (summary.status == Status::Running, Self::Running),
        ];
        let mut reasons: BTreeSet<Self> =
            holds.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
        if let Some((_, halt)) = &summary.halt {
            reasons.remove(&Self::Running);
            reasons.insert(Self::Halted(halt.category));
        }
        reasons.extend(summary.errors.keys().map(|category| Self::Leads(*category)));
        if reasons.contains(&Self::NotAttributed) {
            reasons.remove(&Self::NotPlanned);
        }
        reasons
    }

    pub(super) fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::NothingUsed
                | Self::Unmatched
                | Self::LeftOut
                | Self::ActorErrors
                | Self::LimitReached
                | Self::Noted
                | Self::Unobserved
                | Self::Unpriced
                | Self::Unclear
                | Self::FieldsLeftOut
                | Self::Halted(_)
                | Self::Running
        )
    }

    /// A clause for the record, in lower case and without a full stop.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NotAttributed => "no client could be found for this harvest",
            Self::NotPlanned => "a harvest could not be read or planned",
            Self::HarvestIncomplete => "the harvest was cut short",
            Self::TargetsUnknown => "it is not known whether some targets have posts",
            Self::NotUnderstood => "some items of a harvest are not understood",
            Self::NothingUsed => "no item of a harvest became a lead's post",
            Self::Unmatched => "some targets of a harvest are no leads",
            Self::LeftOut => "some harvested posts are in no row: its cell is full",
            Self::ActorErrors => "the actor reports errors in place of posts",
            Self::LimitReached => "leads wait because a token limit is reached",
            Self::Noted => "something that came in was not used as it is",
            Self::Stalled => "nothing moves though something is missing",
            Self::Unobserved => "the model never answered some calls: their tokens are unknown",
            Self::Unpriced => "a model has no price: its tokens are in no cost",
            Self::FieldsLeftOut => "fields of the table are missing, locked or renamed",
            Self::Unclear => "answers do not say exactly what they used: the cost is at least that",
            Self::Halted(ErrorCategory::NoCredit) => "the model's credit is used up",
            Self::Halted(_) => "the model does not accept the key any more",
            Self::Running => "the run is going on",
            Self::Leads(category) => category_in_words(category),
        }
    }

    /// What an operator does about it, as a clause like that of [`Reason::in_words`].
    pub fn next_step(self) -> &'static str {
        match self {
            Self::NotAttributed => {
                "name the client (clientId in the webhook's URL, or a row in the table Apify), then \
                 post the webhook again or tick Retry"
            }
            Self::NotPlanned => "do what Error Details say, then tick Retry",
            Self::HarvestIncomplete => {
                "what was found is used; harvest the rest again if it is wanted"
            }
            Self::TargetsUnknown => {
                "harvest the targets again that these notes name; raise maxItems if it was reached"
            }
            Self::NotUnderstood => {
                "compare the items that these notes name with the actor's documentation"
            }
            Self::NothingUsed => {
                "compare the targets with the leads' \"LinkedIn Profile URL\": no post belongs to a \
                 lead"
            }
            Self::Unmatched => {
                "compare the profiles that these notes name with the leads' \"LinkedIn Profile URL\": \
                 their posts belong to no lead"
            }
            Self::LeftOut => {
                "shorten Posts Content of the leads that these notes name, then post the webhook again: \
                 the cell has no room for all posts"
            }
            Self::ActorErrors => "look at the errors in the dataset; harvest those targets again",
            Self::LimitReached => {
                "the leads wait for the next run; raise the token limit to score them earlier"
            }
            Self::Noted => "do what these notes say of what came in",
            Self::Stalled => {
                "wait while the scoring queue is not empty (runtally doctor); then put the missing \
                 back with runtally redrive, or tick Retry"
            }
            Self::Unobserved => "nothing; compare with the model's bill if it matters",
            Self::Unpriced => "add the model's price and deploy",
            Self::FieldsLeftOut => "add or correct the fields that these notes name",
            Self::Unclear => "compare with the model's bill if it matters",
            Self::Halted(ErrorCategory::NoCredit) => {
                "top up the model's credit, or raise its limit of spending; scoring goes on by itself \
                 within 10 minutes, and for 7 days nothing is lost"
            }
            Self::Halted(_) => {
                "replace the key (GEMINI_API_KEY); scoring goes on by itself within 10 minutes, and \
                 for 7 days nothing is lost"
            }
            Self::Running => "wait; if it stops moving it becomes Stalled by itself",
            Self::Leads(category) => next_step_of(category),
        }
    }
}

/// Why leads could not be scored.
fn category_in_words(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::SafetyBlock => "the model refuses to judge these posts",
        ErrorCategory::ModelRefused => "the model refuses every call with these texts",
        ErrorCategory::ModelNoAnswer => "the model stopped without an answer",
        ErrorCategory::NoCredit => "the model's credit was used up",
        ErrorCategory::Quota => "the model's quota is spent",
        ErrorCategory::Timeout => "the model did not answer in time",
        ErrorCategory::Auth => "the model does not accept the credentials",
        ErrorCategory::AiResponseFormat => "the model's answer was no result",
        ErrorCategory::ModelConfig => "the model's name or settings are wrong",
        ErrorCategory::PostsUnreadable => "the lead's posts cannot be read",
        ErrorCategory::Airtable => "the lead's row could not be read or written",
        ErrorCategory::Unknown => "something unforeseen happened",
    }
}

/// What an operator does about leads that could not be scored.
fn next_step_of(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::SafetyBlock => {
            "nothing: it would refuse again; new posts are judged in the next run"
        }
        ErrorCategory::ModelRefused => {
            "look at these posts, correct or clear them, then tick Retry"
        }
        ErrorCategory::ModelNoAnswer => "tick Retry; the next run asks again by itself",
        ErrorCategory::NoCredit => "top up the model's credit, then tick Retry",
        ErrorCategory::Quota => "raise the quota or wait for its renewal, then tick Retry",
        ErrorCategory::Timeout | ErrorCategory::AiResponseFormat => "tick Retry",
        ErrorCategory::Auth => "correct the model's key or account, then tick Retry",
        ErrorCategory::ModelConfig => "correct the model's configuration, then tick Retry",
        ErrorCategory::PostsUnreadable => {
            "correct or clear Posts Content of these leads, then tick Retry"
        }
        ErrorCategory::Airtable => {
            "correct what the examples name in the client's base, then tick Retry"
        }
        ErrorCategory::Unknown => "tick Retry; if it fails again, look for the run id in the logs",
    }
}
