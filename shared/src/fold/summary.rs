//! What a run's state says: the numbers on its record.

use super::balance;
use super::state::{Chunk, ChunkKey, Content, RunState};
use crate::core::ids::{ApifyRunId, LeadKey, PlanId, RecordId, RunId};
use crate::core::tokens::{NanoUsd, Tier, TokenUsage};
use crate::messages::{ErrorCategory, Harvested, Kind, Note, OpenedBy, RunHeader, SkipReason};
use jiff::Timestamp;
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
    #[must_use]
    pub fn is_end(self) -> bool {
        match self {
            Self::Running | Self::Stalled => false,
            Self::Completed | Self::CompletedWithErrors | Self::Failed => true,
        }
    }
}

/// The numbers of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The run's id.
    pub run: RunId,
    /// What its events say about it.
    pub header: RunHeader,
    /// How far it is.
    pub status: Status,
    /// The first event.
    pub started_at: Timestamp,
    /// When the last chunk was settled; `None` while something is still to be done.
    pub ended_at: Option<Timestamp>,
    /// The last sign of work on it.
    pub last_progress: Timestamp,
    /// What made it be heard of, with when.
    pub opened: Vec<(Timestamp, OpenedBy)>,
    /// Its harvests, oldest report first.
    pub harvests: Vec<(Timestamp, Harvested)>,
    /// When which plan of how many leads was queued.
    pub planned: Vec<(Timestamp, Kind, usize)>,
    /// What the harvests cost, as far as Apify says.
    pub harvest_cost: Option<NanoUsd>,
    /// Profiles the harvests were asked for.
    pub targets: u64,
    /// Posts the harvests brought.
    pub posts_harvested: u64,
    /// Those whose target is a lead, as far as known.
    pub posts_matched: u64,
    /// Those whose target is no lead.
    pub posts_unmatched: u64,
    /// Those whose target is not looked up yet.
    pub posts_open: u64,
    /// What was done about posts.
    pub posts: KindSummary,
    /// What was done about profiles.
    pub profiles: KindSummary,
    /// What the model's answers cost.
    pub ai_cost: NanoUsd,
    /// Models that answered and have no price, with the tier where it is not the standard one:
    /// their tokens are in no cost.
    pub unpriced_models: BTreeSet<String>,
    /// Models that answered.
    pub models: BTreeSet<String>,
    /// Models that were asked while another one answered, with that one.
    pub rerouted: BTreeSet<(String, String)>,
    /// Answers by the tier that served them.
    pub tiers: BTreeMap<Tier, u64>,
    /// Leads that could not be scored, by category, with the first examples.
    pub errors: BTreeMap<ErrorCategory, Vec<(Option<RecordId>, String)>>,
    /// Leads that were not scored though nothing went wrong, by reason.
    pub skips: BTreeMap<SkipReason, u64>,
    /// Targets that are no lead.
    pub not_leads: u64,
    /// Why something could not be harvested or planned.
    pub failures: Vec<(Timestamp, Option<ApifyRunId>, String)>,
    /// Notes, oldest first.
    pub notes: Vec<(Timestamp, Note)>,
    /// When a quarter, a half and three quarters of the planned chunks were settled.
    pub milestones: Vec<Milestone>,
    /// What is still to be done: harvests to be read, plans and chunks to be finished.
    pub missing: Vec<String>,
    /// What does not add up; empty for a balanced record.
    pub imbalances: Vec<String>,
}

impl Summary {
    /// The numbers of each kind of scoring, with its name.
    pub(crate) fn kinds(&self) -> [(&'static str, &KindSummary); 2] {
        [(Kind::Post.as_str(), &self.posts), (Kind::Profile.as_str(), &self.profiles)]
    }

    /// Whether numbers contradict each other: more than calls whose tokens nobody knows.
    #[must_use]
    pub fn contradicts_itself(&self) -> bool {
        !balance::contradictions(self).is_empty()
    }
}

/// The numbers of one kind of scoring.
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
    /// The leads.
    pub leads: LeadCounts,
}

/// What became of a plan's leads, each counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeadCounts {
    /// Planned and not found to be no lead.
    pub planned: u64,
    /// With a score of this run.
    pub scored: u64,
    /// Nothing was to be done.
    pub skipped: u64,
    /// Could not be scored.
    pub failed: u64,
    /// Planned and not settled.
    pub open: u64,
}

/// A share of the work was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestone {
    /// When.
    pub at: Timestamp,
    /// Chunks settled by then.
    pub done: usize,
    /// Chunks planned.
    pub of: usize,
}

