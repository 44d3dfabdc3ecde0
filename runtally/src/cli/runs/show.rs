//! Shows the list to people.

use super::Answer;
use super::listed::{Listed, Waited};
use crate::cli::output::{Cell, Listing, Paint, Tone, fitted, status_tone, whole};
use crate::result::Fault;
use serde_json::Value;
use shared::core::counted::grouped;
use shared::schema::run_record;
use std::io::Write;

pub(super) fn print(answer: &Answer, out: &mut impl Write) -> Result<(), Fault> {
    if answer.runs.is_empty() {
        writeln!(out, "No run is open, stalled, failed or recent.")?;
    } else {
        print_runs(&answer.runs, out)?;
    }
    if answer.left_out > 0 {
        writeln!(out, "{} more; raise --limit to see them", answer.left_out)?;
    }
    if let Some(reason) = &answer.without_airtable {
        let told = format!(
            "Without Airtable ({reason}): listed are the open and the newest runs of the event log; \
             runs that only a record tells of are left out."
        );
        writeln!(out, "{}", fitted(&told, 0))?;
    }
    answer.waiting.print(out)
}

fn print_runs(runs: &[Listed], out: &mut impl Write) -> Result<(), Fault> {
    let mut rows =
        Listing::new(["run", "status", "started (UTC)", "posts", "tokens", "balance", "missing"]);
    for run in runs {
        let number = |name| {
            let number = run.cells.get(name).and_then(Value::as_u64);
            number.map(grouped).unwrap_or_default()
        };
        let status = run.text(run_record::STATUS);
        let started = run.text(run_record::START_TIME).get(..16).unwrap_or_default();
        let balance = run.text(run_record::BALANCE).lines().next().unwrap_or_default();
        let is_odd = !balance.is_empty() && balance != "balanced";
        rows.add([
            Cell::id(run.text(run_record::RUN_ID)),
            Cell::toned(status, status_tone(status)),
            Cell::id(&started.replace('T', " ")),
            number(run_record::POSTS_SCORED).into(),
            number(run_record::POST_TOKENS).into(),
            Cell::toned(balance, is_odd.then_some(Tone::Warning)),
            missing(run).into(),
        ]);
    }
    write!(out, "{rows}")?;
    let paint = Paint::of_stdout();
    for run in runs {
        if let Some(Waited { since, reason, tried_next_by }) = &run.waited {
            let (id, since) =
                (whole(run.text(run_record::RUN_ID)), since.strftime("%Y-%m-%d %H:%M"));
            let by = tried_next_by.strftime("%H:%M");
            let told = format!(
                "{id} had to wait at {since}; it tries again automatically, at {by} at the latest: \
                 {reason}"
            );
            writeln!(out, "{}", paint.put(Tone::Warning, &fitted(&told, 2)))?;
        }
    }
    Ok(())
}

fn missing(run: &Listed) -> String {
    match run.missing.as_slice() {
        [] if run.open => "its record".to_owned(),
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}
