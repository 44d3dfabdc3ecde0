//! The numbers on a run's record.

use crate::core::ids::{ApifyRunId, RecordId, RunId};
use crate::core::tokens::{NanoUsd, Tier, TokenUsage};
use crate::messages::{
    Counted, ErrorCategory, Halt, Harvested, Kind, LeadsTable, Note, OpenedBy, RunHeader,
    SkipReason, UnknownReason, UnusedReason,
};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Some work remains.
    Running,
    /// Every planned lead is scored or skipped.
    Completed,
    /// Every planned lead is settled, but something went wrong.
    CompletedWithErrors,
    /// Some work remains, but there is no progress.
    Stalled,
    /// Nothing could be harvested or planned, or every lead failed.
    Failed,
}

impl Status {
    /// Whether the run is over, unless new events arrive.
    pub fn is_end(self) -> bool {
        match self {
            Self::Running | Self::Stalled => false,
            Self::Completed | Self::CompletedWithErrors | Self::Failed => true,
        }
    }
}

/// The numbers and facts for a run record, before they are turned into text.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub run: RunId,
    pub header: RunHeader,
    pub status: Status,
    /// The time of the first event.
    pub started_at: Timestamp,
    /// When the last chunk was settled; `None` while work remains.
    pub ended_at: Option<Timestamp>,
    pub last_progress: Timestamp,
    pub opened: Vec<(Timestamp, OpenedBy)>,
    /// Its harvests, ordered by report time.
    pub harvests: Vec<(Timestamp, Harvested)>,
    /// The plans, oldest first.
    pub planned: Vec<PlanSize>,
    /// The table with the leads' rows, if a plan names it.
    pub leads_table: Option<LeadsTable>,
    /// The known cost of the harvests that this run counts.
    pub harvest_cost: Option<NanoUsd>,
    /// Harvests whose cost Apify does not report.
    pub harvests_without_cost: Vec<ApifyRunId>,
    /// Harvests whose cost another run counts, and that run.
    pub costs_elsewhere: BTreeMap<ApifyRunId, RunId>,
    /// Number of profiles requested from the harvests.
    pub targets: u64,
    pub account: Account,
    pub posts_harvested: u64,
    /// Harvested posts whose target is a lead, as far as known.
    pub posts_matched: u64,
    /// Harvested posts whose target is not a lead.
    pub posts_unmatched: u64,
    /// Harvested posts whose target was not looked up yet.
    pub posts_open: u64,
    /// Harvested posts that do not fit in their leads' cells.
    pub posts_left_out: u64,
    /// The first of these leads: their rows, or their profiles if the rows are unknown.
    pub first_left_out: Vec<String>,
    pub posts: KindSummary,
    pub profiles: KindSummary,
    pub ai_cost: NanoUsd,
    /// Tokens of all answers, by the UTC day on which they came.
    pub tokens_by_day: BTreeMap<Date, u64>,
    /// Models that answered but have no price, with the tier if it is not the standard one. The
    /// cost does not include their tokens.
    pub unpriced_models: BTreeSet<String>,
    pub models: BTreeSet<String>,
    /// Pairs of a requested model and the model that answered instead.
    pub rerouted: BTreeSet<(String, String)>,
    /// Number of answers by the tier that served them.
    pub tiers: BTreeMap<Tier, u64>,
    /// Leads that could not be scored, by category, with examples.
    pub errors: BTreeMap<ErrorCategory, Vec<(Option<RecordId>, String)>>,
    /// Leads that were not scored although nothing went wrong, by reason.
    pub skips: BTreeMap<SkipReason, u64>,
    /// Harvested profiles that are not leads.
    pub not_leads: u64,
    /// Waiting leads whose rows were deleted before they were read.
    pub rows_gone: u64,
    /// The first of the profiles that are not leads.
    pub first_not_leads: Vec<String>,
    /// Why something could not be harvested or planned.
    pub failures: Vec<(Timestamp, Option<ApifyRunId>, String)>,
    pub notes: Vec<(Timestamp, Note)>,
    /// Why a task of the run waits, or last waited; `None` once the run has progressed.
    pub wait: Option<Wait>,
    /// When a quarter, a half and three quarters of the planned chunks were settled.
    pub milestones: Vec<Milestone>,
    /// What remains to be done: harvests to read, plans and chunks to finish.
    pub missing: Vec<String>,
    /// Whether only the outcomes of leads whose chunks are done are missing.
    pub awaits_outcomes: bool,
    /// When the model answered no call, oldest first.
    pub outages: Vec<Outage>,
    /// Why the model answers no call until a person acts, and since when this is known.
    pub halt: Option<(Timestamp, Halt)>,
    /// What does not add up; empty if the record is balanced.
    pub imbalances: Vec<String>,
}

/// What became of the items and targets of a run's harvests. Reports from earlier releases do not
/// say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Items of the datasets.
    pub items: u64,
    /// Items that did not become a lead's post, including unmatched posts and posts that were left
    /// out.
    pub items_not_used: u64,
    /// Items that cannot become a lead's post, by reason.
    pub unused: BTreeMap<UnusedReason, Counted<UnusedReason>>,
    /// Items for which it is unknown what they are, or whose.
    pub not_understood: u64,
    pub targets_unknown: u64,
    pub unknown: BTreeMap<UnknownReason, Counted<UnknownReason>>,
    /// Harvests whose input is gone or names no target.
    pub without_input: Vec<ApifyRunId>,
}

impl Summary {
    /// The numbers of each kind of scoring, with its name.
    pub(crate) fn kinds(&self) -> [(&'static str, &KindSummary); 2] {
        [(Kind::Post.as_str(), &self.posts), (Kind::Profile.as_str(), &self.profiles)]
    }
}

/// The numbers of one run for post scoring or for profile scoring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindSummary {
    /// Distinct posts sent to the model (for profiles: leads).
    pub examined: u64,
    /// Distinct posts with a valid score (for profiles: leads).
    pub scored: u64,
    /// Tokens of all answers.
    pub tokens: TokenUsage,
    /// The cost of the tokens that have a price.
    pub cost: NanoUsd,
    /// Answers without a price. The cost does not include them.
    pub unpriced: u64,
    /// Model calls whose result is unknown because an answer was lost or an attempt is over.
    pub unobserved: u64,
    /// Answers whose usage does not show everything that is billed.
    pub unclear: u64,
    /// Calls that the model refused. They are not billed.
    pub refused: u64,
    /// All announced calls.
    pub calls: u64,
    pub leads: LeadCounts,
}

/// What became of a plan's leads, each counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeadCounts {
    /// Planned leads, without those that turned out not to be leads.
    pub planned: u64,
    pub scored: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Planned but not settled.
    pub open: u64,
}

/// A plan's time, kind and number of leads. Profiles that turned out not to be leads are not
/// counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanSize {
    pub at: Timestamp,
    pub kind: Kind,
    pub leads: usize,
    /// Whether it is a replay of what failed or was missing.
    pub is_replay: bool,
}

/// Why a task of a run waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// When it first waited for this reason.
    pub since: Timestamp,
    pub why: String,
}

/// A period in which the model answered no call of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub from: Timestamp,
    /// Time of the next answer; `None` until there is one.
    pub until: Option<Timestamp>,
    /// Calls that were refused or lost.
    pub calls: u64,
    /// What the model said, if only a person can end the outage.
    pub halt: Option<Halt>,
}

/// When a quarter, half or three quarters of a run's chunks were done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestone {
    pub at: Timestamp,
    pub done: usize,
    pub of: usize,
}
