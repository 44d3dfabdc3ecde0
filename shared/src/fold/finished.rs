//! What is finished in a run: chunks, leads and harvests, and what later plans took over.

use super::state::{Chunk, ChunkKey, Content, PlanState, RunState};
use crate::core::ids::{LeadKey, PlanId};
use crate::messages::{ErrorCategory, Harvested, Kind, Outcome};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl RunState {
    /// The report of each harvest that counts.
    pub(super) fn reports(&self) -> impl Iterator<Item = (Timestamp, &Harvested)> {
        let reports = self.harvests.values().filter_map(|harvest| harvest.report.as_ref());
        reports.map(|report| (report.at, &report.harvested))
    }

    pub(super) fn is_finished(&self, key: &ChunkKey) -> bool {
        self.chunks.get(key).is_some_and(|chunk| self.is_settled(chunk)) || self.is_taken_over(key)
    }

    /// The chunks that still have to end before the run can end. Empty if a plan in the run takes
    /// over another plan's leads: then an event of any plan can end a chunk.
    pub fn open_chunks(&self) -> BTreeSet<(PlanId, u32)> {
        if self.plans.values().any(|plan| plan.replaces.is_some()) {
            return BTreeSet::new();
        }
        let planned = self
            .plans
            .iter()
            .flat_map(|(id, plan)| (0..plan.chunks).map(move |index| (id.clone(), index)));
        planned.filter(|key| !self.chunks.get(key).is_some_and(Chunk::is_over)).collect()
    }

    /// Whether a chunk failed, or is done and all its leads have outcomes. The event with an
    /// outcome may be a dead letter although the chunk's end arrived.
    fn is_settled(&self, chunk: &Chunk) -> bool {
        let Some(Content { kind, leads, .. }) = &chunk.content else { return false };
        let is_known = |lead| self.outcome(*kind, lead).is_some();
        chunk.failed.is_some() || (chunk.done_at.is_some() && leads.keys().all(is_known))
    }

    pub(super) fn outcome(&self, kind: Kind, lead: &LeadKey) -> Option<&Outcome> {
        let known = self.leads.get(&(kind, lead.clone()))?;
        known.verdict.as_ref().map(|verdict| &verdict.outcome)
    }

    /// Whether later plans took over every lead of a chunk. The chunk then does not have to end.
    pub(super) fn is_taken_over(&self, (plan_id, index): &ChunkKey) -> bool {
        let plan = self.plans.get(plan_id);
        let root = plan.and_then(|plan| plan.replaces.as_ref()).unwrap_or(plan_id);
        let is_later = |id: &PlanId, other: &PlanState| {
            other.replaces.as_ref() == Some(root)
                && plan.is_none_or(|plan| (other.at, id) > (plan.at, plan_id))
        };
        let mut later = self.plans.iter().filter(|(id, other)| is_later(id, other)).peekable();
        if later.peek().is_none() {
            return false;
        }
        let chunk = self.chunks.get(&(plan_id.clone(), *index));
        let Some(content) = chunk.and_then(|chunk| chunk.content.as_ref()) else { return false };
        let taken: BTreeSet<&LeadKey> = later
            .flat_map(|(id, _)| self.chunks.range((id.clone(), 0)..=(id.clone(), u32::MAX)))
            .flat_map(|(_, chunk)| chunk.leads().map(|(lead, _)| lead))
            .collect();
        content.leads.keys().all(|lead| taken.contains(lead))
    }

    /// The leads that no chunk can settle any more because all their chunks failed, with the
    /// reason. A chunk does not count if later plans took it over and some of its outcomes are
    /// unknown.
    pub(super) fn given_up(&self) -> BTreeMap<(Kind, &LeadKey), (ErrorCategory, &str)> {
        if self.chunks.values().all(|chunk| chunk.failed.is_none()) {
            return BTreeMap::new();
        }
        let mut failures: BTreeMap<_, Option<&(Timestamp, ErrorCategory, String)>> =
            BTreeMap::new();
        for (key, chunk) in &self.chunks {
            let Some(content) = &chunk.content else { continue };
            if !self.is_settled(chunk) && self.is_taken_over(key) {
                continue;
            }
            let failure = chunk.failed.as_ref();
            for lead in content.leads.keys() {
                failures
                    .entry((content.kind, lead))
                    .and_modify(|known| *known = known.zip(failure).map(|(a, b)| a.max(b)))
                    .or_insert(failure);
            }
        }
        let failed = failures.into_iter().filter_map(|(lead, failure)| Some((lead, failure?)));
        failed.map(|(lead, (_, category, reason))| (lead, (*category, reason.as_str()))).collect()
    }
}

impl Chunk {
    /// Its leads and the number of their posts, if its content is known.
    pub(super) fn leads(&self) -> impl Iterator<Item = (&LeadKey, u32)> {
        let leads = self.content.iter().flat_map(|content| &content.leads);
        leads.map(|(lead, posts)| (lead, *posts))
    }

    pub(super) fn is_over(&self) -> bool {
        self.done_at.is_some() || self.failed.is_some()
    }
}
