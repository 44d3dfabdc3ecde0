//! What became of model calls and of leads.

use super::words::words;
use crate::core::ids::{LeadKey, PostKey, RecordId};
use crate::core::prices::Terms;
use crate::core::tokens::{Surface, Tier, TokenUsage};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One call of a round. A repetition in the next round is a call of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "FlatCall")]
pub struct BilledCall {
    /// Its place among the announced ones, from 0.
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

/// How a call to the model ended, as far as money goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CallOutcome {
    /// It answered, usable or not: this is billed.
    Answered {
        usage: TokenUsage,
        /// The model that really answered.
        model: String,
        #[serde(skip_serializing_if = "Served::is_plain")]
        served: Served,
    },
    /// It refused with an error: nothing is billed.
    Refused,
    /// The request may have arrived, but no answer came: whether and what is billed is unknown.
    Lost,
}

/// How an answer was served, as far as it decides the price. A fact that an earlier release
/// reported says nothing of it, and keeps its id.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Served {
    pub tier: Tier,
    /// The API that served it. Facts of earlier releases do not say.
    #[serde(skip_serializing_if = "Served::is_developer")]
    pub surface: Surface,
    /// How much the answer's usage tells.
    #[serde(skip_serializing_if = "Reading::is_exact")]
    pub reading: Reading,
    /// When the answer came; the time of the report where this is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The model that was asked, when another one answered.
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

    /// The terms that decide the price; `reported` is the time of the report, which counts where the
    /// time of the answer is not known.
    pub fn terms(&self, reported: Timestamp) -> Terms {
        Terms { surface: self.surface, tier: self.tier, at: self.at.unwrap_or(reported) }
    }
}

/// How much the usage of an answer tells of what is billed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Its counters add up to its total.
    #[default]
    Exact,
    /// The total is known, and not what kinds of tokens all of it is: the cost is at least that of
    /// a prompt.
    Unsplit,
    /// Counters cannot be read, or contradict the total: it is at least what is counted.
    Partial,
}

impl Reading {
    /// Whether the tokens, and with them the cost, are known.
    pub fn is_exact(&self) -> bool {
        *self == Self::Exact
    }

    /// Whether the number of all tokens is known.
    pub fn counts_all(self) -> bool {
        self != Self::Partial
    }
}

/// The result of one attempt at a lead. Other attempts may give other results.
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
    /// Harvested posts that its cell has no room for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<PostKey>,
}

/// The result of an attempt. A score is never replaced by anything but a score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// No row in the client's base has this profile.
    NotALead,
    /// Nothing was to be done.
    Skipped {
        reason: SkipReason,
    },
    Failed {
        category: ErrorCategory,
        /// What exactly, without a word of the lead's.
        detail: String,
    },
    Scored,
}

/// [`BilledCall`] as it is written. Serde's `flatten` and tagged enums copy what they read first;
/// a fold reads thousands.
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

/// A field is missing that an outcome of its name has.
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

/// [`LeadOutcome`] as it is written, as [`FlatCall`] is a [`BilledCall`].
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
    /// Why a lead was not scored though nothing went wrong.
    SkipReason {
        /// None of its posts has text.
        NoContent = "NO_CONTENT",
        /// Its Posts Content holds no post.
        NoPostsParsed = "NO_POSTS_PARSED",
        /// The harvest brought nothing new and the lead is scored already.
        NoNewPosts = "NO_NEW_POSTS",
        /// It was scored, or taken out of the queue, by somebody else since it was planned.
        AlreadyScoredInRun = "ALREADY_SCORED_IN_RUN",
        /// The tokens that its run may use are used; it stays waiting.
        BudgetReached = "BUDGET_REACHED",
        /// Its profile says too little to be judged.
        ProfileTooThin = "PROFILE_TOO_THIN",
    }
}

words! {
    /// Why a lead was not scored because something went wrong.
    ErrorCategory {
        /// The model refuses to speak about these posts: SAFETY, BLOCKLIST, PROHIBITED_CONTENT, SPII.
        SafetyBlock = "SAFETY_BLOCK",
        /// The model answers calls, and refuses each call with this lead's text (400 or 500).
        ModelRefused = "MODEL_REFUSED",
        /// The model stopped without an answer, for a reason that may not hold the next time.
        ModelNoAnswer = "MODEL_NO_ANSWER",
        Quota = "QUOTA",
        /// The credit at the model's provider is used up, or a limit of spending is reached.
        NoCredit = "NO_CREDIT",
        Timeout = "TIMEOUT",
        /// The model does not accept our credentials.
        Auth = "AUTH",
        /// The answer is cut off, is not JSON, or has another shape than asked for.
        AiResponseFormat = "AI_RESPONSE_FORMAT",
        /// The model's name or the request's settings are wrong.
        ModelConfig = "MODEL_CONFIG",
        /// The row's Posts Content can be read in none of its known forms.
        PostsUnreadable = "POSTS_UNREADABLE",
        /// The lead's row could not be written.
        Airtable = "AIRTABLE",
        Unknown = "UNKNOWN",
    }
}
