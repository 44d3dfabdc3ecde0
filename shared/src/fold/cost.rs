//! What scoring a lead costs.

use super::summary::KindSummary;
use crate::core::tokens::NanoUsd;
use std::fmt;

/// What one kind of scoring cost, in total and per scored lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadCost {
    /// The cost of all answers, including those about leads that could not be scored.
    pub total: NanoUsd,
    /// Leads with a score from the run.
    pub leads: u64,
    /// The total divided by these leads, rounded to a billionth of a dollar.
    pub per_lead: NanoUsd,
    /// Whether the real cost is higher than known: usage or a price is missing.
    pub is_at_least: bool,
}

impl KindSummary {
    /// The cost per scored lead; `None` while no lead is scored.
    pub fn cost_per_lead(&self) -> Option<LeadCost> {
        let (total, leads) = (self.cost, self.leads.scored);
        let per_lead = NanoUsd((total.0 + leads / 2).checked_div(leads)?);
        let is_at_least = self.cost_is_at_least();
        Some(LeadCost { total, leads, per_lead, is_at_least })
    }

    /// Whether its real cost is higher than known.
    pub(crate) fn cost_is_at_least(&self) -> bool {
        self.unpriced > 0 || self.unobserved > 0 || self.unclear > 0
    }
}

impl fmt::Display for LeadCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_least = if self.is_at_least { "at least " } else { "" };
        let Self { total, leads, per_lead, .. } = self;
        write!(f, "{at_least}{per_lead} a scored lead ({total} over {leads})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::LeadCounts;

    fn kind(cost: u64, scored: u64) -> KindSummary {
        let leads = LeadCounts { scored, ..LeadCounts::default() };
        KindSummary { cost: NanoUsd(cost), leads, ..KindSummary::default() }
    }

    #[test]
    fn all_that_was_spent_is_shared_by_the_leads_that_have_a_score() {
        let cost = kind(2_000_000, 3).cost_per_lead().unwrap();
        assert_eq!(cost.per_lead, NanoUsd(666_667));
        assert_eq!(cost.to_string(), "$0.000667 a scored lead ($0.002000 over 3)");
        assert_eq!(kind(10, 4).cost_per_lead().unwrap().per_lead, NanoUsd(3), "rounded half up");
        assert_eq!(kind(2_000_000, 0).cost_per_lead(), None);
    }

    #[test]
    fn what_is_not_known_of_the_cost_makes_it_at_least_that() {
        for odd in [
            KindSummary { unpriced: 1, ..kind(1_000, 1) },
            KindSummary { unobserved: 1, ..kind(1_000, 1) },
            KindSummary { unclear: 1, ..kind(1_000, 1) },
        ] {
            let cost = odd.cost_per_lead().unwrap();
            assert_eq!(cost.to_string(), "at least $0.000001 a scored lead ($0.000001 over 1)");
        }
    }
}
