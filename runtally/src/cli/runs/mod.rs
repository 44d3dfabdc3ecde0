//! `runtally runs`: lists the runs that need attention, and recent runs.

mod listed;
mod logged;
mod recorded;
mod show;

use super::operator::Place;
use super::output::{Screen, print_json, versioned};
use super::records::{AirtableOption, Read, Records};
use super::stop_signals::StopSignals;
use super::waiting::Waiting;
use crate::result::{CommandResult, Fault};
use crate::system::Deployment;
use jiff::{SignedDuration, Timestamp};
use listed::Listed;
use serde_json::{Value, json};
use shared::core::clock::Clock;
use shared::schema::run_record;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;

/// How often `--watch` looks at a system on this machine.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often `--watch` looks at a system on AWS, where each look costs money.
const LOOK_ON_AWS_EVERY: Duration = Duration::from_secs(5);
/// How often `--watch` reads the records. Progress is in the log.
const RECORDS_EVERY: Duration = Duration::from_secs(30);

/// Options of `runtally runs`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Where the system is, and how to answer.
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    airtable: AirtableOption,
    /// Also list the runs that started within this many days
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=366))]
    days: i64,
    /// Show at most this many runs
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// Show them again whenever something changes, until Ctrl-C; with --json one object a line
    #[arg(long)]
    watch: bool,
}

/// The content of the list.
struct Answer {
    runs: Vec<Listed>,
    left_out: usize,
    waiting: Waiting,
    /// Why the records are not known, if so.
    without_airtable: Option<String>,
}

/// Lists open runs by their events, stalled, failed and recent runs by their records, and the tasks
/// that wait for their next attempt.
///
/// # Errors
/// When the log or the queues cannot be read. Without the table of run records it lists what the
/// log knows, and says so.
pub async fn run(options: &Options) -> CommandResult {
    let deployment = Deployment::open(options.place.variables()?, &options.place.data)?;
    let records = Records::open(&options.place, &options.airtable)?;
    let mut look = Look { deployment, records, options, known: None, seen: BTreeSet::new() };
    if options.watch {
        return watch(&mut look).await;
    }
    let answer = look.answer().await?;
    if options.place.json {
        print_json(&answer.json())?;
    } else {
        show::print(&answer, &mut std::io::stdout().lock())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the answer again whenever it changes.
async fn watch(look: &mut Look<'_>) -> CommandResult {
    let mut stop = StopSignals::new()?;
    let screen = Screen::of_stdout();
    let pause = if look.deployment.is_on_aws() { LOOK_ON_AWS_EVERY } else { LOOK_EVERY };
    let mut shown = Value::Null;
    loop {
        let answer = look.answer().await?;
        let json = answer.json();
        let changing = without_the_clock(&json, Clock::system().now());
        if changing != shown {
            if look.options.place.json {
                let mut out = std::io::stdout().lock();
                writeln!(out, "{}", versioned(&json))?;
                out.flush()?;
            } else {
                let mut text = Vec::new();
                let now = Clock::system().now().strftime("%H:%M:%S");
                writeln!(text, "Runs at {now} UTC; Ctrl-C ends the watch.")?;
                show::print(&answer, &mut text)?;
                screen.show(&String::from_utf8_lossy(&text))?;
            }
            shown = changing;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.asked() => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// An answer without what changes only with the clock: the latest time of a next attempt, and what
/// is overdue.
fn without_the_clock(answer: &Value, now: Timestamp) -> Value {
    let mut answer = answer.clone();
    for run in answer["runs"].as_array_mut().into_iter().flatten() {
        if let Some(waited) = run.get_mut("waited") {
            waited["tried_next_by"] = Value::Null;
        }
    }
    for task in answer["waiting"]["tasks"].as_array_mut().into_iter().flatten() {
        let next_at: Option<Timestamp> = task["next_at"].as_str().and_then(|at| at.parse().ok());
        if next_at.is_some_and(|at| at <= now) {
            task["next_at"] = Value::Null;
        }
    }
    answer
}

/// Looks at the runs, once or repeatedly.
struct Look<'a> {
    deployment: Deployment,
    records: Records,
    options: &'a Options,
    /// The last records that were read, and when.
    known: Option<(Instant, Read<BTreeMap<String, Listed>>)>,
    /// The runs that were open in any look. They are listed from the log.
    seen: BTreeSet<String>,
}

impl Look<'_> {
    async fn answer(&mut self) -> Result<Answer, Fault> {
        let days = SignedDuration::from_hours(24 * self.options.days);
        let since = Clock::system().now() - days;
        let limit = usize::from(self.options.limit);
        let (mut runs, unread, without_airtable) = match self.recorded(since).await? {
            Ok(recorded) => (recorded, 0, None),
            Err(reason) => {
                let (newest, more) = logged::newest(&self.deployment, since, limit).await?;
                (newest, more, Some(reason))
            }
        };
        let open = logged::open(&self.deployment, &self.seen).await?;
        self.seen.extend(open.keys().cloned());
        runs.extend(open);
        let mut runs: Vec<Listed> = runs.into_values().collect();
        runs.sort_by(|a, b| {
            (b.rank(), b.text(run_record::RUN_ID)).cmp(&(a.rank(), a.text(run_record::RUN_ID)))
        });
        let left_out = unread + runs.len().saturating_sub(limit);
        runs.truncate(limit);
        let waiting = Waiting::read(&self.deployment).await?;
        Ok(Answer { runs, left_out, waiting, without_airtable })
    }

    /// The runs according to their records, read now or a short time ago.
    async fn recorded(
        &mut self,
        since: Timestamp,
    ) -> Result<Read<BTreeMap<String, Listed>>, Fault> {
        if let Some((at, known)) = &self.known
            && at.elapsed() < RECORDS_EVERY
        {
            return Ok(known.clone());
        }
        let read = self.records.ask(|airtable, master| recorded::read(airtable, master, since));
        let mut read = read.await;
        if let Ok(runs) = &mut read {
            for (id, listed) in runs.iter_mut() {
                listed.tell_status(&self.deployment, id).await?;
            }
        }
        self.known = Some((Instant::now(), read.clone()));
        Ok(read)
    }
}

impl Answer {
    fn json(&self) -> Value {
        let runs: Vec<Value> = self.runs.iter().map(Listed::json).collect();
        let mut json = json!({"runs": runs, "left_out": self.left_out, "waiting": self.waiting});
        if let Some(reason) = &self.without_airtable {
            json["without_airtable"] = json!(reason);
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_shows_nothing_again_because_time_goes_by() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let seen = |attempt: u32, by: &str, next_at: &str| {
            let waited = json!({"since": "s", "reason": "r", "tried_next_by": by});
            let task = json!({"what": "harvest", "attempt": attempt, "next_at": next_at});
            let answer = json!({"runs": [{"run": "a"}, {"run": "b", "waited": waited}],
                "waiting": {"tasks": [task]}});
            without_the_clock(&answer, now)
        };
        let overdue = seen(2, "2026-11-23T10:15:00Z", "2026-11-23T09:59:59Z");
        assert_eq!(overdue, seen(2, "2026-11-23T10:15:01Z", "2026-11-23T10:00:00Z"));
        assert_ne!(overdue, seen(3, "2026-11-23T10:15:01Z", "2026-11-23T10:00:00Z"));
        let later = seen(2, "2026-11-23T10:15:01Z", "2026-11-23T10:05:00Z");
        assert_ne!(overdue, later, "it was put off");
    }
}
