//! `runtally explain`: a run's events in order, what they add up to, the record as it is, and
//! every difference between the two.

mod words;

use super::operator::{Operator, Place, events_of, print_json, table};
use super::{CommandResult, Fault};
use serde_json::{Map, Value, json};
use shared::core::ids::RunId;
use shared::core::tokens::NanoUsd;
use shared::fold::{KindSummary, RunState, Summary};
use shared::messages::MetricsEvent;
use shared::run_records::{cells, differences, unwritable};
use shared::schema::run_record;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{ListQuery, Record};
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally explain`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The run, such as 251014-153000-Guy-Wilson
    run: RunId,
    #[command(flatten)]
    place: Place,
    /// Show at most so many events, the newest
    #[arg(long, default_value_t = 200)]
    events: usize,
}

type Row = Record<Map<String, Value>>;

/// What is known of a run from both sides.
struct Explained {
    summary: Summary,
    events: Vec<MetricsEvent>,
    /// Events of the log that this release cannot read.
    unreadable: usize,
    /// Events that the record was last written with.
    shown: usize,
    expected: Map<String, Value>,
    /// The rows with the run's identity; there should be one.
    records: Vec<Row>,
    /// Fields whose cell on the record is not the expected one.
    differences: Vec<&'static str>,
}

/// Explains a run. Succeeds if its record says what its events say.
///
/// # Errors
/// When the log or the table of run records cannot be read, or the log does not know the run.
pub async fn run(options: &Options) -> CommandResult {
    let operator = Operator::open(&options.place)?;
    let explained = explain(&operator, &options.run).await?;
    if options.place.json {
        print_json(&as_json(&explained, options.events))?;
    } else {
        print(&explained, options.events)?;
    }
    let is_right = explained.records.len() == 1 && explained.differences.is_empty();
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn explain(operator: &Operator, run: &RunId) -> Result<Explained, Fault> {
    let log = operator.log_of(run).await?;
    let (events, unreadable) = events_of(&log);
    let state = RunState::fold(&events).ok_or("no event of the run can be read by this release")?;
    let summary = state.summary();

    let tables = operator.airtable.tables(&operator.master).await?;
    let records_table = tables.iter().find(|table| table.name == run_record::TABLE);
    let left_out = records_table.map(unwritable).unwrap_or_default();
    let left_out: Vec<(&str, &str)> =
        left_out.iter().map(|(name, why)| (*name, why.as_str())).collect();
    let expected = cells(&summary, &left_out);
    let query = ListQuery {
        fields: &[],
        formula: Some(Formula::all([
            Formula::equals(run_record::RUN_ID, run.as_str()),
            Formula::equals(run_record::CLIENT_ID, run.client().as_str()),
        ])),
    };
    let mut records: Vec<Row> =
        operator.airtable.list(&operator.master, run_record::TABLE, &query).await?;
    records.sort_by(|a, b| (a.created_time, &a.id).cmp(&(b.created_time, &b.id)));
    let differences =
        records.first().map(|record| differences(&expected, &record.fields)).unwrap_or_default();
    let shown = log.projection.map_or(0, |projection| projection.events);
    Ok(Explained { summary, events, unreadable, shown, expected, records, differences })
}

fn as_json(explained: &Explained, limit: usize) -> Value {
    let Explained { summary, events, records, .. } = explained;
    let left_out = events.len().saturating_sub(limit);
    let shown: Vec<Value> = events
        .iter()
        .skip(left_out)
        .map(|event| json!({"at": event.at, "says": words::of(&event.fact), "fact": event.fact}))
        .collect();
    let found = |field: &str| records.first().and_then(|row| row.fields.get(field));
    let differences: Vec<Value> = explained
        .differences
        .iter()
        .map(|field| {
            json!({"field": field, "expected": explained.expected.get(*field),
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
            "record": explained.expected,
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

fn print(explained: &Explained, limit: usize) -> Result<(), Fault> {
    let Explained { summary, events, records, .. } = explained;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Run {}\n\nEvents, in UTC", summary.run)?;
    let left_out = events.len().saturating_sub(limit);
    if left_out > 0 {
        writeln!(out, "… {left_out} earlier events; --events shows more")?;
    }
    for event in &events[left_out..] {
        let at = event.at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        writeln!(out, "{at}  {:<13} {}", event.fact.name(), words::of(&event.fact))?;
    }
    if explained.unreadable > 0 {
        writeln!(out, "{} events were written by another release", explained.unreadable)?;
    }
    writeln!(out, "\nWhat they add up to, and the record as it is")?;
    let mut rows = table();
    rows.set_header(["field", "by the events", "on the record", ""]);
    let record = records.first().map(|row| &row.fields);
    for field in &run_record::FIELDS {
        let Some(expected) = explained.expected.get(field.name) else { continue };
        let found = record.and_then(|cells| cells.get(field.name)).unwrap_or(&Value::Null);
        let differs = explained.differences.contains(&field.name);
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
        writeln!(out, "still to be done: {missing}")?;
    }
    writeln!(out, "{}", verdict(explained))?;
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn verdict(explained: &Explained) -> String {
    let events = explained.events.len() + explained.unreadable;
    let behind = events.saturating_sub(explained.shown);
    match (explained.records.as_slice(), explained.differences.len()) {
        ([], _) => "There is no record; the next event or tick writes it.".to_owned(),
        ([_], 0) => "The record says what the events say.".to_owned(),
        ([_], count) if behind > 0 => format!(
            "{count} fields differ: the record does not show the last {behind} events yet; the \
             next tick writes them."
        ),
        ([_], count) => format!(
            "{count} fields differ: somebody changed the record, or it could not be written; \
             `runtally reproject {}` writes it anew.",
            explained.summary.run
        ),
        (records, _) => format!(
            "There are {} records of this run; the next writing keeps the oldest and marks the others.",
            records.len()
        ),
    }
}
