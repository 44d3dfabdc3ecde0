//! What the simulator remembers, written through to its store.

use super::dispatch::Dispatch;
use super::route::Holder;
use super::run::Run;
use crate::Store;
use crate::rates::Rates;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How many runs and dispatches were ever made; ids are drawn from it.
const COUNTER: &str = "counter";

/// Runs, their items, the dispatches, and the tasks that deliver them.
pub(super) struct State {
    store: Arc<dyn Store>,
    pub(super) runs: BTreeMap<String, Run>,
    items: HashMap<String, Arc<Vec<Box<RawValue>>>>,
    pub(super) dispatches: BTreeMap<String, Dispatch>,
    counter: u64,
    pub(super) rates: Rates,
    pub(super) tasks: HashMap<String, AbortHandle>,
}

impl State {
    pub(super) fn read(store: Arc<dyn Store>) -> Self {
        let mut state = Self {
            runs: BTreeMap::new(),
            items: HashMap::new(),
            dispatches: BTreeMap::new(),
            counter: 0,
            rates: Rates::new(Duration::ZERO),
            tasks: HashMap::new(),
            store: Arc::clone(&store),
        };
        for (key, text) in store.all() {
            let taken = match key.split_once('/') {
                Some(("run", id)) => {
                    parsed(&text).map(|run| state.runs.insert(id.into(), run)).is_some()
                }
                Some(("dataset", id)) => parsed(&text)
                    .map(|items| state.items.insert(id.into(), Arc::new(items)))
                    .is_some(),
                Some(("dispatch", id)) => {
                    parsed(&text).map(|found| state.dispatches.insert(id.into(), found)).is_some()
                }
                None if key == COUNTER => {
                    parsed(&text).map(|number| state.counter = number).is_some()
                }
                Some(_) | None => false,
            };
            if !taken {
                tracing::warn!(key, "stored entry of the Apify simulator not understood");
            }
        }
        state
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.store.put(COUNTER, &self.counter.to_string());
        self.counter
    }

    pub(super) fn add_run(&mut self, run: Run, items: Vec<Box<RawValue>>) {
        self.store.put(&format!("run/{}", run.id), &text(&run));
        self.store.put(&format!("dataset/{}", run.dataset_id), &text(&items));
        self.items.insert(run.dataset_id.clone(), Arc::new(items));
        self.runs.insert(run.id.clone(), run);
    }

    /// Removes a run with its items; what was dispatched stays.
    pub(super) fn delete_run(&mut self, id: &str) -> bool {
        let Some(run) = self.runs.remove(id) else { return false };
        self.items.remove(&run.dataset_id);
        self.store.remove(&format!("run/{id}"));
        self.store.remove(&format!("dataset/{}", run.dataset_id));
        true
    }

    /// The run that `holder` names, or whose `own_id` it names.
    pub(super) fn run_of(&self, holder: &Holder, own_id: impl Fn(&Run) -> &String) -> Option<&Run> {
        match holder {
            Holder::OfRun(id) => self.runs.get(id),
            Holder::Own(id) => self.runs.values().find(|&run| own_id(run) == id),
        }
    }

    pub(super) fn items(&self, run: &Run) -> Arc<Vec<Box<RawValue>>> {
        self.items.get(&run.dataset_id).cloned().unwrap_or_default()
    }

    pub(super) fn put_dispatch(&mut self, dispatch: Dispatch) {
        self.store.put(&format!("dispatch/{}", dispatch.id), &text(&dispatch));
        self.dispatches.insert(dispatch.id.clone(), dispatch);
    }

    pub(super) fn dispatches(&self) -> Vec<Dispatch> {
        let mut all: Vec<Dispatch> = self.dispatches.values().cloned().collect();
        all.sort_by_key(|dispatch| dispatch.number);
        all
    }

    /// Ends every task that would still deliver something.
    pub(super) fn stop(&mut self) {
        for (_, task) in self.tasks.drain() {
            task.abort();
        }
    }

    pub(super) fn clear(&mut self) {
        self.stop();
        self.store.clear();
        *self = Self::read(Arc::clone(&self.store));
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what the simulator keeps are plain JSON values")
}
