//! Notes about rows and leads that a plan leaves out, or has less information about.

use super::scan::NamedLeads;
use shared::core::counted::counted;
use shared::core::ids::ApifyRunId;
use shared::messages::{Kind, MAX_PLAN_LEADS, ScoreWaiting};
use std::collections::BTreeSet;

/// A note about rows that cannot be read.
pub(super) fn unreadable(rows: &[String]) -> Option<String> {
    let first = rows.first()?;
    let count = counted(rows.len(), "row");
    Some(format!(
        "the plan leaves out {count} of the leads that cannot be read; the first: {first}"
    ))
}

/// Notes about leads that were requested but not planned: how many, why, and the first ids.
pub(super) fn omissions(
    task: &ScoreWaiting,
    unplanned: &NamedLeads,
    planned: usize,
    is_cut: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if is_cut && task.limit.is_none() {
        notes.push(format!("more than {MAX_PLAN_LEADS} leads wait: the rest is for another run"));
    }
    let named = task.lead_ids.iter().collect::<BTreeSet<_>>().len();
    let NamedLeads { unknown, not_waiting } = unplanned;
    let wait = format!("wait for {} scoring", task.kind.as_str());
    for (leads, one, more, what) in [
        (unknown, "is", "are", "in no row of the base"),
        (not_waiting, "does not", "do not", &*wait),
    ] {
        if !leads.is_none() {
            let (count, ids) = (leads.count, leads.named());
            let why = format!("{} {what}", if count == 1 { one } else { more });
            notes.push(format!("{} {why}: {ids}", of_the_named(count, named)));
        }
    }
    let left = named.saturating_sub(planned + unknown.count + not_waiting.count);
    if is_cut && left > 0 {
        notes.push(format!(
            "{} {} not looked at: the limit is {}",
            of_the_named(left, named),
            if left == 1 { "was" } else { "were" },
            counted(planned, "lead")
        ));
    }
    notes
}

fn of_the_named(count: usize, named: usize) -> String {
    if named == 1 {
        "the lead named".to_owned()
    } else {
        format!("{count} of the {named} leads named")
    }
}

/// A note about a harvest that is gone. Harvested posts that are not in the rows are lost.
pub(super) fn scored_from_rows(apify_run: &ApifyRunId, leads: usize) -> String {
    let leads = counted(leads, "lead");
    format!(
        "Apify no longer has the harvest {apify_run}: what is queued again of it, {leads}, is \
         scored from the rows; harvest again what Posts Content lacks"
    )
}

/// A note about leads that have neither a harvest nor a known row.
pub(super) fn cannot_be_queued(leads: usize, kind: Kind) -> String {
    let why = match kind {
        Kind::Post => "Apify has deleted the harvest and no row was ever found; harvest again",
        Kind::Profile => {
            "no row was ever found; set the Scoring Status to \"To Be Scored\" and score \
             what is waiting"
        }
    };
    format!("{} cannot be queued again: {why}", counted(leads, "lead"))
}
