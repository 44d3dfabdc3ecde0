//! The event log as one process sees it, with the faults on the way.

use super::parts::Part;
use super::ports::{Ports, Turn};
use crate::bug::Bug;
use crate::fault::Fault;
use crate::script::Call;
use jiff::Timestamp;
use shared::core::ids::{ApifyRunId, RunId};
use shared::ports::check_events;
use shared::ports::{EventLog, HarvestKey, LogError, LogHead, Projection, RunLog, StoredEvent};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// Scripts do not name individual calls of the log.
const LOG: Call<'_> = Call { name: "log", about: &[] };
const MAX_WRITES: usize = 25;
const MAX_READS: usize = 100;
/// Events per page: fewer than in DynamoDB, so that a run has several pages.
const PAGE: usize = 40;

impl EventLog for Ports {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        if self.world.has(Bug::EventsNotStored) && self.world.dice.chance(0.1) {
            return Ok(());
        }
        self.log_is_reached(Turn::Before).await?;
        self.world.log.open(run);
        self.log_answers().await?;
        let distinct: BTreeMap<&str, &StoredEvent> =
            events.iter().map(|event| (event.id.as_str(), event)).collect();
        let distinct: Vec<StoredEvent> = distinct.into_values().cloned().collect();
        for some in distinct.chunks(MAX_WRITES) {
            self.write(run, some).await?;
        }
        self.log_is_reached(Turn::Before).await?;
        self.world.log.count(run);
        self.log_answers().await
    }

    /// Reads the state first, then the pages in reverse order. Events that are appended meanwhile
    /// may or may not be read.
    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        self.log_is_reached(Turn::Reading).await?;
        let before = self.world.oracle().stored_of(run.as_str());
        let (projection, appends) = self.world.log.state(run);
        let mut page = self.world.log.page(run, None, PAGE);
        let mut events = std::mem::take(&mut page.events);
        while let Some(end) = page.goes_on_before {
            self.log_is_reached(Turn::Reading).await?;
            page = self.world.log.page(run, Some(&end), PAGE);
            events.append(&mut page.events);
        }
        events.reverse();
        self.world.oracle().log_read(self.worker.invocation(), run.as_str(), before, &events);
        Ok(RunLog { events, projection, appends })
    }

    async fn log_head(&self, run: &RunId) -> Result<LogHead, LogError> {
        self.log_is_reached(Turn::Reading).await?;
        let (projection, appends) = self.world.log.state(run);
        Ok(LogHead { projection, appends })
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        let closed = !projection.open && self.save(run, projection, true).await?;
        if !closed {
            self.save(run, projection, false).await?;
        }
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        self.log_is_reached(Turn::Reading).await?;
        Ok(self.world.log.open_runs(self.of_index()))
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        self.log_is_reached(Turn::Reading).await?;
        Ok(self.world.log.finished_runs(since, self.of_index()))
    }

    async fn hear(&self, harvests: &[HarvestKey]) -> Result<(), LogError> {
        for some in harvests.chunks(MAX_WRITES) {
            self.log_is_reached(Turn::Before).await?;
            self.world.log.hear(some);
            self.log_answers().await?;
        }
        Ok(())
    }

    async fn heard(&self, harvests: &[HarvestKey]) -> Result<BTreeSet<HarvestKey>, LogError> {
        let mut heard = BTreeSet::new();
        for some in harvests.chunks(MAX_READS) {
            self.log_is_reached(Turn::Reading).await?;
            heard.extend(self.world.log.heard(some));
        }
        Ok(heard)
    }

    async fn claim_cost(&self, harvest: &ApifyRunId, run: &RunId) -> Result<RunId, LogError> {
        self.log_is_reached(Turn::Before).await?;
        let owner = self.world.log.claim_cost(harvest, run);
        self.world.oracle().cost_claimed(harvest.as_str(), run.as_str());
        self.log_answers().await?;
        if self.world.has(Bug::CostCountedTwice) {
            return Ok(run.clone());
        }
        Ok(owner)
    }
}

impl Ports {
    /// Writes events in one request. If the answer is lost, any part of them may be stored.
    async fn write(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        self.log_is_reached(Turn::Before).await?;
        let is_lost = self.hit(Fault::LogAnswerLost, &LOG);
        let count = if is_lost { self.world.dice.below(events.len() + 1) } else { events.len() };
        let stored = &events[..count];
        self.world.log.write(run, stored);
        self.world.oracle().appended(run.as_str(), stored);
        self.turn(Turn::After, &LOG).await;
        if is_lost { Err(answer_lost()) } else { Ok(()) }
    }

    /// Saves a projection in one request. Returns whether its conditions were met.
    async fn save(
        &self,
        run: &RunId,
        projection: &Projection,
        close: bool,
    ) -> Result<bool, LogError> {
        self.log_is_reached(Turn::Before).await?;
        let is_saved = self.world.log.save(run, projection, close);
        self.log_answers().await?;
        Ok(is_saved)
    }

    async fn log_is_reached(&self, turn: Turn) -> Result<(), LogError> {
        self.turn(turn, &LOG).await;
        if self.world.faults.meets_outage(Part::Log) || self.hit(Fault::LogNotReached, &LOG) {
            return Err(LogError { reason: "simulated".to_owned() });
        }
        Ok(())
    }

    /// The answer of the log after it did what was requested.
    async fn log_answers(&self) -> Result<(), LogError> {
        let is_lost = self.hit(Fault::LogAnswerLost, &LOG);
        self.turn(Turn::After, &LOG).await;
        if is_lost { Err(answer_lost()) } else { Ok(()) }
    }

    /// The moment that an index shows.
    fn of_index(&self) -> Instant {
        Instant::now() - self.world.dice.within(self.world.index_lag)
    }
}

fn answer_lost() -> LogError {
    LogError { reason: "simulated: answer lost".to_owned() }
}
