//! Which parts of a run a replay repeats.

use super::state::{Content, RunState};
use crate::core::ids::{ApifyRunId, LeadKey, PlanId};
use crate::messages::{Kind, MAX_REPLAY_LEADS, OpenedBy, Outcome, Replay, ReplayLead, ReplayPlan};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl RunState {
    /// What failed or is missing, to be sent to the scoring queue; empty if there is nothing.
    /// Usually one task; several tasks for a run with very many such leads.
    pub fn replays(&self, requested_at: Timestamp) -> Vec<Replay> {
        let replay =
            |unplanned, plans| Replay::new(self.header.clone(), requested_at, unplanned, plans);
        let mut tasks: Vec<Replay> = Vec::new();
        let unplanned: Vec<ApifyRunId> = self.unplanned().into_iter().collect();
        if !unplanned.is_empty() {
            tasks.push(replay(unplanned, Vec::new()));
        }
        for ((plan, kind), leads) in self.unsettled() {
            let harvest = self.reports().find(|(_, report)| report.plan.as_ref() == Some(&plan));
            let harvest = harvest.map(|(_, report)| report.apify_run.clone());
            let leads: Vec<ReplayLead> = leads
                .into_iter()
                .map(|lead| {
                    let known = self.leads.get(&(kind, lead.clone()));
                    ReplayLead { record: known.and_then(|known| known.record.clone()), lead }
                })
                .collect();
            for leads in leads.chunks(MAX_REPLAY_LEADS) {
                let leads = leads.to_vec();
                let part = ReplayPlan { plan: plan.clone(), kind, harvest: harvest.clone(), leads };
                match tasks.last_mut() {
                    Some(task) if task.leads() + part.leads.len() <= MAX_REPLAY_LEADS => {
                        task.plans.push(part);
                    }
                    Some(_) | None => tasks.push(replay(Vec::new(), vec![part])),
                }
            }
        }
        tasks
    }

    /// Harvests that were seen but never led to a plan.
    fn unplanned(&self) -> BTreeSet<ApifyRunId> {
        let opened = self.opened.keys().filter_map(|by| match by {
            OpenedBy::Webhook(run) => Some(run),
            OpenedBy::ScoreWaiting { .. } => None,
        });
        let failed = self.failures.keys().filter_map(|(about, _)| about.as_ref());
        let is_planned = |run: &ApifyRunId| {
            let report = self.harvests.get(run).and_then(|harvest| harvest.report.as_ref());
            report.is_some_and(|report| report.harvested.plan.is_some())
        };
        opened
            .chain(failed)
            .chain(self.harvests.keys())
            .filter(|run| !is_planned(run))
            .cloned()
            .collect()
    }

    /// The leads that failed and all leads of missing chunks, by the plan they were in first. In a
    /// missing chunk every lead counts, because nobody knows which of them its dead attempts worked
    /// on. The content comes from the chunks' own reports: planning may have died before it
    /// reported the plan.
    fn unsettled(&self) -> BTreeMap<(PlanId, Kind), BTreeSet<LeadKey>> {
        let mut unsettled: BTreeMap<(PlanId, Kind), BTreeSet<LeadKey>> = BTreeMap::new();
        let given_up = self.given_up();
        for (key, chunk) in &self.chunks {
            let Some(Content { kind, leads, .. }) = &chunk.content else { continue };
            let is_finished = self.is_finished(key);
            let has_failed = |lead| match self.outcome(*kind, lead) {
                Some(Outcome::Failed { .. }) => true,
                Some(Outcome::Scored | Outcome::Skipped { .. } | Outcome::NotALead) => false,
                None => given_up.contains_key(&(*kind, lead)),
            };
            let again = leads.keys().filter(|lead| !is_finished || has_failed(lead));
            let root = self.plans.get(&key.0).and_then(|plan| plan.replaces.as_ref());
            let root = root.unwrap_or(&key.0).clone();
            unsettled.entry((root, *kind)).or_default().extend(again.cloned());
        }
        unsettled.retain(|_, leads| !leads.is_empty());
        unsettled
    }
}
