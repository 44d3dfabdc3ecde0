//! `runtally demo --chaos`: causes the trouble of production on purpose, at random moments.

use super::cells::field;
use super::stage::{Dispatched, Stage};
use crate::result::Fault;
use serde::Serialize;
use serde_json::json;
use shared::core::counted::counted;
use shared::ports::QueueName;
use shared::schema::run_record;
use std::time::Duration;

/// Pause between two disturbances.
const PAUSE_MS: std::ops::Range<u64> = 100..400;
/// Most disturbances, so that the runs end.
const MOST: u32 = 12;

/// The disturbances so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Done {
    kills: u32,
    /// How often all events in work were delivered again, before later events.
    deliveries_repeated: u32,
    webhooks_repeated: u32,
    records_deleted: u32,
    records_edited: u32,
}

impl Done {
    fn all(&self) -> u32 {
        self.kills
            + self.deliveries_repeated
            + self.webhooks_repeated
            + self.records_deleted
            + self.records_edited
    }

    pub(super) fn in_words(self) -> String {
        format!(
            "{}, {} of events out of order, {} repeated, {} deleted, {} edited",
            counted(self.kills, "kill"),
            counted(self.deliveries_repeated, "repetition"),
            counted(self.webhooks_repeated, "webhook"),
            counted(self.records_deleted, "record"),
            counted(self.records_edited, "record"),
        )
    }
}

/// Picks and causes disturbances.
pub(super) struct Chaos {
    pub(super) done: Done,
    random: fastrand::Rng,
}

impl Chaos {
    pub(super) fn new(seed: u64) -> Self {
        Self { done: Done::default(), random: fastrand::Rng::with_seed(seed) }
    }

    /// How long to leave the system alone; `None` after the last disturbance.
    pub(super) fn pause(&mut self) -> Option<Duration> {
        (self.done.all() < MOST).then(|| Duration::from_millis(self.random.u64(PAUSE_MS)))
    }

    /// Disturbs the system once.
    pub(super) async fn strike(
        &mut self,
        stage: &mut Stage,
        runs: &[Dispatched],
    ) -> Result<(), Fault> {
        let Some(run) = self.random.choice(runs) else { return Ok(()) };
        match self.random.u8(..10) {
            0 | 1 => {
                // Not the scoring queue: a copy of a task would wait for half a minute.
                stage.system.queue.release(QueueName::Metrics)?;
                self.done.deliveries_repeated += 1;
            }
            2..5 => {
                stage.kill_and_start().await?;
                self.done.kills += 1;
            }
            5 | 6 => {
                stage.announce(run);
                self.done.webhooks_repeated += 1;
            }
            7 => self.done.records_deleted += u32::from(delete(stage, run)?),
            _ => self.done.records_edited += u32::from(edit(stage, run)?),
        }
        Ok(())
    }

    /// When all runs have ended, deletes one record, edits another and restarts the system. Its
    /// first tick finds both.
    pub(super) async fn last_strike(
        &mut self,
        stage: &mut Stage,
        runs: &[Dispatched],
    ) -> Result<(), Fault> {
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(()) };
        self.done.records_deleted += u32::from(delete(stage, first)?);
        self.done.records_edited += u32::from(edit(stage, last)?);
        stage.kill_and_start().await?;
        self.done.kills += 1;
        Ok(())
    }
}

/// Deletes the record of a run, as a person may. Returns whether there was one.
fn delete(stage: &Stage, run: &Dispatched) -> Result<bool, Fault> {
    let Some(record) = record_of(stage, run)? else { return Ok(false) };
    let airtable = stage.services.airtable.service();
    let base = stage.world.master_base.as_str();
    airtable.delete_record(base, run_record::TABLE, &record).map_err(|error| error.to_string())?;
    Ok(true)
}

/// Writes wrong numbers into a run's record, as a person may. Returns whether there was one.
fn edit(stage: &Stage, run: &Dispatched) -> Result<bool, Fault> {
    let Some(record) = record_of(stage, run)? else { return Ok(false) };
    let cells = json!({run_record::POSTS_SCORED: 999_999, run_record::BALANCE: "edited"});
    let cells = cells.as_object().cloned().unwrap_or_default();
    let airtable = stage.services.airtable.service();
    let base = stage.world.master_base.as_str();
    airtable.edit(base, run_record::TABLE, &record, cells).map_err(|error| error.to_string())?;
    Ok(true)
}

fn record_of(stage: &Stage, run: &Dispatched) -> Result<Option<String>, Fault> {
    let rows = stage.rows(&stage.world.master_base, run_record::TABLE)?;
    let is_its = |row: &&simulators::airtable::Row| {
        field(&row.fields, run_record::RUN_ID) == run.run.as_str()
    };
    Ok(rows.iter().find(is_its).map(|row| row.id.clone()))
}
