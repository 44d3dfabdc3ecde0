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

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Something is still to be done.
    Running,
    /// Every planned lead is scored or skipped.
    Completed,
    /// Every planned lead is settled, and something went wrong.
    CompletedWithErrors,
    /// Nothing moves though something is still to be done.
    Stalled,
    /// Nothing could be harvested or planned.
    Failed,
}

impl Status {
    /// Whether the run is over, as long as nothing new is heard of it.
    pub fn is_end(self) -> bool {
        match self {
            Self::Running | Self::Stalled => false,
            Self::Completed | Self::CompletedWithErrors | Self::Failed => true,
        }
    }
}

/// What the run record shows of one run, before it is put into words.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub run: RunId,
    pub header: RunHeader,
    pub status: Status,
    /// The first event.
    pub started_at: Timestamp,
    /// When the last chunk was settled; `None` while something is still to be done.
    pub ended_at: Option<Timestamp>,
    pub last_progress: Timestamp,
    pub opened: Vec<(Timestamp, OpenedBy)>,
    /// Its harvests, oldest report first.
    pub harvests: Vec<(Timestamp, Harvested)>,
    /// The plans, oldest first.
    pub planned: Vec<PlanSize>,
    /// The table of the leads' rows, where a plan names it.
    pub leads_table: Option<LeadsTable>,
    /// What the harvests cost, as far as Apify says and this run counts it.
    pub harvest_cost: Option<NanoUsd>,
    /// Harvests whose cost another run counts, with that run.
    pub costs_elsewhere: BTreeMap<ApifyRunId, RunId>,
    /// Profiles the harvests were asked for.
    pub targets: u64,
    pub account: Account,
    pub posts_harvested: u64,
    /// Those whose target is a lead, as far as known.
    pub posts_matched: u64,
    /// Those whose target is no lead.
    pub posts_unmatched: u64,
    /// Those whose target is not looked up yet.
    pub posts_open: u64,
    /// Those of leads whose cells have no room for them.
    pub posts_left_out: u64,
    /// The first of these leads: their rows, or their profiles where these are not known.
    pub first_left_out: Vec<String>,
    pub posts: KindSummary,
    pub profiles: KindSummary,
    pub ai_cost: NanoUsd,
    /// Tokens of every answer by the UTC day on which it came.
    pub tokens_by_day: BTreeMap<Date, u64>,
    /// Models that answered and have no price, with the tier where it is not the standard one:
    /// their tokens are in no cost.
    pub unpriced_models: BTreeSet<String>,
    pub models: BTreeSet<String>,
    /// Models that were asked while another one answered, with that one.
    pub rerouted: BTreeSet<(String, String)>,
    /// Answers by the tier that served them.
    pub tiers: BTreeMap<Tier, u64>,
    /// Leads that could not be scored, by category, with the first examples.
    pub errors: BTreeMap<ErrorCategory, Vec<(Option<RecordId>, String)>>,
    /// Leads that were not scored though nothing went wrong, by reason.
    pub skips: BTreeMap<SkipReason, u64>,
    pub not_leads: u64,
    /// The first of the profiles that are no leads.
    pub first_not_leads: Vec<String>,
    /// Why something could not be harvested or planned.
    pub failures: Vec<(Timestamp, Option<ApifyRunId>, String)>,
    pub notes: Vec<(Timestamp, Note)>,
    /// Why a task of the run waits or waited last; `None` once the run moved on.
    pub wait: Option<Wait>,
    /// When a quarter, a half and three quarters of the planned chunks were settled.
    pub milestones: Vec<Milestone>,
    /// What is still to be done: harvests to be read, plans and chunks to be finished.
    pub missing: Vec<String>,
    /// Whether all that is missing is what became of leads whose chunks are done.
    pub awaits_outcomes: bool,
    /// When the model answered nobody, oldest first.
    pub outages: Vec<Outage>,
    /// Why the model answers nobody until a person does something, and since when it is known.
    pub halt: Option<(Timestamp, Halt)>,
    /// What does not add up; empty for a balanced record.
    pub imbalances: Vec<String>,
}

/// Where the items and targets of a run's harvests went. Reports of earlier releases do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Items of the datasets.
    pub items: u64,
    /// Items that became no lead's post: unmatched posts and those that are left out too.
    pub items_not_used: u64,
    /// Items that cannot become a lead's post, by reason.
    pub unused: BTreeMap<UnusedReason, Counted<UnusedReason>>,
    /// Items of which nobody knows what they are, or whose.
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
    /// Tokens of every answer.
    pub tokens: TokenUsage,
    /// What they cost, as far as they have a price.
    pub cost: NanoUsd,
    /// Answers that have no price: they are not in the cost.
    pub unpriced: u64,
    /// Model calls whose answer is not known, tried or over.
    pub unobserved: u64,
    /// Answers whose usage does not tell all that is billed.
    pub unclear: u64,
    /// Calls that the model refused: they are not billed.
    pub refused: u64,
    /// Calls that were announced, whatever became of them.
    pub calls: u64,
    pub leads: LeadCounts,
}

/// What became of a plan's leads, each counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeadCounts {
    /// Planned and not found to be no lead.
    pub planned: u64,
    pub scored: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Planned and not settled.
    pub open: u64,
}

/// When which plan was queued, and of how many leads it is: profiles that turned out to be no
/// leads are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanSize {
    pub at: Timestamp,
    pub kind: Kind,
    pub leads: usize,
    /// Whether it scores again what failed or was missing.
    pub is_replay: bool,
}

/// Why a task of a run waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// When it waited for this reason first.
    pub since: Timestamp,
    pub why: String,
}

/// A time in which the model answered no call of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub from: Timestamp,
    /// Its next answer; `None` while there is none.
    pub until: Option<Timestamp>,
    /// Calls that were refused or lost.
    pub calls: u64,
    /// What the model said, if only a person can end it.
    pub halt: Option<Halt>,
}

/// The moment at which a quarter, half or three quarters of a run's chunks were done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestone {
    pub at: Timestamp,
    pub done: usize,
    pub of: usize,
}
