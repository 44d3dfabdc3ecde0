//! `runtally runs`: the runs that need a look, and the recent ones.

use super::operator::{Operator, Place, print_json, table};
use super::waiting::Waiting;
use crate::result::{CommandResult, Fault};
use crate::view::events_of;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use shared::core::clock::Clock;
use shared::core::ids::RunId;
use shared::fold::RunState;
use shared::messages::Note;
use shared::run_records::Shape;
use shared::schema::run_record;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{ListQuery, Row};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

/// Options of `runtally runs`.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Also list the runs that started within this many days
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=366))]
    days: i64,
    /// Show at most this many runs
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// The fields that are read and shown, by their names in the JSON answer.
const SHOWN: [(&str, &str); 8] = [
    ("run", run_record::RUN_ID),
    ("status", run_record::STATUS),
    ("started", run_record::START_TIME),
    ("ended", run_record::END_TIME),
    ("posts_scored", run_record::POSTS_SCORED),
    ("post_tokens", run_record::POST_TOKENS),
    ("profiles_scored", run_record::PROFILES_SCORED),
    ("balance", run_record::BALANCE),
];

#[derive(Default)]
struct Listed {
    cells: Map<String, Value>,
    /// Whether its log says that something is missing.
    open: bool,
    /// What is missing; empty for a run that is not open.
    missing: Vec<String>,
    /// Since when a task of an open run waited last, and why: on AWS nothing else tells it.
    waited: Option<(Timestamp, String)>,
}

