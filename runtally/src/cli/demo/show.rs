//! The demo's answer for people and for programs.

use super::options::Options;
use super::proof::{Check, Comparison, Proof};
use crate::cli::operator::{shown, table};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::{Map, Value, json};
use shared::core::counted::{counted, grouped};
use shared::schema::run_record;
use simulators::RequestCount;
use std::io::{Result, Write};

/// More runs than this are not listed one by one.
const MOST_LISTED: usize = 8;
/// So many runs with a problem are listed then, and so many checks that fail.
const MOST_PROBLEMS: usize = 5;

/// First the verdict, then a line for each run, then the proof.
pub(super) fn report(proof: &Proof, options: &Options) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", verdict(proof))?;
    writeln!(out, "{}", runs(proof))?;
    let failing: Vec<&Check> = proof.checks.iter().filter(|check| !check.holds()).collect();
    for Check { what, expected, found } in failing.iter().take(MOST_PROBLEMS) {
        writeln!(out, "✗ {what}: {expected} expected, {found} found")?;
    }
    if failing.len() > MOST_PROBLEMS {
        writeln!(out, "✗ … and {} more", failing.len() - MOST_PROBLEMS)?;
    }
    writeln!(out, "{}", sums(proof))?;
    if let Some(chaos) = &proof.chaos {
        writeln!(out, "meanwhile: {}", chaos.in_words())?;
    }
    if options.verbose {
        return everything(&mut out, proof);
    }
    writeln!(out, "`--verbose` shows every record and every check.")
}

/// What a post-scored lead costs, in one line.
pub(super) fn comparison(comparison: &Comparison) -> Result<()> {
    let Comparison { several, one, .. } = comparison;
    writeln!(
        std::io::stdout().lock(),
        "${several:.6} per post-scored lead, ${one:.6} with one lead in each call: {:.0} %",
        several / one * 100.0
    )
}

fn verdict(proof: &Proof) -> String {
    let failing = proof.checks.iter().filter(|check| !check.holds()).count();
    if failing > 0 {
        let checks = proof.checks.len();
        return format!("THE PROOF DOES NOT HOLD: {failing} of {checks} checks fail.");
    }
    format!(
        "The proof holds: every number on {} is right ({} in {:.1} s).",
        counted(proof.runs.len(), "record"),
        counted(proof.leads, "lead"),
        proof.elapsed.as_secs_f64(),
    )
}

/// A line for each run; of very many, for those with a problem.
fn runs(proof: &Proof) -> String {
    let mut lines = Table::new();
    lines.load_style(NOTHING).set_header(["run", "status", "leads", "posts", "tokens", "cost", ""]);
    let is_few = proof.runs.len() <= MOST_LISTED;
    let listed = proof.runs.iter().filter(|run| is_few || !run.is_right);
    let most = if is_few { MOST_LISTED } else { MOST_PROBLEMS };
    for run in listed.clone().take(most) {
        let mark = if run.is_right { "✓" } else { "✗" };
        let leads = format!("{} of {} scored", run.leads_scored, run.leads);
        let cost = format!("${:.4}", run.cost);
        let (posts, tokens) = (grouped(run.posts_scored), grouped(run.tokens));
        lines.add_row([&run.run, &run.status, &leads, &posts, &tokens, &cost, mark]);
    }
    let wrong = listed.count();
    match (is_few, wrong) {
        (true, _) => lines.trim_fmt(),
        (false, 0) => format!("{} runs, all right", proof.runs.len()),
        (false, wrong) => {
            format!("{}\n{wrong} of {} runs are not right", lines.trim_fmt(), proof.runs.len())
        }
    }
}

/// The sums over all runs, and what they took.
fn sums(proof: &Proof) -> String {
    let unheard = match &proof.chaos {
        Some(_) if proof.unheard.calls > 0 => format!(
            " + {} of {} whose answers a kill lost, as the records say",
            grouped(proof.unheard.tokens),
            counted(proof.unheard.calls, "call"),
        ),
        Some(_) | None => String::new(),
    };
    let checks = proof.checks.len();
    let holding = proof.checks.iter().filter(|check| check.holds()).count();
    format!(
        "{} tokens billed by the model = {} on the records{unheard}; {holding} of {checks} checks \
         hold\n{} to Airtable, {:.2} per lead, {} refused for their rate",
        grouped(proof.billed_tokens),
        grouped(proof.recorded_tokens),
        counted(proof.airtable_requests(), "request"),
        per_lead(proof),
        proof.airtable_429(),
    )
}

fn everything(out: &mut impl Write, proof: &Proof) -> Result<()> {
    for record in &proof.records {
        writeln!(out, "\nRun record, as it is in Airtable\n{}", record_table(record))?;
    }
    writeln!(out, "\nProof: what the services saw against what the records say")?;
    writeln!(out, "{}", proof_table(&proof.checks))
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
    if let Some(chaos) = &proof.chaos {
        answer["chaos"] = json!(chaos);
        answer["unheard"] = json!(proof.unheard);
    }
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
