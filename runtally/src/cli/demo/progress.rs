//! Follows the demo's runs to their end.

use super::proof::field;
use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use shared::schema::run_record;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Without any sign of work for this long the demo stops and shows what there is.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits until every run has ended and no message is left. Returns whether that happened; `false`
/// means that nothing moved any more.
pub(super) async fn follow(stage: &Stage, runs: &[Dispatched], show: bool) -> Result<bool, Fault> {
    let leads: u64 = runs.iter().map(|run| run.expected.leads_asked).sum();
    let show = show && std::io::stderr().is_terminal();
    let started = Instant::now();
    let (mut last_sign, mut signs) = (started, 0);
    loop {
        let answers = stage.services.gemini.service().billed_totals().answers;
        let ended = ended(stage, runs)?;
        if show {
            let (seconds, scored) = (started.elapsed().as_secs(), answers.min(leads));
            let mut out = std::io::stderr();
            // The carriage return and the escape sequence replace the line before.
            write!(
                out,
                "\r\x1b[2K{seconds} s: {scored} of {leads} leads scored, {ended} of {} runs ended",
                runs.len()
            )?;
            out.flush()?;
        }
        let requests: u64 =
            stage.services.airtable.requests().iter().map(|count| count.count).sum();
        if answers + requests > signs {
            (last_sign, signs) = (Instant::now(), answers + requests);
        }
        let all_ended = ended == runs.len();
        if all_ended || last_sign.elapsed() > PATIENCE {
            if all_ended {
                stage.system.queue.idle().await?;
            }
            if show {
                write!(std::io::stderr(), "\r\x1b[2K")?;
            }
            return Ok(all_ended);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
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
