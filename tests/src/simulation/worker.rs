//! One process of a function, which may die between any two steps; its view of the seams.

use super::failures::Tried;
use super::faults::Fault;
use super::world::World;
use shared::ports::Env;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// A process.
pub(super) struct Worker {
    pub(super) name: String,
    life: Mutex<Life>,
    died: Notify,
}

/// Where a process is.
#[derive(Default)]
struct Life {
    /// The invocation it works on.
    invocation: u64,
    /// What it tried to do with the invocation's messages.
    tried: Tried,
    /// Whether it died. What else of it runs in the same turn does nothing any more.
    is_dead: bool,
}

impl Worker {
    pub(super) fn new(name: String) -> Self {
        Self { name, life: Mutex::default(), died: Notify::new() }
    }

    /// Begins an invocation.
    pub(super) fn begin(&self, invocation: u64) {
        let mut life = self.life();
        life.invocation = invocation;
        life.tried = Tried::default();
    }

    pub(super) fn invocation(&self) -> u64 {
        self.life().invocation
    }

    /// Returns when the process died.
    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    /// What it tried to do with the messages of its invocation.
    pub(super) fn tried(&self) -> Tried {
        self.life().tried.clone()
    }

    /// Remembers what it tries.
    pub(super) fn tries(&self, remember: impl FnOnce(&mut Tried)) {
        remember(&mut self.life().tried);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.life().is_dead
    }

    fn die(&self) {
        self.life().is_dead = true;
        self.died.notify_one();
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a turn is beside, for a process that dies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something is only read.
    Reading,
    /// Something is about to take effect.
    Before,
    /// Something took effect; the process does not know it yet.
    After,
}

/// The seams as one process sees them.
#[derive(Clone)]
pub(super) struct Seams {
    pub(super) world: Arc<World>,
    pub(super) worker: Arc<Worker>,
}

impl Env for Seams {
    type Transport = Self;
    type Queue = Self;
    type EventLog = Self;
}

impl Seams {
    /// Gives up its turn: others go on meanwhile. A process may die here, beside an effect.
    pub(super) async fn turn(&self, turn: Turn) {
        tokio::time::sleep(self.world.dice.step()).await;
        self.world.step();
        let (fault, place) = match turn {
            Turn::Reading => return,
            Turn::Before => (Fault::CrashBefore, "before"),
            Turn::After => (Fault::CrashAfter, "after"),
        };
        let dies = || self.world.faults.hits(fault, &self.world.dice);
        if self.worker.is_dead() || dies() {
            self.world.trace.say(|| format!("{} dies {place} an effect", self.worker.name));
            self.worker.die();
            std::future::pending::<()>().await;
        }
    }

    /// Whether `fault` hits this step.
    pub(super) fn hit(&self, fault: Fault) -> bool {
        let hit = self.world.faults.hits(fault, &self.world.dice);
        if hit {
            self.world.trace.say(|| format!("{} meets {fault:?}", self.worker.name));
        }
        hit
    }
}
