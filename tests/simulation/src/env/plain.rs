//! The simulation's queues and event log without faults, for the suites in [`tests::conformance`].

use super::ports::Ports;
use super::worker::Worker;
use super::world::World;
use crate::options::Options;
use shared::ports::{EventLog, Queue, QueueName};
use std::sync::Arc;
use std::time::Duration;
use tests::conformance::queue::{Mailbox, Taken};

/// The ports of a schedule without faults, on paused time.
pub struct Plain(Ports);

impl Plain {
    /// How long a received message is hidden.
    pub const VISIBILITY: Duration = super::queue_state::VISIBILITY;

    /// Empty queues and an empty log.
    pub fn new() -> Self {
        let options = Options { faults: false, ..Options::default() };
        let mut world = World::new(0, options, None);
        world.index_lag = Duration::ZERO;
        let worker = Arc::new(Worker::new("plain".to_owned()));
        Self(Ports { world: Arc::new(world), worker })
    }

    pub fn log(&self) -> &impl EventLog {
        &self.0
    }
}

impl Default for Plain {
    fn default() -> Self {
        Self::new()
    }
}

impl Mailbox for Plain {
    const TIME_MOVES: bool = true;

    fn queue(&self) -> &impl Queue {
        &self.0
    }

    async fn receive(&self, queue: QueueName, most: usize) -> Vec<Taken> {
        let received = self.0.world.queues.receive(queue, most);
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
        self.0.world.queues.delete(queue, receipt);
    }

    async fn dead_letters(&self, queue: QueueName) -> Vec<(String, String)> {
        let letters = self.0.world.queues.take_dead_letters(queue);
        letters.into_iter().map(|letter| (letter.body, letter.reason)).collect()
    }
}
