//! The ports' promises, checked on the simulation's queues and event log without faults.

#![expect(clippy::print_stdout, reason = "the conformance suites print each promise they check")]

use simulation::Plain;
use tests::conformance::{event_log, queue};

#[tokio::test(start_paused = true)]
async fn the_event_log_and_the_queues_of_the_simulation_keep_their_promises() {
    event_log::all(Plain::new().log(), looks_at).await;
    queue::all(async || Plain::new(), Plain::VISIBILITY, looks_at).await;
}

fn looks_at(promise: &str) {
    println!("{promise}");
}
