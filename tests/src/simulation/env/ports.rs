//! The ports as one process sees them, which may die between any two steps.

use super::fault::Fault;
use super::worker::Worker;
use super::world::World;
use shared::ports::Env;
use std::sync::Arc;

/// What a turn is beside, for a process that dies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Something is only read.
    Reading,
    /// Something is about to take effect.
    Before,
    /// Something took effect; the process does not know it yet.
    After,
}

/// The ports as one process sees them.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) world: Arc<World>,
    pub(crate) worker: Arc<Worker>,
}

impl Env for Ports {
    type Transport = Self;
    type Queue = Self;
    type EventLog = Self;
}

impl Ports {
    /// Gives up its turn: others go on meanwhile. A process may die here, beside an effect.
    pub(crate) async fn turn(&self, turn: Turn) {
        tokio::time::sleep(self.world.dice.step()).await;
        self.world.step();
        let (fault, place) = match turn {
            Turn::Reading => return,
            Turn::Before => (Fault::CrashBefore, "before"),
            Turn::After => (Fault::CrashAfter, "after"),
        };
        let dies = || self.world.faults.hits(fault);
        if self.worker.is_dead() || dies() {
            self.world.trace.say(|| format!("{} dies {place} an effect", self.worker.name));
            self.worker.die();
            std::future::pending::<()>().await;
        }
    }

    /// Whether `fault` hits this step.
    pub(crate) fn hit(&self, fault: Fault) -> bool {
        let hit = self.world.faults.hits(fault);
        if hit {
            self.world.trace.say(|| format!("{} meets {fault:?}", self.worker.name));
        }
        hit
    }
}
