//! Queued messages, and stored events.

use super::json::{at, count, parsed, run_of, text};
use super::lanes::attempt_of;
use super::oracle::Oracle;
use crate::branches::Branch;
use crate::scenario::ANOTHER_RUN;
use serde_json_borrow::Value;
use shared::ports::{QueueName, StoredEvent};

impl Oracle {
    /// A message was put on its queue. Returns the branch of failed work that it shows.
    pub(crate) fn sent(&mut self, invocation: u64, queue: QueueName, body: &str) -> Option<Branch> {
        let message = parsed(body);
        if queue == QueueName::Scoring {
            self.task_sent(&message);
        }
        match (queue, text(&message, "/type")) {
            (QueueName::Scoring, "ingest") => self.ingest_queued(&message),
            (QueueName::Scoring, "chunk") => {
                let run = run_of(&message);
                self.learn_keys(&message);
                self.plan_queued(invocation, &message);
                self.run(&run).chunk_queued(&message);
            }
            (QueueName::Metrics, "event") => {
                let run = run_of(&message);
                let fact = at(&message, "/fact")?;
                match text(fact, "/type") {
                    "opened" => self.opened(&run, fact),
                    "announced" => self.announced(invocation, &run, fact),
                    "billed" => self.billed(invocation, &run, fact),
                    "settled" => self.settled(invocation, &run, fact),
                    "chunk_failed" => {
                        self.run(&run).chunk_failed(fact);
                        return Some(Branch::ChunkFailed);
                    }
                    "run_failed" => {
                        self.run(&run).is_given_up = true;
                        return Some(Branch::RunFailed);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        None
    }

    /// A run claimed the cost of a harvest. The first run gets it.
    pub(crate) fn cost_claimed(&mut self, apify_run: &str, run: &str) {
        self.cost_owners.entry(apify_run.to_owned()).or_insert_with(|| run.to_owned());
    }

    pub(crate) fn appended(&mut self, run: &str, events: &[StoredEvent]) {
        let log = &mut self.run(run).log;
        for event in events {
            log.stored(&parsed(&event.body));
        }
    }

    /// A chunk was queued; by its planning if it does not mention earlier attempts.
    fn plan_queued(&mut self, invocation: u64, message: &Value<'_>) {
        if attempt_of(message).is_some() {
            return;
        }
        let chunk = (text(message, "/plan").to_owned(), count(message, "/index"));
        let Some(known) = self.invocations.get_mut(&invocation) else { return };
        let earlier = known.task.as_ref().and_then(|task| self.plans_of_tasks.get(task));
        known.plans.queued.insert(chunk.clone());
        let is_new = self.planned.insert(chunk.clone());
        match earlier.filter(|earlier| earlier.queued.contains(&chunk)) {
            Some(earlier) if earlier.told.contains(&chunk.0) => {
                self.queued_twice.insert(chunk.0);
            }
            // It is not known how many of its chunks the queue accepted.
            Some(_) => {}
            None if !is_new => {
                self.planned_again.insert(chunk.0);
            }
            None => {}
        }
    }

    /// A worker heard that the queue accepted its messages, including this one. If the message
    /// reports a plan, the worker continues after that plan. A worker whose time ends before does
    /// not know.
    pub(crate) fn known_to_be_sent(&mut self, invocation: u64, body: &str) {
        let message = parsed(body);
        // It is reported last.
        let is_plan = text(&message, "/fact/type") == "planned";
        if let Some(known) = self.invocations.get_mut(&invocation).filter(|_| is_plan) {
            known.plans.told.insert(text(&message, "/fact/plan").to_owned());
        }
    }

    /// The task to read a harvest was queued. From now on the harvest belongs to its run.
    fn ingest_queued(&mut self, message: &Value<'_>) {
        let apify_run = text(message, "/apify_run_id");
        let Some((harvest, [run, derived])) = self.harvests.get(apify_run).cloned() else { return };
        let run = match text(message, "/hints/client") {
            "Nobody" => format!("{derived}-(unattributed)"),
            // Found by the tick: the run is known when it is opened.
            "" => {
                self.clientless.insert(apify_run.to_owned());
                return;
            }
            client => {
                let named = text(message, "/hints/base_run");
                let is_another = named.starts_with(ANOTHER_RUN);
                if is_another { format!("{named}-{client}") } else { run }
            }
        };
        self.run(&run).harvests.insert(harvest);
    }

    /// A harvest's run was opened. If the tick found the harvest, it is its own run or
    /// unattributed.
    fn opened(&mut self, run: &str, fact: &Value<'_>) {
        let apify_run = text(fact, "/by/webhook");
        let Some((harvest, [own, derived])) = self.harvests.get(apify_run).cloned() else { return };
        let is_nobodys = run == format!("{derived}-(unattributed)");
        if self.clientless.contains(apify_run) && (run == own || is_nobodys) {
            self.run(run).harvests.insert(harvest);
        }
    }
}
