//! A run of many chunks: the end of each is reported, and only the last can end the run.

use crate::counted_log::CountedLog;
use crate::paused::{Services, World, adapters, clock, variable};
use metrics_finalizer::{Config, Finalizer};
use serde_json::{Value, json};
use shared::core::deadline::Deadline;
use shared::schema::run_record;
use shared::services::airtable::Limiters;
use std::sync::Arc;
use std::time::Duration;
use tests::{MASTER_BASE, told};

const PLAN: &str = "IMWhSz8Df0ytWalS961bKQ";
const CHUNKS: usize = 20;

/// The finalizer and what it reaches.
struct Stage {
    finalizer: Finalizer<World>,
    services: Services,
    log: CountedLog,
}

impl Stage {
    fn new() -> Self {
        let clock = clock();
        let adapters = adapters(&clock);
        let (services, log) = (adapters.transport.clone(), adapters.log.clone());
        let config = Config::read(variable).unwrap();
        let limiters = Arc::new(Limiters::of_the_only_process());
        Self { finalizer: Finalizer::new(config, adapters, limiters, clock), services, log }
    }

    /// Sends the finalizer facts about the run in one batch. Returns how often it read the log.
    async fn tell(&self, facts: &[Value]) -> usize {
        let run = json!({"base_run": "261123-094519", "client": "Guy-Wilson",
            "client_name": "Guy Wilson", "run_type": "standalone",
            "opened_at": "2026-11-23T10:00:00Z"});
        let record = |(number, fact): (usize, &Value)| {
            let body = json!({"version": 1, "type": "event", "run": run,
                "at": "2026-11-23T10:00:00Z", "fact": fact});
            json!({"messageId": number.to_string(), "receiptHandle": number.to_string(),
                "body": body.to_string(), "attributes": {"MessageGroupId": MASTER_BASE}})
        };
        let records: Vec<Value> = facts.iter().enumerate().map(record).collect();
        let batch = serde_json::from_value(json!({"Records": records})).unwrap();
        let before = self.log.reads();
        let deadline = Deadline::after(Duration::from_mins(1));
        let response = metrics_finalizer::handle(&self.finalizer, batch, deadline).await;
        assert_eq!(response.batch_item_failures.len(), 0);
        self.log.reads() - before
    }

    fn told(&self) -> String {
        let airtable = self.services.airtable.service();
        told(&airtable.rows(MASTER_BASE, run_record::TABLE).unwrap()[0].fields)
    }
}

/// The facts that a worker reports when the chunk's only lead is scored.
fn ended(chunk: usize) -> [Value; 2] {
    let attempt = json!({"plan": PLAN, "chunk": chunk, "started_at": "2026-11-23T10:00:00Z",
        "attempt": "6Kbq8tZ1vQ0Fh3mPzXn2Lw"});
    let lead = json!({"lead": format!("lead-{chunk:06}"), "outcome": "scored"});
    let settled = json!({"type": "settled", "attempt": attempt, "kind": "post", "leads": [lead]});
    [settled, json!({"type": "chunk_done", "attempt": attempt})]
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_run_is_not_read_again_for_each_chunk_that_ends() {
    let stage = Stage::new();
    let planned = |chunk: usize| {
        json!({"type": "planned_chunk", "plan": PLAN, "kind": "post", "chunk": chunk,
            "leads": [{"lead": format!("lead-{chunk:06}"), "posts": 0}]})
    };
    let mut plan: Vec<Value> = (0..CHUNKS).map(planned).collect();
    plan.push(json!({"type": "planned", "plan": PLAN, "kind": "post", "chunks": CHUNKS}));
    assert_eq!(stage.tell(&plan).await, 1, "its record is written");
    assert!(stage.told().starts_with("Running"), "{}", stage.told());
    for chunk in 0..CHUNKS - 1 {
        assert_eq!(stage.tell(&ended(chunk)).await, 0, "chunk {chunk}");
    }
    assert_eq!(stage.tell(&ended(CHUNKS - 1)).await, 1, "the run may have ended");
    assert!(stage.told().starts_with("Completed"), "{}", stage.told());
}
