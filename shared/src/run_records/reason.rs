//! Why a record is not simply completed: a closed list, each reason with a next step.

use super::field_note::FieldNote;
use crate::core::ids::ClientId;
use crate::fold::{Status, Summary};
use crate::messages::{ErrorCategory, HarvestStatus, SkipReason, UnusedReason};
use std::collections::BTreeSet;

/// Why a record is not simply completed, or what on it needs attention.
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
    /// A note that needs action.
    Noted,
    /// Answers do not say exactly what they used.
    Unclear,
    /// The model answers no call until a person acts.
    Halted(ErrorCategory),
    Running,
}

impl Reason {
    /// All reasons that apply to a run. `fields` are the fields that do not show what they should.
    pub fn of(summary: &Summary, fields: &[FieldNote]) -> BTreeSet<Self> {
        let unobserved = summary.posts.unobserved + summary.profiles.unobserved > 0;
        let account = &summary.account;
        // If a harvest could not be planned, nobody has checked whose posts it has.
        let is_looked_up = summary.status.is_end()
            && (summary.failures.is_empty() || summary.posts.leads.planned > 0);
        let nothing_used =
            is_looked_up && account.items > 0 && summary.posts_matched + summary.posts_open == 0;
        let unmatched =
            is_looked_up && !nothing_used && (summary.posts_unmatched > 0 || summary.not_leads > 0);
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

    /// The reason as a clause, in lower case and without a full stop.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NotAttributed => "no known client was named for this harvest",
            Self::NotPlanned => "the work could not be planned",
            Self::HarvestIncomplete => "the harvest did not finish",
            Self::TargetsUnknown => "it is not known whether some profiles have posts",
            Self::NotUnderstood => "some items of a harvest are not understood",
            Self::NothingUsed => "no item of a harvest became a lead's post",
            Self::Unmatched => "some harvested profiles are not leads of this client",
            Self::LeftOut => "some harvested posts are not stored: the cell of their lead is full",
            Self::ActorErrors => "the actor reports errors instead of posts",
            Self::LimitReached => "leads wait because the token limit is reached",
            Self::Noted => "something was not used as it came in",
            Self::Stalled => "the run makes no progress, but something is missing",
            Self::Unobserved => {
                "answers of the model were lost on the way: their tokens are not known"
            }
            Self::Unpriced => "a model has no price: the cost does not include its tokens",
            Self::FieldsLeftOut => "fields of the table are missing, locked or renamed",
            Self::Unclear => "answers do not say exactly what they used: the cost is at least that",
            Self::Halted(ErrorCategory::NoCredit) => "the model's credit is used up",
            Self::Halted(_) => "the model no longer accepts the key",
            Self::Running => "the run is in progress",
            Self::Leads(category) => category_in_words(category),
        }
    }

    /// What an operator does about it, as a clause like that of [`Reason::in_words`]; `None` if
    /// nothing has to be done, or nothing can be done.
    pub(super) fn next_step(self) -> Option<&'static str> {
        Some(match self {
            Self::NotAttributed => {
                "name a client of the table \"Clients\": add a row with this Apify run and its Client \
                 ID to the table \"Apify\", and tick Retry; or correct clientId in the webhook's URL, \
                 and send the webhook again"
            }
            Self::NotPlanned => {
                "do what Error Details say; if that was something to correct, tick Retry"
            }
            Self::HarvestIncomplete => "harvest again if you want the rest; what was found is used",
            Self::TargetsUnknown => "harvest these profiles again",
            Self::NotUnderstood => "compare what was not used with the actor's documentation",
            Self::NothingUsed => {
                "compare the harvested profiles with the leads' \"LinkedIn Profile URL\""
            }
            Self::Unmatched => {
                "if you expected a lead, compare its \"LinkedIn Profile URL\" with the harvested profile"
            }
            Self::LeftOut => "shorten that cell, then send the webhook of the harvest again",
            Self::ActorErrors => {
                "look at the errors in the dataset, and harvest the profiles again"
            }
            Self::LimitReached => {
                "the next run scores what waits; raise the token limit to have it scored earlier"
            }
            Self::Noted => "do what the notes on the record say about it",
            Self::Stalled => {
                "in an outage, or while runtally doctor shows work on the scoring queue, wait: the \
                 run continues automatically; otherwise tick Retry"
            }
            Self::Unpriced => "add the model's price and deploy",
            Self::FieldsLeftOut => "add or correct these fields of the table of run records",
            Self::Halted(ErrorCategory::NoCredit) => {
                "top up the model's credit, or raise its limit of spending; scoring continues \
                 automatically within 10 minutes, and for 7 days nothing is lost"
            }
            Self::Halted(_) => {
                "replace the key (GEMINI_API_KEY); scoring continues automatically within 10 \
                 minutes, and for 7 days nothing is lost"
            }
            Self::Leads(category) => return next_step_of(category),
            Self::Unobserved | Self::Unclear | Self::Running => return None,
        })
    }

    /// What a person has to do before a halted run continues.
    pub(super) fn waits_until(self) -> &'static str {
        if self == Self::Halted(ErrorCategory::NoCredit) {
            "you top up the model's credit"
        } else {
            "you replace the key"
        }
    }
}

/// Why leads could not be scored.
fn category_in_words(category: ErrorCategory) -> &'static str {
    match category {
        ErrorCategory::SafetyBlock => "the model refuses to judge the texts",
        ErrorCategory::ModelRefused => "the model refuses every call with these texts",
        ErrorCategory::ModelNoAnswer => "the model stopped without an answer",
        ErrorCategory::NoCredit => "the model's credit was used up",
        ErrorCategory::Quota => "the model's quota is used up",
        ErrorCategory::Timeout => "the model did not answer in time",
        ErrorCategory::Auth => "the model does not accept the credentials",
        ErrorCategory::AiResponseFormat => "the model's answer could not be used",
        ErrorCategory::ModelConfig => "the model's name or settings are wrong",
        ErrorCategory::PostsUnreadable => "the stored posts cannot be read",
        ErrorCategory::Airtable => "the row could not be read or written",
        ErrorCategory::Unknown => "something unforeseen happened",
    }
}

/// What an operator does about leads that could not be scored.
fn next_step_of(category: ErrorCategory) -> Option<&'static str> {
    Some(match category {
        ErrorCategory::SafetyBlock => return None,
        ErrorCategory::ModelRefused => "look at these posts, correct or clear them, and tick Retry",
        ErrorCategory::ModelNoAnswer | ErrorCategory::Timeout | ErrorCategory::AiResponseFormat => {
            "tick Retry"
        }
        ErrorCategory::NoCredit => "top up the model's credit, and tick Retry",
        ErrorCategory::Quota => "raise the quota or wait for its renewal, and tick Retry",
        ErrorCategory::Auth => "correct the model's key or account, and tick Retry",
        ErrorCategory::ModelConfig => "correct the model's configuration, and tick Retry",
        ErrorCategory::PostsUnreadable => "correct or clear the cell Posts Content, and tick Retry",
        ErrorCategory::Airtable => {
            "correct what Error Details name in the client's base, and tick Retry"
        }
        ErrorCategory::Unknown => "tick Retry; if it fails again, search the logs for the run id",
    })
}
