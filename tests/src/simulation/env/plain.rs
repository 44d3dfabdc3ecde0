//! The simulation's queues and its log with nothing that goes wrong: a third implementation of
//! the ports, for the suites in [`crate::conformance`].

use super::world::World;
use crate::conformance::queue::{Mailbox, Taken};
use crate::simulation::options::Options;
use jiff::Timestamp;
use shared::core::ids::{ApifyRunId, RunId};
use shared::ports::{
    EventLog, LogError, NewDeadLetter, OutgoingMessage, Projection, Queue, QueueError, QueueName,
    RunLog, StoredEvent,
};
use shared::ports::{check_events, check_messages};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// The queues and the log of a schedule without faults, on paused time.
pub struct Plain(World);

impl Plain {
    /// How long a received message is hidden.
    pub const VISIBILITY: Duration = super::queues::VISIBILITY;

    /// Empty ones.
    #[must_use]
    pub fn new() -> Self {
        Self(World::new(0, Options { faults: false, ..Options::default() }, None))
    }
}

impl Default for Plain {
    fn default() -> Self {
        Self::new()
    }
}

impl Queue for Plain {
    async fn send(
        &self,
        queue: QueueName,
        messages: Vec<OutgoingMessage>,
    ) -> Result<(), QueueError> {
        check_messages(queue, &messages)?;
        for message in &messages {
            self.0.queues.put(queue, message, Duration::ZERO);
        }
        Ok(())
    }

    async fn dead_letter(
        &self,
        queue: QueueName,
        message: NewDeadLetter,
    ) -> Result<(), QueueError> {
        self.0.queues.dead_letter(queue, message);
        Ok(())
    }

    async fn requeue(
        &self,
        queue: QueueName,
        receipt: &str,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.0.queues.requeue(queue, receipt, delay);
        Ok(())
    }
}

impl Mailbox for Plain {
    const TIME_MOVES: bool = true;

    fn queue(&self) -> &impl Queue {
        self
    }

    async fn receive(&self, queue: QueueName, most: usize) -> Vec<Taken> {
        let received = self.0.queues.receive(queue, most);
        let taken = received.into_iter().map(|message| Taken {
            message_id: message.id,
            receipt: message.receipt,
            group: message.group,
            body: message.body.to_string(),
            receive_count: message.receive_count,
        });
        taken.collect()
    }

    async fn delete(&self, queue: QueueName, receipt: &str) {
        self.0.queues.delete(queue, receipt);
    }

    async fn dead_letters(&self, queue: QueueName) -> Vec<(String, String)> {
        let letters = self.0.queues.take_dead_letters(queue);
        letters.into_iter().map(|letter| (letter.body, letter.reason)).collect()
    }
}

impl EventLog for Plain {
    async fn append(&self, run: &RunId, events: &[StoredEvent]) -> Result<(), LogError> {
        check_events(events)?;
        self.0.log.open(run);
        self.0.log.write(run, events);
        self.0.log.count(run);
        Ok(())
    }

    async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        Ok(self.0.log.read(run))
    }

    async fn projection(&self, run: &RunId) -> Result<Option<Projection>, LogError> {
        Ok(self.0.log.state(run).0)
    }

    async fn save_projection(&self, run: &RunId, projection: &Projection) -> Result<(), LogError> {
        if projection.open || !self.0.log.save(run, projection, true) {
            self.0.log.save(run, projection, false);
        }
        Ok(())
    }

    async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        Ok(self.0.log.open_runs(Instant::now()))
    }

    async fn finished_runs(&self, since: Timestamp) -> Result<Vec<(RunId, Projection)>, LogError> {
        Ok(self.0.log.finished_runs(since, Instant::now()))
    }

    async fn hear(&self, harvests: &[ApifyRunId]) -> Result<(), LogError> {
        self.0.log.hear(harvests);
        Ok(())
    }

    async fn heard(&self, harvests: &[ApifyRunId]) -> Result<BTreeSet<ApifyRunId>, LogError> {
        Ok(self.0.log.heard(harvests))
    }
}
