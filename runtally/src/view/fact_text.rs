//! Describes an event in one line for people.

use shared::core::counted::{counted, grouped};
use shared::messages::{
    AttemptRef, BilledCall, CallOutcome, Fact, Halt, LeadOutcome, OpenedBy, Outcome,
};

pub(crate) fn text_of(fact: &Fact) -> String {
    match fact {
        Fact::Opened(opened) => match &opened.by {
            OpenedBy::Webhook(run) => format!("by the webhook of Apify run {run}"),
            OpenedBy::ScoreWaiting { kind, .. } => {
                format!("to score waiting {}s", kind.as_str())
            }
        },
        Fact::Harvested(harvest) => {
            let cost = harvest.cost.map_or("cost unknown".to_owned(), |cost| cost.to_string());
            format!(
                "{} of {}, Apify run {}, {cost}",
                counted(harvest.posts, "post"),
                counted(harvest.targets, "profile"),
                harvest.apify_run
            )
        }
        Fact::CostElsewhere(elsewhere) => {
            format!("the cost of Apify run {} is on run {}", elsewhere.apify_run, elsewhere.run)
        }
        Fact::Planned(planned) => {
            let kind = planned.kind.as_str();
            format!("{} of {kind}s, plan {}", counted(planned.chunks, "chunk"), planned.plan)
        }
        Fact::PlannedChunk(chunk) => {
            let leads = counted(chunk.leads.len() as u64, "lead");
            format!("chunk {} has {leads}", chunk.chunk + 1)
        }
        Fact::Announced(announced) => format!(
            "{} about {}s, wave {} of {}",
            counted(announced.calls, "call"),
            announced.kind.as_str(),
            announced.wave + 1,
            attempt_text(&announced.attempt)
        ),
        Fact::Billed(billed) => {
            let waits = |halt: &Halt| format!("; waits: {}", halt.detail);
            format!(
                "{}, wave {} of {}{}",
                calls(&billed.calls),
                billed.wave + 1,
                attempt_text(&billed.attempt),
                billed.halt.as_ref().map(waits).unwrap_or_default()
            )
        }
        Fact::Settled(settled) => {
            format!("{}, {}", leads(&settled.leads), attempt_text(&settled.attempt))
        }
        Fact::ChunkDone(done) => attempt_text(&done.attempt),
        Fact::ChunkFailed(failed) => {
            format!(
                "{}: {}: {}",
                attempt_text(&failed.attempt),
                failed.category.as_str(),
                failed.reason
            )
        }
        Fact::RunFailed(failed) => failed.reason.clone(),
        Fact::Noted(note) => note.text.clone(),
    }
}

fn attempt_text(attempt: &AttemptRef) -> String {
    format!(
        "chunk {}, attempt of {}",
        attempt.chunk + 1,
        attempt.started_at.strftime("%H:%M:%S%.3f")
    )
}

fn calls(calls: &[BilledCall]) -> String {
    let (mut answered, mut refused, mut lost, mut tokens) = (0, 0, 0, 0);
    for call in calls {
        match &call.outcome {
            CallOutcome::Answered { usage, .. } => {
                answered += 1;
                tokens += usage.total;
            }
            CallOutcome::Refused => refused += 1,
            CallOutcome::Lost => lost += 1,
        }
    }
    let answered =
        (answered > 0).then(|| format!("{answered} answered with {} tokens", grouped(tokens)));
    let others = present([(refused, "refused"), (lost, "lost")]);
    let told: Vec<String> = answered.into_iter().chain(others).collect();
    told.join(", ")
}

fn leads(leads: &[LeadOutcome]) -> String {
    let count = |is: fn(&Outcome) -> bool| leads.iter().filter(|lead| is(&lead.outcome)).count();
    let told = present([
        (count(|outcome| matches!(outcome, Outcome::Scored)), "scored"),
        (count(|outcome| matches!(outcome, Outcome::Skipped { .. })), "skipped"),
        (count(|outcome| matches!(outcome, Outcome::Failed { .. })), "failed"),
        (count(|outcome| matches!(outcome, Outcome::NotALead)), "not a lead"),
    ]);
    told.join(", ")
}

/// The counts in words, without those that are 0.
fn present<const N: usize>(counts: [(usize, &str); N]) -> Vec<String> {
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {what}")).collect()
}