/// Lists open runs by their events, stalled, failed and recent ones by their records, and the tasks
/// that wait for their next attempt.
///
/// # Errors
/// When the log, the queues or the table of run records cannot be read.
pub async fn run(options: &Options) -> CommandResult {
    let operator = Operator::open(&options.place)?;
    let since = Clock::system().now() - SignedDuration::from_hours(24 * options.days);
    let mut runs = recorded(&operator, since).await?;
    for (id, listed) in open(&operator).await? {
        runs.insert(id, listed);
    }
    let mut runs: Vec<Listed> = runs.into_values().collect();
    runs.sort_by(|a, b| {
        (b.rank(), b.text(run_record::RUN_ID)).cmp(&(a.rank(), a.text(run_record::RUN_ID)))
    });
    let left_out = runs.len().saturating_sub(options.limit);
    runs.truncate(options.limit);
    let waiting = Waiting::read(&operator.deployment).await?;
    if options.place.json {
        let runs: Vec<Value> = runs.iter().map(Listed::json).collect();
        print_json(&json!({"runs": runs, "left_out": left_out, "waiting": waiting}))?;
    } else {
        print(&runs, left_out)?;
        waiting.print(&mut std::io::stdout().lock())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The runs by their records, with their ids.
async fn recorded(
    operator: &Operator,
    since: Timestamp,
) -> Result<BTreeMap<String, Listed>, Fault> {
    let tables = operator.airtable.tables(&operator.master).await?;
    let known = tables.iter().filter(|table| table.name == run_record::TABLE);
    let known: Vec<&str> =
        known.flat_map(|table| &table.fields).map(|field| field.name.as_str()).collect();
    let fields: Vec<&str> =
        SHOWN.map(|(_, name)| name).into_iter().filter(|name| known.contains(name)).collect();
    let [running, _, _, stalled, failed] = run_record::STATUSES;
    let looked_for = [running, stalled, failed].map(|s| Formula::equals(run_record::STATUS, s));
    let recent = Formula::after(run_record::START_TIME, since);
    // A table that lacks the choice of a run's status shows none.
    let others = [Formula::blank(run_record::STATUS), recent];
    let query = ListQuery {
        fields: &fields,
        formula: Some(Formula::any(looked_for.into_iter().chain(others))),
    };
    let rows: Vec<Row> =
        operator.airtable.list(&operator.master, run_record::TABLE, &query).await?;
    let mut runs = BTreeMap::new();
    for row in rows {
        let id = row.text(run_record::RUN_ID);
        let mut listed = Listed { cells: row.fields, ..Listed::default() };
        if listed.text(run_record::STATUS).is_empty() && !run_record::is_duplicate(&id) {
            listed.tell_status(operator, &id).await?;
        }
        runs.insert(id, listed);
    }
    Ok(runs)
}

/// The open runs by their events, because their records may be behind.
async fn open(operator: &Operator) -> Result<Vec<(String, Listed)>, Fault> {
    let mut open = Vec::new();
    for run in operator.deployment.open_runs().await? {
        let (events, _) = events_of(&operator.deployment.read(&run).await?);
        let Some(state) = RunState::fold(&events) else { continue };
        let summary = state.summary();
        let mut cells = Shape::default().cells(&summary);
        cells.retain(|_, value| !value.is_null());
        let waited = summary.notes.iter().rev().find_map(|(at, note)| {
            let why = note.text.strip_prefix(Note::HAD_TO_WAIT)?;
            Some((*at, why.to_owned()))
        });
        let listed = Listed { cells, open: true, missing: summary.missing, waited };
        open.push((run.to_string(), listed));
    }
    Ok(open)
}

impl Listed {
    /// Tells a status that the record does not show, by the run's events.
    async fn tell_status(&mut self, operator: &Operator, id: &str) -> Result<(), Fault> {
        let Ok(run) = id.parse::<RunId>() else { return Ok(()) };
        let (events, _) = events_of(&operator.deployment.read(&run).await?);
        let Some(state) = RunState::fold(&events) else { return Ok(()) };
        let mut cells = Shape::default().cells(&state.summary());
        let status = cells.remove(run_record::STATUS).unwrap_or_default();
        self.missing
            .push(format!("its Status on the record: the table must have the choice {status}"));
        self.cells.insert(run_record::STATUS.to_owned(), status);
        Ok(())
    }

    fn text(&self, name: &str) -> &str {
        self.cells.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What needs a look comes first.
    fn rank(&self) -> u8 {
        let [running, completed, with_errors, stalled, failed] = run_record::STATUSES;
        match self.text(run_record::STATUS) {
            status if status == stalled => 5,
            status if status == failed => 4,
            status if status == running => 3,
            status if status == with_errors => 2,
            status if status == completed => u8::from(self.open),
            _ => 1,
        }
    }

    fn json(&self) -> Value {
        let mut answer = json!({"open": self.open, "missing": self.missing});
        for (key, name) in SHOWN {
            answer[key] = self.cells.get(name).cloned().unwrap_or_default();
        }
        if let Some((since, why)) = &self.waited {
            answer["waited"] = json!({"since": since, "why": why});
        }
        answer
    }
}

fn print(runs: &[Listed], left_out: usize) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    if runs.is_empty() {
        return Ok(writeln!(out, "No run is open, stalled, failed or recent.")?);
    }
    let mut rows = table();
    rows.set_header(["run", "status", "started (UTC)", "posts", "tokens", "balance", "missing"]);
    for run in runs {
        let number = |name| run.cells.get(name).map(Value::to_string).unwrap_or_default();
        let missing = match run.missing.as_slice() {
            [] if run.open => "its record".to_owned(),
            [] => String::new(),
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        rows.add_row([
            run.text(run_record::RUN_ID),
            run.text(run_record::STATUS),
            run.text(run_record::START_TIME).get(..16).unwrap_or_default(),
            &number(run_record::POSTS_SCORED),
            &number(run_record::POST_TOKENS),
            run.text(run_record::BALANCE).lines().next().unwrap_or_default(),
            &missing,
        ]);
    }
    writeln!(out, "{rows}")?;
    for run in runs {
        if let Some((since, why)) = &run.waited {
            let (id, since) = (run.text(run_record::RUN_ID), since.strftime("%Y-%m-%d %H:%M"));
            writeln!(out, "{id} had to wait at {since}, and tries again by itself: {why}")?;
        }
    }
    if left_out > 0 {
        writeln!(out, "{left_out} more; raise --limit to see them")?;
    }
    Ok(())
}
