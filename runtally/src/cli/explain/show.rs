//! The explanation for people and for programs.

use super::explained::Explained;
use crate::cli::operator::{shown, table};
use crate::result::Fault;
use crate::view::text_of;
use serde_json::{Value, json};
use shared::core::tokens::NanoUsd;
use shared::fold::KindSummary;
use shared::schema::run_record;
use std::io::Write;

/// One JSON object with the newest `limit` events.
pub(super) fn as_json(explained: &Explained, limit: usize) -> Value {
    let Explained { summary, events, comparison, .. } = explained;
    let records = &comparison.records;
    let left_out = events.len().saturating_sub(limit);
    let shown: Vec<Value> = events
        .iter()
        .skip(left_out)
        .map(|event| json!({"at": event.at, "says": text_of(&event.fact), "fact": event.fact}))
        .collect();
    let found = |field: &str| records.first().and_then(|row| row.fields.get(field));
    let differences: Vec<Value> = comparison
        .differences
        .iter()
        .map(|field| {
            json!({"field": field, "expected": comparison.expected.get(*field),
                "found": found(field)})
        })
        .collect();
    json!({
        "run": summary.run,
        "events": shown,
        "events_left_out": left_out,
        "events_unreadable": explained.unreadable,
        "events_on_record": explained.shown,
        "fold": {
            "missing": summary.missing,
            "imbalances": summary.imbalances,
            "posts": kind(&summary.posts),
            "profiles": kind(&summary.profiles),
            "cost_usd": {
                "ai": summary.ai_cost.as_usd(),
                "apify": summary.harvest_cost.map(NanoUsd::as_usd),
            },
            "record": comparison.expected,
        },
        "record": records.first().map(|row| json!({"id": row.id, "fields": row.fields})),
        "duplicates": records.iter().skip(1).map(|row| &row.id).collect::<Vec<_>>(),
        "differences": differences,
    })
}

fn kind(kind: &KindSummary) -> Value {
    let leads = &kind.leads;
    json!({
        "leads": {"planned": leads.planned, "scored": leads.scored, "skipped": leads.skipped,
            "failed": leads.failed, "open": leads.open},
        "examined": kind.examined,
        "scored": kind.scored,
        "tokens": kind.tokens,
        "unobserved": kind.unobserved,
        "usd_per_scored_lead": kind.cost_per_lead().map(|cost| cost.per_lead.as_usd()),
    })
}

/// Prints the newest `limit` events and the record.
pub(super) fn print(explained: &Explained, limit: usize) -> Result<(), Fault> {
    let Explained { summary, events, comparison, .. } = explained;
    let records = &comparison.records;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Run {}\n\nEvents, in UTC", summary.run)?;
    let left_out = events.len().saturating_sub(limit);
    if left_out > 0 {
        writeln!(out, "… {left_out} earlier events; --events shows more")?;
    }
    for event in &events[left_out..] {
        let at = event.at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        writeln!(out, "{at}  {:<13} {}", event.fact.name(), text_of(&event.fact))?;
    }
    if explained.unreadable > 0 {
        writeln!(out, "{} events were written by another release", explained.unreadable)?;
    }
    writeln!(out, "\nWhat they add up to, and the record as it is")?;
    let mut rows = table();
    rows.set_header(["field", "by the events", "on the record", ""]);
    let record = records.first().map(|row| &row.fields);
    for field in &run_record::FIELDS {
        let Some(expected) = comparison.expected.get(field.name) else { continue };
        let found = record.and_then(|cells| cells.get(field.name)).unwrap_or(&Value::Null);
        let differs = comparison.differences.contains(&field.name);
        let mark = if record.is_none() || differs { "≠" } else { "" };
        rows.add_row([field.name, &shown(expected), &shown(found), mark]);
    }
    writeln!(out, "{rows}")?;
    for (scoring, kind) in [("posts", &summary.posts), ("profiles", &summary.profiles)] {
        if let Some(cost) = kind.cost_per_lead() {
            writeln!(out, "{scoring}: {cost}")?;
        }
    }
    for missing in &summary.missing {
        writeln!(out, "missing: {missing}")?;
    }
    writeln!(out, "{}", verdict(explained))?;
    Ok(())
}

fn verdict(explained: &Explained) -> String {
    let events = explained.events.len() + explained.unreadable;
    let behind = events.saturating_sub(explained.shown);
    explained.comparison.verdict(&explained.summary.run, behind)
}
