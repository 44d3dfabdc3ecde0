//! From a run's state to the numbers on its record.

use super::balance;
use super::state::{LeadState, RunState};
use super::summary::{Account, KindSummary, Milestone, PlanSize, Status, Summary};
use crate::core::ids::{ApifyRunId, LeadKey, PlanId};
use crate::core::tokens::NanoUsd;
use crate::messages::{HarvestStatus, Harvested, Kind, OpenedBy, Outcome};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl RunState {
    /// Computes all numbers from the absorbed events. Reads no clock.
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
            opened: by_time(
                |opened| opened.0,
                self.opened.iter().map(|(by, at)| (*at, by.clone())),
            ),
            harvests: self.harvests_by_time(),
            planned: self.plan_sizes(),
            leads_table: self.plans.values().filter_map(|plan| plan.leads_table.clone()).max(),
            harvest_cost: None,
            harvests_without_cost: Vec::new(),
            costs_elsewhere: self.costs_elsewhere.clone(),
            targets: 0,
            account: Account::default(),
            posts_harvested: 0,
            posts_matched: 0,
            posts_unmatched: 0,
            posts_open: 0,
            posts_left_out: 0,
            first_left_out: Vec::new(),
            posts: KindSummary::default(),
            profiles: KindSummary::default(),
            ai_cost: NanoUsd::default(),
            tokens_by_day: BTreeMap::new(),
            unpriced_models: BTreeSet::new(),
            models: BTreeSet::new(),
            rerouted: BTreeSet::new(),
            tiers: BTreeMap::new(),
            errors: BTreeMap::new(),
            skips: BTreeMap::new(),
            not_leads: 0,
            rows_gone: 0,
            first_not_leads: Vec::new(),
            failures: self.standing_failures(),
            notes: by_time(|note| note.0, self.notes.iter().map(|(note, at)| (*at, note.clone()))),
            milestones: self.milestones(),
            awaits_outcomes: self.awaits_outcomes(missing.len()),
            missing,
            wait: None,
            outages: self.outages(),
            halt: None,
            imbalances: Vec::new(),
        };
        self.count_leads(&mut summary);
        self.count_harvests(&mut summary);
        self.count_left_out(&mut summary);
        self.count_calls(&mut summary, stalled);
        summary.status = self.status(&summary, stalled);
        summary.ended_at = summary.status.is_end().then(|| self.end()).flatten();
        summary.halt = self.halt().filter(|_| !summary.status.is_end());
        summary.wait = self.wait(stalled).filter(|_| !summary.status.is_end());
        summary.imbalances = balance::imbalances(&summary);
        summary
    }

    /// The harvests with their latest cost, ordered by report time.
    fn harvests_by_time(&self) -> Vec<(Timestamp, Harvested)> {
        let harvests = self.reports().map(|(at, harvested)| {
            let cost = self.harvests.get(&harvested.apify_run).and_then(|known| known.cost);
            (at, Harvested { cost: cost.map(|(_, cost)| cost), ..harvested.clone() })
        });
        by_time(|harvest| harvest.0, harvests)
    }

    /// Failures that still count. If a harvest could not be planned, its webhook can be sent again
    /// and the harvest planned. Once it is planned, a delivery that fails changes nothing.
    fn standing_failures(&self) -> Vec<(Timestamp, Option<ApifyRunId>, String)> {
        let is_put_right = |about: &Option<ApifyRunId>| {
            let harvest = about.as_ref().and_then(|run| self.harvests.get(run)?.report.as_ref());
            harvest.is_some_and(|report| report.harvested.plan.is_some())
        };
        by_time(
            |failure| failure.0,
            self.failures
                .iter()
                .filter(|((about, _), _)| !is_put_right(about))
                .map(|((about, reason), at)| (*at, about.clone(), reason.clone())),
        )
    }

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
        // Planning died before it reported a plan for these chunks, and started again.
        let untold = self.chunks.iter().filter(|(key, chunk)| {
            chunk.content.is_some() && !self.plans.contains_key(&key.0) && !self.is_finished(key)
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

    /// Whether only the outcomes of leads whose chunks are done are missing.
    fn awaits_outcomes(&self, missing: usize) -> bool {
        let awaiting = self.chunks.iter().filter(|(key, chunk)| {
            chunk.content.is_some() && chunk.is_over() && !self.is_finished(key)
        });
        missing > 0 && awaiting.count() == missing
    }

    fn planned_by_harvests(&self) -> impl Iterator<Item = &PlanId> {
        self.reports().filter_map(|(_, harvested)| harvested.plan.as_ref())
    }

    /// How many leads each plan has. Waiting leads count as one plan, even if they were planned in
    /// several parts.
    fn plan_sizes(&self) -> Vec<PlanSize> {
        let is_no_lead = |lead: &LeadState| {
            lead.verdict.as_ref().is_some_and(|verdict| verdict.outcome == Outcome::NotALead)
        };
        let not_leads = self.leads.iter().filter(|(_, lead)| is_no_lead(lead));
        let not_leads: BTreeSet<(Kind, &LeadKey)> =
            not_leads.map(|((kind, key), _)| (*kind, key)).collect();
        let mut plans: BTreeMap<&PlanId, (PlanSize, Vec<&LeadKey>)> = BTreeMap::new();
        for (id, plan) in &self.plans {
            let whole = plan.part_of.as_ref().unwrap_or(id);
            let is_replay = plan.replaces.is_some();
            let size = PlanSize { at: plan.at, kind: plan.kind, leads: 0, is_replay };
            let (known, leads) = plans.entry(whole).or_insert((size, Vec::new()));
            known.at = known.at.max(plan.at);
            let chunks = self.chunks.range((id.clone(), 0)..=(id.clone(), u32::MAX));
            let of_chunks = chunks.flat_map(|(_, chunk)| chunk.leads().map(|(lead, _)| lead));
            leads.extend(of_chunks.filter(|lead| !not_leads.contains(&(plan.kind, *lead))));
        }
        let sizes = plans.into_values().map(|(size, mut leads)| {
            leads.sort_unstable();
            leads.dedup();
            PlanSize { leads: leads.len(), ..size }
        });
        by_time(|size| size.at, sizes)
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
        let harvest_failed =
            summary.harvests.iter().any(|(_, harvest)| harvest.status != HarvestStatus::Succeeded);
        let something_failed = harvest_failed || !summary.failures.is_empty();
        let kinds = [&summary.posts, &summary.profiles];
        let is_asked = kinds.iter().any(|kind| kind.examined > 0 || kind.refused > 0);
        let is_scored = kinds.iter().any(|kind| kind.leads.scored > 0);
        let is_skipped = kinds.iter().any(|kind| kind.leads.skipped > 0);
        // If leads failed before any model call was made, skipped leads count as a success.
        let all_failed = !is_scored && (is_asked || !is_skipped) && !summary.errors.is_empty();
        if all_failed || (something_failed && !any_planned) {
            Status::Failed
        } else if something_failed || !summary.errors.is_empty() || summary.account.has_gaps() {
            Status::CompletedWithErrors
        } else {
            Status::Completed
        }
    }

    /// When the last part of the work was done.
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

fn by_time<T>(at: impl Fn(&T) -> Timestamp, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_by_key(at);
    items
}
