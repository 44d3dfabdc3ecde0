//! Shows the explanation to people and to programs.

use super::explained::Explained;
use crate::cli::operator::shown;
use crate::cli::output::{Cell, Listing, Paint, Tone, fitted, whole};
use crate::result::Fault;
use crate::view::text_of;
use serde_json::{Value, json};
use shared::core::counted::counted;
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
        .map(|event| json!({"at": event.at, "message": text_of(&event.fact), "fact": event.fact}))
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
    let mut answer = json!({
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
    });
    if let Some(reason) = &explained.without_airtable {
        answer["without_airtable"] = json!(reason);
    }
    answer
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
    let Explained { summary, events, .. } = explained;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Run {}\n\nEvents, in UTC", summary.run)?;
    let left_out = events.len().saturating_sub(limit);
    if left_out > 0 {
        writeln!(out, "… {left_out} earlier events; --events shows more")?;
    }
    for event in &events[left_out..] {
        let at = event.at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        let line = format!("{at}  {:<13} {}", event.fact.name(), text_of(&event.fact));
        writeln!(out, "{}", fitted(&line, 4))?;
    }
    if explained.unreadable > 0 {
        writeln!(
            out,
            "{} of another release cannot be read",
            counted(explained.unreadable as u64, "event")
        )?;
    }
    write!(out, "\nWhat they add up to, and the record as it is\n{}", table(explained))?;
    for (scoring, kind) in [("posts", &summary.posts), ("profiles", &summary.profiles)] {
        if let Some(cost) = kind.cost_per_lead() {
            writeln!(out, "{}", fitted(&format!("{scoring}: {cost}"), 2))?;
        }
    }
    for missing in &summary.missing {
        writeln!(out, "{}", fitted(&format!("missing: {missing}"), 2))?;
    }
    let tone = if explained.is_right() { Tone::Good } else { Tone::Bad };
    writeln!(out, "{}", Paint::of_stdout().put(tone, &fitted(&verdict(explained), 0)))?;
    Ok(())
}

/// Each cell according to the events, and the record's cell if it differs.
fn table(explained: &Explained) -> Listing {
    let comparison = &explained.comparison;
    let mut rows = Listing::new(["field", "by the events", "record"]);
    let record = comparison.records.first().map(|row| &row.fields);
    for field in &run_record::FIELDS {
        let Some(expected) = comparison.expected.get(field.name) else { continue };
        let found = record.and_then(|cells| cells.get(field.name)).unwrap_or(&Value::Null);
        let on_record = match record {
            None if explained.without_airtable.is_some() => "not looked at".into(),
            None => Cell::toned("≠ there is no record", Some(Tone::Bad)),
            Some(_) if comparison.differences.contains(&field.name) => {
                Cell::toned(format!("≠ {}", shown(found)), Some(Tone::Bad))
            }
            Some(_) => Cell::toned("=", Some(Tone::Quiet)),
        };
        let is_id = [run_record::RUN_ID, run_record::CLIENT_ID].contains(&field.name);
        let expected = shown(expected);
        let expected = if is_id { Cell::id(&expected) } else { expected.into() };
        rows.add([field.name.into(), expected, on_record]);
    }
    rows
}

fn verdict(explained: &Explained) -> String {
    match &explained.without_airtable {
        Some(reason) => format!(
            "Without Airtable ({reason}): what the record shows, and whether it differs, is left out."
        ),
        None => {
            let run = &explained.summary.run;
            explained
                .comparison
                .verdict(run, explained.behind())
                .replace(run.as_str(), &whole(run.as_str()))
        }
    }
}
