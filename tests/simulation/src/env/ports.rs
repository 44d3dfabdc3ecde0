//! The ports as one process sees them. The process may die between any two steps.

use super::worker::Worker;
use super::world::World;
use crate::fault::Fault;
use crate::script::Call;
use shared::ports::Env;
use std::sync::Arc;
use std::time::Duration;

/// What happens at a turn, for a process that dies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Something is only read.
    Reading,
    /// Something will take effect.
    Before,
    /// Something took effect, and the process does not know it yet.
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
    /// Yields to other parts. A process may die here, before or after an effect.
    pub(crate) async fn turn(&self, turn: Turn, call: &Call<'_>) {
        let delay =
            if turn == Turn::After { Duration::ZERO } else { self.world.faults.delay(call) };
        tokio::time::sleep(self.world.dice.step() + delay).await;
        self.world.step();
        let (fault, place) = match turn {
            Turn::Reading => return,
            Turn::Before => (Fault::CrashBefore, "before"),
            Turn::After => (Fault::CrashAfter, "after"),
        };
        let dies = || self.is_hit(fault, call);
        if self.worker.is_dead() || dies() {
            self.world.trace.say(|| format!("{} dies {place} an effect", self.worker.name));
            self.worker.die();
            std::future::pending::<()>().await;
        }
    }

    /// Whether `fault` hits this call. Does not write to the trace.
    fn is_hit(&self, fault: Fault, call: &Call<'_>) -> bool {
        let hit = self.world.faults.is_drawn_at(fault, call);
        if hit {
            self.world.faults.count(fault);
        }
        hit
    }

    pub(crate) fn hit(&self, fault: Fault, call: &Call<'_>) -> bool {
        let hit = self.is_hit(fault, call);
        if hit {
            self.world.trace.say(|| format!("{} meets {fault:?}", self.worker.name));
        }
        hit
    }
}
