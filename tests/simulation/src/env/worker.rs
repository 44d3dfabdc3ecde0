//! One process of a function. It may die between any two steps.

use shared::ports::QueueName;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

pub(crate) struct Worker {
    pub(crate) name: String,
    life: Mutex<Life>,
    died: Notify,
}

#[derive(Default)]
struct Life {
    /// The invocation it works on.
    invocation: u64,
    /// Whether the invocation has a chunk.
    has_chunk: bool,
    /// What it tried to do with the invocation's messages.
    tried: Tried,
    /// Whether it died. Other parts of it that run in the same turn then do nothing more.
    is_dead: bool,
}

impl Worker {
    pub(crate) fn new(name: String) -> Self {
        Self { name, life: Mutex::default(), died: Notify::new() }
    }

    pub(crate) fn begin<'a>(
        &self,
        invocation: u64,
        queue: QueueName,
        bodies: impl IntoIterator<Item = &'a str>,
    ) {
        let mut life = self.life();
        life.invocation = invocation;
        let mut bodies = bodies.into_iter();
        life.has_chunk = queue == QueueName::Scoring
            && bodies.any(|body| body.starts_with("{\"version\":1,\"type\":\"chunk\""));
        life.tried = Tried::default();
    }

    pub(crate) fn invocation(&self) -> u64 {
        self.life().invocation
    }

    /// Whether it works on a chunk.
    pub(crate) fn has_chunk(&self) -> bool {
        self.life().has_chunk
    }

    /// Returns when the process has died.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    /// What it tried to do with the messages of its invocation.
    pub(crate) fn tried(&self) -> Tried {
        self.life().tried.clone()
    }

    pub(crate) fn tries(&self, remember: impl FnOnce(&mut Tried)) {
        remember(&mut self.life().tried);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.life().is_dead
    }

    pub(crate) fn die(&self) {
        self.life().is_dead = true;
        self.died.notify_one();
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a process tried to do with its messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tried {
    /// Receipts of messages that could not be requeued.
    pub(crate) not_requeued: BTreeSet<String>,
    /// Ids of messages that could not be dead-lettered.
    pub(crate) not_dead_lettered: BTreeSet<String>,
}
