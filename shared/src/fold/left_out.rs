//! Harvested posts that do not fit in their leads' cells.

use super::state::RunState;
use super::summary::Summary;
use crate::core::ids::{LeadKey, PlanId, PostKey};
use crate::messages::{Kind, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// How many of the leads are listed.
const NAMED: usize = 3;

impl RunState {
    /// Counts the harvested posts that are in no row. These items did not become a lead's post.
    pub(super) fn count_left_out(&self, summary: &mut Summary) {
        let plans = self.reports().filter_map(|(_, harvested)| harvested.plan.as_ref());
        for (lead, count) in plans.flat_map(|plan| self.left_out_of(plan)) {
            let known = self.leads.get(&(Kind::Post, lead.clone()));
            let outcome = known.and_then(|lead| lead.verdict.as_ref()).map(|known| &known.outcome);
            if outcome == Some(&Outcome::NotALead) {
                continue;
            }
            summary.posts_left_out += count;
            let row = known.and_then(|lead| lead.record.as_ref()).map(ToString::to_string);
            let profile = known.and_then(|lead| lead.profile.as_ref()).map(ToString::to_string);
            let name = row.or(profile).filter(|_| summary.first_left_out.len() < NAMED);
            summary.first_left_out.extend(name);
        }
        summary.account.items_not_used += summary.posts_left_out;
    }

    /// How many posts of each lead were left out of a plan, by the plan itself or by plans that
    /// took over its leads. A post that one of the plans stored after all is not counted.
    fn left_out_of(&self, plan: &PlanId) -> BTreeMap<&LeadKey, u64> {
        let replacing =
            self.plans.iter().filter(|(_, other)| other.replaces.as_ref() == Some(plan));
        let mut keys: BTreeMap<&LeadKey, BTreeSet<&PostKey>> = BTreeMap::new();
        for id in std::iter::once(plan).chain(replacing.map(|(id, _)| id)) {
            let of_plan = self.chunks.range((id.clone(), 0)..=(id.clone(), u32::MAX));
            for (lead, posts) in of_plan.flat_map(|(_, chunk)| &chunk.left_out) {
                keys.entry(lead).or_default().extend(posts);
            }
        }
        let is_stored = |lead: &LeadKey, post: &PostKey| {
            let known = self.leads.get(&(Kind::Post, lead.clone()));
            known.is_some_and(|lead| lead.examined.contains(post))
        };
        let mut counts: BTreeMap<&LeadKey, u64> = BTreeMap::new();
        for (lead, posts) in keys {
            let left_out = posts.into_iter().filter(|post| !is_stored(lead, post)).count();
            counts.insert(lead, left_out as u64);
        }
        let planned = self.chunks.range((plan.clone(), 0)..=(plan.clone(), u32::MAX));
        let contents = planned.filter_map(|(_, chunk)| chunk.content.as_ref());
        for (lead, count) in contents.flat_map(|content| &content.left_out) {
            *counts.entry(lead).or_default() += u64::from(*count);
        }
        counts.retain(|_, count| *count > 0);
        counts
    }
}