impl RunState {
    /// What the state says.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let missing = self.missing();
        let stalled = self.stalled_at.is_some_and(|at| at >= self.last_progress);
        let mut summary = Summary {
            run: self.header.id(),
            header: self.header.clone(),
            status: Status::Running,
            started_at: self.started_at,
            ended_at: None,
            last_progress: self.last_progress,
            opened: by_time(self.opened.iter().map(|(by, at)| (*at, by.clone()))),
            harvests: by_time(self.reports().map(|(at, harvested)| {
                let cost = self.harvests.get(&harvested.apify_run).and_then(|known| known.cost);
                (at, Harvested { cost: cost.map(|(_, cost)| cost), ..harvested.clone() })
            })),
            planned: self.plan_sizes(),
            harvest_cost: None,
            targets: 0,
            posts_harvested: 0,
            posts_matched: 0,
            posts_unmatched: 0,
            posts_open: 0,
            posts: KindSummary::default(),
            profiles: KindSummary::default(),
            ai_cost: NanoUsd::default(),
            unpriced_models: BTreeSet::new(),
            models: BTreeSet::new(),
            rerouted: BTreeSet::new(),
            tiers: BTreeMap::new(),
            errors: BTreeMap::new(),
            skips: BTreeMap::new(),
            not_leads: 0,
            failures: self.standing_failures(),
            notes: by_time(self.notes.iter().map(|(note, at)| (*at, note.clone()))),
            milestones: self.milestones(),
            missing,
            imbalances: Vec::new(),
        };
        self.count_leads(&mut summary);
        self.count_harvests(&mut summary);
        self.count_calls(&mut summary, stalled);
        summary.status = self.status(&summary, stalled);
        summary.ended_at = summary.status.is_end().then(|| self.end()).flatten();
        summary.imbalances = balance::imbalances(&summary);
        summary
    }

    /// Failures that stand. A harvest that failed to be planned can be posted again and is planned
    /// then; one that was planned cannot be made worse by a delivery that fails.
    fn standing_failures(&self) -> Vec<(Timestamp, Option<ApifyRunId>, String)> {
        let is_put_right = |about: &Option<ApifyRunId>| {
            let harvest = about.as_ref().and_then(|run| self.harvests.get(run)?.report.as_ref());
            harvest.is_some_and(|report| report.harvested.plan.is_some())
        };
        by_time(
            self.failures
                .iter()
                .filter(|((about, _), _)| !is_put_right(about))
                .map(|((about, reason), at)| (*at, about.clone(), reason.clone())),
        )
    }

    /// What is still to be done, in words.
    fn missing(&self) -> Vec<String> {
        let unread = self.opened.keys().filter_map(|by| match by {
            OpenedBy::Webhook(run) => {
                let failed = self.failures.keys().any(|(about, _)| about.as_ref() == Some(run));
                (!self.harvests.contains_key(run) && !failed)
                    .then(|| format!("harvest {run} is not read"))
            }
            OpenedBy::ScoreWaiting { .. } => None,
        });
        let unplanned = self
            .planned_by_harvests()
            .filter(|plan| !self.plans.contains_key(*plan))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|plan| format!("plan {plan} is not queued"));
        let unfinished = self.plans.iter().flat_map(|(id, plan)| {
            (0..plan.chunks)
                .filter(|index| !self.is_finished(&(id.clone(), *index)))
                .map(move |index| format!("chunk {} of {} (plan {id})", index + 1, plan.chunks))
        });
        // Planning that died told of no plan for these, and began anew.
        let untold = self.chunks.iter().filter(|(key, chunk)| {
            chunk.content.is_some() && !self.is_finished(key) && !self.plans.contains_key(&key.0)
        });
        let untold = untold.map(|((plan, index), _)| format!("chunk {} (plan {plan})", index + 1));
        let unopened = (self.opened.is_empty()
            && self.plans.is_empty()
            && self.failures.is_empty()
            && self.harvests.is_empty())
        .then(|| "nothing is planned".to_owned());
        let unscored = self.opened.keys().filter_map(|by| match by {
            OpenedBy::Webhook(_) => None,
            OpenedBy::ScoreWaiting { kind, plan } => (!self.plans.contains_key(plan)).then(|| {
                format!("leads waiting for {} scoring are not all planned", kind.as_str())
            }),
        });
        unopened
            .into_iter()
            .chain(unread)
            .chain(unscored)
            .chain(unplanned)
            .chain(unfinished)
            .chain(untold)
            .collect()
    }

    fn planned_by_harvests(&self) -> impl Iterator<Item = &PlanId> {
        self.reports().filter_map(|(_, harvested)| harvested.plan.as_ref())
    }

    /// What is to be believed of each harvest.
    pub(super) fn reports(&self) -> impl Iterator<Item = (Timestamp, &Harvested)> {
        let reports = self.harvests.values().filter_map(|harvest| harvest.report.as_ref());
        reports.map(|report| (report.at, &report.harvested))
    }

    pub(super) fn is_finished(&self, key: &ChunkKey) -> bool {
        self.chunks.get(key).is_some_and(|chunk| self.is_settled(chunk)) || self.is_taken_over(key)
    }

    /// Whether a chunk failed, or is done and it is known what became of each of its leads: the
    /// event that says so may be among the dead letters while the chunk's end is not.
    fn is_settled(&self, chunk: &Chunk) -> bool {
        let Some(Content { kind, leads }) = &chunk.content else { return false };
        let is_known = |lead| self.outcome(*kind, lead).is_some();
        chunk.failed.is_some() || (chunk.done_at.is_some() && leads.keys().all(is_known))
    }

    /// How many leads each plan has. What was waiting counts as one plan, however many parts it
    /// was planned in.
    fn plan_sizes(&self) -> Vec<(Timestamp, Kind, usize)> {
        let mut plans: BTreeMap<&PlanId, (Timestamp, Kind, BTreeSet<&LeadKey>)> = BTreeMap::new();
        for (id, plan) in &self.plans {
            let whole = plan.part_of.as_ref().unwrap_or(id);
            let known = plans.entry(whole).or_insert((plan.at, plan.kind, BTreeSet::new()));
            known.0 = known.0.max(plan.at);
            let chunks = self.chunks.range((id.clone(), 0)..=(id.clone(), u32::MAX));
            known.2.extend(chunks.flat_map(|(_, chunk)| chunk.leads().map(|(lead, _)| lead)));
        }
        by_time(plans.into_values().map(|(at, kind, leads)| (at, kind, leads.len())))
    }

    fn milestones(&self) -> Vec<Milestone> {
        let of: usize = self.plans.values().map(|plan| plan.chunks as usize).sum();
        let mut ends: Vec<Timestamp> = self.chunks.values().filter_map(|c| c.done_at).collect();
        ends.sort_unstable();
        (1..=3)
            .map(|quarter| (of * quarter).div_ceil(4))
            .filter(|done| of >= 4 && *done <= ends.len())
            .map(|done| Milestone { at: ends[done - 1], done, of })
            .collect()
    }

    fn status(&self, summary: &Summary, stalled: bool) -> Status {
        if !summary.missing.is_empty() {
            return if stalled { Status::Stalled } else { Status::Running };
        }
        let any_planned = summary.posts.leads.planned + summary.profiles.leads.planned > 0;
        let harvest_failed = summary
            .harvests
            .iter()
            .any(|(_, harvest)| harvest.status != crate::messages::HarvestStatus::Succeeded);
        let something_failed = harvest_failed || !summary.failures.is_empty();
        if something_failed && !any_planned {
            Status::Failed
        } else if something_failed || !summary.errors.is_empty() {
            Status::CompletedWithErrors
        } else {
            Status::Completed
        }
    }

    /// When the last thing that was to be done was done.
    fn end(&self) -> Option<Timestamp> {
        let chunks = self
            .chunks
            .values()
            .filter_map(|chunk| chunk.done_at.or(chunk.failed.as_ref().map(|(at, _, _)| *at)));
        let plans = self.plans.values().map(|plan| plan.at);
        let failures = self.failures.values().copied();
        chunks.max().or_else(|| plans.chain(failures).max()).or(Some(self.last_progress))
    }
}

impl Chunk {
    /// Its leads and the number of their posts, as far as known.
    pub(super) fn leads(&self) -> impl Iterator<Item = (&LeadKey, u32)> {
        let leads = self.content.iter().flat_map(|content| &content.leads);
        leads.map(|(lead, posts)| (lead, *posts))
    }

    pub(super) fn is_over(&self) -> bool {
        self.done_at.is_some() || self.failed.is_some()
    }
}

fn by_time<T: Timed>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_key(Timed::at);
    items
}

/// Something with a time in front.
trait Timed {
    fn at(&self) -> Timestamp;
}

impl<A> Timed for (Timestamp, A) {
    fn at(&self) -> Timestamp {
        self.0
    }
}

impl<A, B> Timed for (Timestamp, A, B) {
    fn at(&self) -> Timestamp {
        self.0
    }
}
