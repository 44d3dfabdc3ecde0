//! What became of model calls and of leads.

use super::words::words;
use crate::core::ids::{LeadKey, PostKey, RecordId};
use crate::core::prices::Terms;
use crate::core::tokens::{Surface, Tier, TokenUsage};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One call of a round. A repetition in the next round is a separate call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "FlatCall")]
pub struct BilledCall {
    /// Its index among the announced calls, from 0.
    pub call: u32,
    #[serde(flatten)]
    pub outcome: CallOutcome,
}

impl BilledCall {
    /// Whether the model answered it, usable or not.
    pub fn is_answered(&self) -> bool {
        matches!(self.outcome, CallOutcome::Answered { .. })
    }
}

/// How a call to the model ended, as it affects the cost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CallOutcome {
    /// The model answered, usable or not. The answer is billed.
    Answered {
        usage: TokenUsage,
        /// The model that actually answered.
        model: String,
        #[serde(skip_serializing_if = "Served::is_plain")]
        served: Served,
    },
    /// The model refused with an error. Nothing is billed.
    Refused,
    /// The request may have arrived, but no answer came. It is unknown whether it is billed, and
    /// how much.
    Lost,
}

/// How an answer was served, where that affects the price. A fact from an earlier release does not
/// contain it, and keeps its id.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Served {
    pub tier: Tier,
    /// The API that served it. Facts from earlier releases do not say.
    #[serde(skip_serializing_if = "Served::is_developer")]
    pub surface: Surface,
    /// How much the answer's usage reveals.
    #[serde(skip_serializing_if = "Reading::is_exact")]
    pub reading: Reading,
    /// When the answer came. If this is unknown, the time of the report counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The requested model, if another one answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

impl Served {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    fn is_developer(surface: &Surface) -> bool {
        *surface == Surface::Developer
    }

    /// The terms that decide the price. `reported` is the time of the report; it is used if the
    /// time of the answer is unknown.
    pub fn terms(&self, reported: Timestamp) -> Terms {
        Terms { surface: self.surface, tier: self.tier, at: self.at.unwrap_or(reported) }
    }
}

/// How much the usage of an answer says about what is billed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Its counters add up to its total.
    #[default]
    Exact,
    /// The total is known, but not the kinds of all its tokens. The cost is at least that of prompt
    /// tokens.
    Unsplit,
    /// Some counters cannot be read, or contradict the total. At least the counted tokens are
    /// billed.
    Partial,
}

impl Reading {
    /// Whether the tokens, and with them the cost, are known.
    pub fn is_exact(&self) -> bool {
        *self == Self::Exact
    }

    /// Whether the total number of tokens is known.
    pub fn counts_all(self) -> bool {
        self != Self::Partial
    }
}

/// The result of one attempt at a lead. Other attempts may have other results.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "FlatLead")]
pub struct LeadOutcome {
    pub lead: LeadKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examined: Vec<PostKey>,
    /// The posts that came back with a valid score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scored: Vec<PostKey>,
    /// Harvested posts that do not fit in the lead's cell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<PostKey>,
}

/// The result of an attempt. Only a newer score replaces a score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// No row in the client's base has this profile.
    NotALead,
    /// There was nothing to do.
    Skipped {
        reason: SkipReason,
    },
    Failed {
        category: ErrorCategory,
        /// What exactly happened, without any of the lead's words.
        detail: String,
    },
    Scored,
}

