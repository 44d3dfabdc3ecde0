//! Shows the demo's result to people and to programs.

use super::options::Options;
use super::proof::{Check, Comparison, Proof};
use crate::cli::operator::shown;
use crate::cli::output::{Cell, Listing, Paint, Tone, fitted, print_json, status_tone};
use crate::result::Fault;
use serde_json::{Map, Value, json};
use shared::core::counted::{counted, grouped};
use shared::schema::run_record;
use simulators::RequestCount;
use std::io::{Result, Write};

/// With more runs than this, the runs are not listed one by one.
const MOST_LISTED: usize = 8;
/// Then only this many runs with a problem are listed, and this many failed checks.
const MOST_PROBLEMS: usize = 5;

/// Prints the verdict, then a line for each run, then the proof.
pub(super) fn report(proof: &Proof, options: &Options) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let tone = if proof.holds() { Tone::Good } else { Tone::Bad };
    writeln!(out, "{}\n", Paint::of_stdout().put(tone, &verdict(proof)))?;
    write!(out, "{}", runs(proof))?;
    let failing: Vec<&Check> = proof.checks.iter().filter(|check| !check.holds()).collect();
    for Check { what, expected, found } in failing.iter().take(MOST_PROBLEMS) {
        let line = format!("✗ {what}: {expected} expected, {found} found");
        writeln!(out, "{}", fitted(&line, 2))?;
    }
    if failing.len() > MOST_PROBLEMS {
        writeln!(out, "✗ … and {} more", failing.len() - MOST_PROBLEMS)?;
    }
    for line in sums(proof) {
        writeln!(out, "{}", fitted(&line, 2))?;
    }
    if let Some(chaos) = &proof.chaos {
        writeln!(out, "{}", fitted(&format!("meanwhile: {}", chaos.in_words()), 2))?;
    }
    if options.verbose {
        return everything(&mut out, proof);
    }
    writeln!(out, "`--verbose` shows every record and every check.")
}

/// The cost of a post-scored lead, in one line.
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

/// A line for each run. If there are many, only for runs with a problem.
fn runs(proof: &Proof) -> String {
    let mut lines = Listing::new(["run", "status", "leads", "posts", "tokens", "cost", ""]);
    let is_few = proof.runs.len() <= MOST_LISTED;
    let listed = proof.runs.iter().filter(|run| is_few || !run.is_right);
    let most = if is_few { MOST_LISTED } else { MOST_PROBLEMS };
    for run in listed.clone().take(most) {
        let (mark, tone) = if run.is_right { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
        let leads = format!("{} of {} scored", run.leads_scored, run.leads);
        let cost = format!("${:.4}", run.cost);
        let (posts, tokens) = (grouped(run.posts_scored), grouped(run.tokens));
        lines.add([
            Cell::id(&run.run),
            Cell::toned(&run.status, status_tone(&run.status)),
            leads.into(),
            posts.into(),
            tokens.into(),
            cost.into(),
            Cell::toned(mark, Some(tone)),
        ]);
    }
    let wrong = listed.count();
    match (is_few, wrong) {
        (true, _) => lines.to_string(),
        (false, 0) => format!("{} runs, all right\n", proof.runs.len()),
        (false, wrong) => format!("{lines}{wrong} of {} runs are not right\n", proof.runs.len()),
    }
}

/// The sums over all runs: numbers, requests and time.
fn sums(proof: &Proof) -> [String; 2] {
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
    let tokens = format!(
        "{} tokens billed by the model = {} on the records{unheard}; {holding} of {checks} checks hold",
        grouped(proof.billed_tokens),
        grouped(proof.recorded_tokens),
    );
    let requests = format!(
        "{} to Airtable, {:.2} per lead, {} refused for their rate",
        counted(proof.airtable_requests(), "request"),
        per_lead(proof),
        proof.airtable_429(),
    );
    [tokens, requests]
}

fn everything(out: &mut impl Write, proof: &Proof) -> Result<()> {
    for record in &proof.records {
        write!(out, "\nRun record, as it is in Airtable\n{}", record_table(record))?;
    }
    writeln!(out, "\nProof: what the services saw against what the records say")?;
    write!(out, "{}", proof_table(&proof.checks))
}

pub(super) fn json(
    proof: &Proof,
    comparison: Option<&Comparison>,
) -> std::result::Result<(), Fault> {
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
    print_json(&answer)
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
fn record_table(record: &Map<String, Value>) -> Listing {
    let mut table = Listing::new(["", ""]);
    for field in &run_record::FIELDS {
        let text = record.get(field.name).map(shown).unwrap_or_default();
        if !text.is_empty() {
            let is_id = field.name == run_record::RUN_ID;
            let value = if is_id { Cell::id(&text) } else { text.into() };
            table.add([field.name.into(), value]);
        }
    }
    table
}

fn proof_table(checks: &[Check]) -> Listing {
    let mut table = Listing::new(["must be equal", "seen or necessary", "recorded", ""]);
    for check in checks {
        let (mark, tone) = if check.holds() { ("✓", Tone::Good) } else { ("✗", Tone::Bad) };
        table.add([
            check.what.as_str().into(),
            check.expected.as_str().into(),
            check.found.as_str().into(),
            Cell::toned(mark, Some(tone)),
        ]);
    }
    table
}
