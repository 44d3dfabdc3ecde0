//! The event log as one process sees it, with what can go wrong on the way.

use super::bugs::{self, Bug};
use super::faults::{Fault, Part};
use super::worker::{Seams, Turn};
use jiff::Timestamp;
use shared::adapters::limits::check_events;
use shared::ids::{ApifyRunId, RunId};
use shared::seams::{EventLog, LogError, Projection, RunLog, StoredEvent};
use std::collections::BTreeSet;

impl EventLog for Seams {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.turn(Turn::Before).await;
        if self.world.has(Bug::EventsNotStored) && self.world.dice.chance(0.1) {
            return Ok(());
        }
        self.log_fails()?;
        let lost = self.hit(Fault::LogAnswerLost);
        let count = if lost { self.world.dice.below(events.len() + 1) } else { events.len() };
        let stored = bugs::stored(&self.world, run, &events[..count]);
        self.world.log.append(run, &stored);
        self.world.oracle().appended(run.as_str(), &stored);
        self.turn(Turn::After).await;
        if lost { Err(LogError { reason: "simulated: answer lost".to_owned() }) } else { Ok(()) }
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.read(run))
    }

    async fn projection(&self, run: &RunId) -> Result<Option<Projection>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.projection(run))
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        self.turn(Turn::Before).await;
        self.log_fails()?;
        self.world.log.save_projection(run, projection);
        self.log_answers().await
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.open_runs())
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.finished_runs(since))
    }

    async fn hear(&self, harvests: &[ApifyRunId]) -> Result<(), LogError> {
        self.turn(Turn::Before).await;
        self.log_fails()?;
        self.world.log.hear(harvests);
        self.log_answers().await
    }

    async fn heard(&self, harvests: &[ApifyRunId]) -> Result<BTreeSet<ApifyRunId>, LogError> {
        self.turn(Turn::Reading).await;
        self.log_fails()?;
        Ok(self.world.log.heard(harvests))
    }
}

impl Seams {
    fn log_fails(&self) -> Result<(), LogError> {
        let away = self.world.faults.meets_outage(Part::Log);
        if away || self.hit(Fault::LogNotReached) {
            return Err(LogError { reason: "simulated".to_owned() });
        }
        Ok(())
    }

    /// The log did what it was asked.
    async fn log_answers(&self) -> Result<(), LogError> {
        let is_lost = self.hit(Fault::LogAnswerLost);
        self.turn(Turn::After).await;
        if is_lost { Err(LogError { reason: "simulated: answer lost".to_owned() }) } else { Ok(()) }
    }
}
