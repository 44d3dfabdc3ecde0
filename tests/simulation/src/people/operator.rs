//! What people do to the queues: they send an unreadable message, and redrive dead letters.

use crate::branches::{NAMELESS, POISON, is_hopeless};
use crate::env::world::World;
use crate::fault::Fault;
use shared::messages::routes;
use shared::ports::{DeadLetter as PortDeadLetter, QueueName};
use std::sync::Arc;
use std::time::Duration;
use tests::MASTER_BASE;
use tokio::task::JoinHandle;

/// After the faults, every run is right within this time. A task that was just put off for ten
/// minutes may be put off again because of its leads.
const HEALS_WITHIN: Duration = Duration::from_mins(45);
/// How long a locked field is not tried again.
const LOCK_REMEMBERED: Duration = Duration::from_hours(1);
/// How long dead letters may wait for an operator.
const REDRIVEN_AFTER: Duration = Duration::from_hours(24 * 28);

/// Somebody puts an unreadable message into a group that has work.
pub(crate) async fn poison(world: Arc<World>) {
    for (queue, group, body) in [
        (QueueName::Scoring, routes::plan_group("Bo"), POISON),
        (QueueName::Metrics, MASTER_BASE.to_owned(), POISON),
        (QueueName::Scoring, routes::plan_group("Bo"), NAMELESS),
    ] {
        tokio::time::sleep(world.dice.within(Duration::from_mins(10))).await;
        if world.faults.hits(Fault::PoisonMessage) {
            world.trace.say(|| format!("somebody puts {body} on {group} of {queue:?}"));
            let deduplication = format!("poison-{}-{}", queue.as_str(), body.len());
            let message = routes::verbatim(&group, &deduplication, body);
            world.queues.put(queue, &message, Duration::ZERO);
        }
    }
}

/// The faults end, an operator redrives the dead letters, and soon everything is right.
pub(crate) async fn heal(world: &World, people: JoinHandle<()>) {
    let is_late = world.faults.is_drawn(Fault::RedrivenLate);
    world.faults.stop();
    world.queues.release();
    world.trace.say(|| "the faults end".to_owned());
    let mut letters = Vec::new();
    for queue in QueueName::ALL {
        letters.extend(world.queues.take_dead_letters(queue).into_iter().map(|l| (queue, l)));
    }
    if is_late && !letters.is_empty() {
        // Ticks continue all the time. This wakes the ones that find work.
        world.activity.notify_one();
        tokio::time::sleep(HEALS_WITHIN).await;
        tokio::time::sleep(REDRIVEN_AFTER).await;
    }
    world.faults.send_people_home();
    people.await.expect("people do nothing that fails");
    for (queue, letter) in letters {
        if is_hopeless(&letter.body) {
            world.oracle().dead(&letter.message_id, &letter.reason);
            continue;
        }
        world
            .trace
            .say(|| format!("an operator redrives {}: {}", letter.message_id, letter.reason));
        if is_late {
            world.faults.count(Fault::RedrivenLate);
        }
        world.oracle().dead(&letter.message_id, &letter.reason);
        let letter = PortDeadLetter {
            message_id: letter.message_id,
            group: letter.group,
            body: letter.body,
            reason: letter.reason,
            died_at: world.clock.now(),
        };
        let (to, message) = routes::redriven(queue, &letter).expect("a message that says where to");
        world.queues.put(to, &message, Duration::ZERO);
    }
    if world.faults.count_of(Fault::FieldLocked) > 0 {
        // A field that is unlocked is written again within this time.
        tokio::time::sleep(LOCK_REMEMBERED).await;
    }
    world.activity.notify_one();
    tokio::time::sleep(HEALS_WITHIN).await;
    if !world.queues.are_empty() {
        world.oracle().not_empty();
    }
    for queue in QueueName::ALL {
        let letters = world.queues.take_dead_letters(queue);
        for letter in letters.into_iter().filter(|letter| !is_hopeless(&letter.body)) {
            world.oracle().dead_after_all(&letter.message_id, &letter.reason);
        }
    }
}