/// [`BilledCall`] as it is written. Serde copies the data first for `flatten` and tagged enums. A
/// fold reads thousands of calls, so this type avoids the copy.
#[derive(Deserialize)]
struct FlatCall {
    call: u32,
    outcome: CallOutcomeName,
    usage: Option<TokenUsage>,
    model: Option<String>,
    #[serde(default)]
    served: Served,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallOutcomeName {
    Answered,
    Refused,
    Lost,
}

/// A field that this outcome requires is missing.
#[derive(Debug, thiserror::Error)]
#[error("the outcome lacks `{0}`")]
struct Lacks(&'static str);

impl TryFrom<FlatCall> for BilledCall {
    type Error = Lacks;

    fn try_from(flat: FlatCall) -> Result<Self, Lacks> {
        let outcome = match flat.outcome {
            CallOutcomeName::Answered => CallOutcome::Answered {
                usage: flat.usage.ok_or(Lacks("usage"))?,
                model: flat.model.ok_or(Lacks("model"))?,
                served: flat.served,
            },
            CallOutcomeName::Refused => CallOutcome::Refused,
            CallOutcomeName::Lost => CallOutcome::Lost,
        };
        Ok(Self { call: flat.call, outcome })
    }
}

/// [`LeadOutcome`] as it is written, for the same reason as [`FlatCall`].
#[derive(Deserialize)]
struct FlatLead {
    lead: LeadKey,
    record: Option<RecordId>,
    outcome: OutcomeName,
    reason: Option<SkipReason>,
    category: Option<ErrorCategory>,
    detail: Option<String>,
    #[serde(default)]
    examined: Vec<PostKey>,
    #[serde(default)]
    scored: Vec<PostKey>,
    #[serde(default)]
    left_out: Vec<PostKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    NotALead,
    Skipped,
    Failed,
    Scored,
}

impl TryFrom<FlatLead> for LeadOutcome {
    type Error = Lacks;

    fn try_from(flat: FlatLead) -> Result<Self, Lacks> {
        let FlatLead { lead, record, examined, scored, left_out, .. } = flat;
        let outcome = match flat.outcome {
            OutcomeName::NotALead => Outcome::NotALead,
            OutcomeName::Skipped => {
                Outcome::Skipped { reason: flat.reason.ok_or(Lacks("reason"))? }
            }
            OutcomeName::Failed => Outcome::Failed {
                category: flat.category.ok_or(Lacks("category"))?,
                detail: flat.detail.ok_or(Lacks("detail"))?,
            },
            OutcomeName::Scored => Outcome::Scored,
        };
        Ok(Self { lead, record, outcome, examined, scored, left_out })
    }
}

words! {
    /// Why a lead was not scored although nothing went wrong.
    SkipReason {
        /// None of its posts has text.
        NoContent = "NO_CONTENT",
        /// Its Posts Content contains no post.
        NoPostsParsed = "NO_POSTS_PARSED",
        /// The harvest brought nothing new, and the lead already has a score.
        NoNewPosts = "NO_NEW_POSTS",
        /// After it was planned, somebody else scored it or took it out of the queue.
        AlreadyScoredInRun = "ALREADY_SCORED_IN_RUN",
        /// Its run has used all tokens that it may use. The lead keeps waiting.
        BudgetReached = "BUDGET_REACHED",
        /// Its profile says too little to be judged.
        ProfileTooThin = "PROFILE_TOO_THIN",
    }
}

words! {
    /// Why a lead was not scored because something went wrong.
    ErrorCategory {
        /// The model refuses to talk about these posts: SAFETY, BLOCKLIST, PROHIBITED_CONTENT,
        /// SPII.
        SafetyBlock = "SAFETY_BLOCK",
        /// The model answers other calls but refuses every call with this lead's text (400 or 500).
        ModelRefused = "MODEL_REFUSED",
        /// The model stopped without an answer, for a reason that may not apply next time.
        ModelNoAnswer = "MODEL_NO_ANSWER",
        Quota = "QUOTA",
        /// The credit at the model's provider is used up, or a spending limit is reached.
        NoCredit = "NO_CREDIT",
        Timeout = "TIMEOUT",
        /// The model does not accept our credentials.
        Auth = "AUTH",
        /// The answer is cut off, is not JSON, or does not have the requested shape.
        AiResponseFormat = "AI_RESPONSE_FORMAT",
        /// The model's name or the request's settings are wrong.
        ModelConfig = "MODEL_CONFIG",
        /// The row's Posts Content does not match any known format.
        PostsUnreadable = "POSTS_UNREADABLE",
        /// The lead's row could not be written.
        Airtable = "AIRTABLE",
        Unknown = "UNKNOWN",
    }
}
