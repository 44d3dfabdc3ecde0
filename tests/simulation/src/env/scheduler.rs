//! EventBridge's part: a tick every 10 minutes.

use super::parts::Part;
use super::world::World;
use crate::bug::Bug;
use shared::messages::routes;
use shared::ports::QueueName;
use std::sync::Arc;
use std::time::Duration;
use tests::MASTER_BASE;
use tokio::time::Instant;

/// How often EventBridge sends a tick.
const TICK_EVERY: Duration = Duration::from_mins(10);
/// Most ticks without work, before ticks are skipped until something happens.
const IDLE_TICKS: u32 = 4;

/// EventBridge's part: a tick every 10 minutes. After some ticks without changes, ticks are skipped
/// until something happens, because a schedule may last for weeks.
pub(crate) async fn tick(world: Arc<World>) {
    let master = MASTER_BASE.parse().expect("a base id");
    let (mut idle, mut steps) = (0, 0);
    let mut due = Instant::now() + TICK_EVERY;
    loop {
        tokio::time::sleep_until(due).await;
        // A tick itself takes some steps.
        idle = if world.steps() > steps + 60 { 0 } else { idle + 1 };
        steps = world.steps();
        if idle > IDLE_TICKS {
            world.activity.notified().await;
            idle = 0;
            while due < Instant::now() {
                due += TICK_EVERY;
            }
            tokio::time::sleep_until(due).await;
        }
        due += TICK_EVERY;
        if world.has(Bug::TicksLost) || world.faults.meets_outage(Part::Queue) {
            continue;
        }
        let tick = routes::tick(&master, world.clock.now());
        world.queues.put(QueueName::Metrics, &tick, Duration::ZERO);
    }
}
