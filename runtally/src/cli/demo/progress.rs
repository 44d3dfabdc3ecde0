//! Follows the demo's runs to their end.

use super::cells::field;
use super::chaos::Chaos;
use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use crate::view::events_of;
use shared::fold::RunState;
use shared::ports::{EventLog, QueueName};
use shared::schema::run_record;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// The demo stops after this time without any sign of work, and shows what it has.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest wait, even if a task says that it is tried again later. Each kill counts as an
/// attempt, so the delay can be minutes.
const LONGEST: Duration = Duration::from_mins(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looking may take at most this part of the time, so that it does not slow the system down.
const SHARE_OF_LOOKING: u32 = 20;

/// Waits until every run has ended and no message is left, while `chaos` disturbs the system.
/// Returns whether the runs ended; `false` means that nothing moved any more.
pub(super) async fn follow(
    stage: &mut Stage,
    runs: &[Dispatched],
    mut chaos: Option<&mut Chaos>,
    show: bool,
) -> Result<bool, Fault> {
    let show = show && std::io::stderr().is_terminal();
    let started = Instant::now();
    let (mut last_sign, mut signs) = (started, 0);
    let mut strike_at = next_strike(&mut chaos);
    loop {
        let look = Instant::now();
        let ended = ended(stage, runs)?;
        if show {
            let leads = leads_done(stage, runs).await?;
            draw(started.elapsed(), leads, (ended, runs.len()))?;
        }
        let requests: u64 =
            stage.services.airtable.requests().iter().map(|count| count.count).sum();
        let answers = stage.services.gemini.service().billed_totals().answers;
        let waits = started.elapsed() < LONGEST && has_waiting_tasks(stage)?;
        if answers + requests > signs || waits {
            (last_sign, signs) = (Instant::now(), answers + requests);
        }
        let is_done = ended == runs.len() && is_quiet(stage)?;
        if is_done || last_sign.elapsed() > PATIENCE {
            if show {
                write!(std::io::stderr(), "\r\x1b[2K")?;
            }
            return Ok(is_done);
        }
        let looked = look.elapsed();
        if let Some(chaos) = chaos.as_deref_mut().filter(|_| strike_at.is_some_and(|at| at <= look))
        {
            chaos.strike(stage, runs).await?;
            strike_at = chaos.pause().map(|pause| Instant::now() + pause);
        }
        tokio::time::sleep(LOOK_EVERY.max(looked * SHARE_OF_LOOKING)).await;
    }
}

/// Whether a task waits for its next attempt.
fn has_waiting_tasks(stage: &Stage) -> Result<bool, Fault> {
    Ok(!stage.system.queue.waiting(PATIENCE)?.is_empty())
}

/// Whether nothing is in work. Waiting tasks do not count: a copy of a task finds its leads done.
fn is_quiet(stage: &Stage) -> Result<bool, Fault> {
    let is_idle = |queue| stage.system.queue.depth(queue).map(|depth| depth.is_idle());
    Ok(is_idle(QueueName::Scoring)? && is_idle(QueueName::Metrics)?)
}

fn next_strike(chaos: &mut Option<&mut Chaos>) -> Option<Instant> {
    chaos.as_deref_mut()?.pause().map(|pause| Instant::now() + pause)
}

/// Redraws the progress line, with a carriage return and an escape sequence.
fn draw(since: Duration, leads: (u64, u64), runs: (usize, usize)) -> Result<(), Fault> {
    let mut out = std::io::stderr();
    let (seconds, (done, of), (ended, all)) = (since.as_secs(), leads, runs);
    write!(out, "\r\x1b[2K{seconds} s: {done} of {of} leads done, {ended} of {all} runs ended")?;
    Ok(out.flush()?)
}

/// How many leads of the runs are scored, skipped or failed, and how many there are, by the event
/// log.
async fn leads_done(stage: &Stage, runs: &[Dispatched]) -> Result<(u64, u64), Fault> {
    let (mut done, mut all) = (0, 0);
    for run in runs {
        all += run.expected.leads_planned + run.profiles.waiting;
        let events = events_of(&stage.system.log.read(&run.run).await?).0;
        let Some(state) = RunState::fold(&events) else { continue };
        let summary = state.summary();
        for totals in [&summary.posts, &summary.profiles] {
            let leads = &totals.leads;
            done += leads.scored + leads.skipped + leads.failed;
        }
    }
    Ok((done.min(all), all))
}

/// How many of the runs have a record that says they ended.
fn ended(stage: &Stage, runs: &[Dispatched]) -> Result<usize, Fault> {
    let rows = stage.rows(&stage.world.master_base, run_record::TABLE)?;
    let is_ended = |run: &&Dispatched| {
        rows.iter().any(|row| {
            field(&row.fields, run_record::RUN_ID) == run.run.as_str()
                && !["Running", "Stalled", ""].contains(&field(&row.fields, run_record::STATUS))
        })
    };
    Ok(runs.iter().filter(is_ended).count())
}
