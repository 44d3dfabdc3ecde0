//! The demo's answer for people and for programs.

use super::proof::{Check, Comparison, Proof};
use crate::cli::operator::{shown, table};
use comfy_table::Table;
use serde_json::{Map, Value, json};
use shared::schema::run_record;
use simulators::RequestCount;
use std::io::{Result, Write};

pub(super) fn tables(proof: &Proof, comparison: Option<&Comparison>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for record in &proof.records {
        writeln!(out, "Run record, as it is in Airtable\n{}\n", record_table(record))?;
    }
    writeln!(out, "Proof: what the services saw against what the records say")?;
    writeln!(out, "{}\n", proof_table(&proof.checks))?;
    writeln!(
        out,
        "{} leads in {:.1} s; {} requests to Airtable, {:.2} per lead",
        proof.leads,
        proof.elapsed.as_secs_f64(),
        proof.airtable_requests(),
        per_lead(proof),
    )?;
    if let Some(Comparison { several, one, .. }) = comparison {
        writeln!(
            out,
            "${several:.6} per post-scored lead, ${one:.6} with one lead in each call: {:.0} %",
            several / one * 100.0
        )?;
    }
    let verdict = if proof.holds() { "The proof holds." } else { "THE PROOF DOES NOT HOLD." };
    writeln!(out, "{verdict}")
}

pub(super) fn json(proof: &Proof, comparison: Option<&Comparison>) -> Result<()> {
    let requests: Map<String, Value> = proof
        .requests
        .iter()
        .map(|(service, counts)| ((*service).to_owned(), by_kind(counts)))
        .collect();
    let checks: Vec<Value> = proof
        .checks
        .iter()
        .map(|check| {
            json!({"what": check.what, "expected": check.expected, "found": check.found,
                "holds": check.holds()})
        })
        .collect();
    let mut answer = json!({
        "records": proof.records,
        "billed_tokens": proof.billed_tokens,
        "recorded_tokens": proof.recorded_tokens,
        "airtable_requests": proof.airtable_requests(),
        "airtable_429": proof.airtable_429(),
        "requests": requests,
        "leads": proof.leads,
        "elapsed_ms": u64::try_from(proof.elapsed.as_millis()).unwrap_or(u64::MAX),
        "balanced": proof.balanced(),
        "checks": checks,
        "holds": proof.holds(),
    });
    if let Some(Comparison { several, one, holds }) = comparison {
        answer["comparison"] = json!({"usd_per_scored_lead": several,
            "usd_per_scored_lead_one_per_call": one, "ratio": several / one, "holds": holds});
    }
    writeln!(std::io::stdout().lock(), "{answer:#}")
}

fn by_kind(counts: &[RequestCount]) -> Value {
    let mut kinds: Map<String, Value> = Map::new();
    for count in counts {
        let known = kinds.get(count.kind).and_then(Value::as_u64).unwrap_or(0);
        kinds.insert(count.kind.to_owned(), json!(known + count.count));
    }
    Value::Object(kinds)
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests and leads are small")]
fn per_lead(proof: &Proof) -> f64 {
    proof.airtable_requests() as f64 / proof.leads.max(1) as f64
}

/// The filled fields in the order of the schema.
fn record_table(record: &Map<String, Value>) -> Table {
    let mut table = table();
    for field in &run_record::FIELDS {
        let text = record.get(field.name).map(shown).unwrap_or_default();
        if !text.is_empty() {
            table.add_row([field.name, &text]);
        }
    }
    table
}

fn proof_table(checks: &[Check]) -> Table {
    let mut table = table();
    table.set_header(["must be equal", "seen or necessary", "recorded", ""]);
    for check in checks {
        let mark = if check.holds() { "✓" } else { "✗" };
        table.add_row([&check.what, &check.expected, &check.found, mark]);
    }
    table
}
