//! The simulator's state. Every change is written to its store.

use super::dispatch::Dispatch;
use super::hook::Hook;
use super::run::Run;
use super::storage::{Record, Storage};
use crate::Store;
use crate::rates::Rates;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// The key of the number of runs and dispatches so far, from which ids are drawn.
const COUNTER: &str = "counter";

/// Runs, their items, the dispatches, and the tasks that deliver them.
pub(super) struct State {
    store: Arc<dyn Store>,
    pub(super) runs: BTreeMap<String, Run>,
    /// The items of all datasets, of runs and others.
    pub(super) items: HashMap<String, Arc<Vec<Box<RawValue>>>>,
    /// The storages that were not created by a run, by id.
    pub(super) storages: BTreeMap<String, Storage>,
    /// Records by store and key. The input of a run is here only if it was overwritten.
    pub(super) records: BTreeMap<(String, String), Record>,
    /// The persistent webhooks, by id.
    pub(super) hooks: BTreeMap<String, Hook>,
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
            storages: BTreeMap::new(),
            records: BTreeMap::new(),
            hooks: BTreeMap::new(),
            dispatches: BTreeMap::new(),
            counter: 0,
            rates: Rates::new(Duration::ZERO),
            tasks: HashMap::new(),
            store: Arc::clone(&store),
        };
        for (key, text) in store.all() {
            if state.take(&key, &text).is_none() {
                tracing::warn!(key, "stored entry of the Apify simulator not understood");
            }
        }
        state
    }

    /// Reads an entry of the store; `None` if it cannot be understood.
    fn take(&mut self, key: &str, text: &str) -> Option<()> {
        match key.split_once('/') {
            Some(("run", id)) => drop(self.runs.insert(id.into(), parsed(text)?)),
            Some(("dataset", id)) => drop(self.items.insert(id.into(), Arc::new(parsed(text)?))),
            Some(("storage", id)) => drop(self.storages.insert(id.into(), parsed(text)?)),
            Some(("record", place)) => {
                let (store, key) = place.split_once('/')?;
                self.records.insert((store.into(), key.into()), parsed(text)?);
            }
            Some(("webhook", id)) => drop(self.hooks.insert(id.into(), parsed(text)?)),
            Some(("dispatch", id)) => drop(self.dispatches.insert(id.into(), parsed(text)?)),
            None if key == COUNTER => self.counter = parsed(text)?,
            Some(_) | None => return None,
        }
        Some(())
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.store.put(COUNTER, &self.counter.to_string());
        self.counter
    }

    pub(super) fn add_run(&mut self, run: Run, items: Vec<Box<RawValue>>) {
        self.put_items(&run.dataset_id, items);
        self.put_run(run);
    }

    pub(super) fn put_run(&mut self, run: Run) {
        self.store.put(&format!("run/{}", run.id), &text(&run));
        self.runs.insert(run.id.clone(), run);
    }

    /// Removes a run with its items. Its dispatches stay.
    pub(super) fn delete_run(&mut self, id: &str) -> bool {
        let Some(run) = self.runs.remove(id) else { return false };
        self.items.remove(&run.dataset_id);
        self.store.remove(&format!("run/{id}"));
        self.store.remove(&format!("dataset/{}", run.dataset_id));
        true
    }

    pub(super) fn put_items(&mut self, dataset: &str, items: Vec<Box<RawValue>>) {
        self.store.put(&format!("dataset/{dataset}"), &text(&items));
        self.items.insert(dataset.to_owned(), Arc::new(items));
    }

    pub(super) fn put_storage(&mut self, storage: Storage) {
        self.store.put(&format!("storage/{}", storage.id), &text(&storage));
        self.storages.insert(storage.id.clone(), storage);
    }

    /// Removes a storage and, if it is a dataset, its items.
    pub(super) fn drop_storage(&mut self, id: &str) {
        self.storages.remove(id);
        self.items.remove(id);
        self.store.remove(&format!("storage/{id}"));
        self.store.remove(&format!("dataset/{id}"));
    }

    pub(super) fn put_record(&mut self, store: &str, key: &str, record: Record) {
        self.store.put(&format!("record/{store}/{key}"), &text(&record));
        self.records.insert((store.to_owned(), key.to_owned()), record);
    }

    /// Removes a record, if it exists.
    pub(super) fn delete_record(&mut self, store: &str, key: &str) {
        self.store.remove(&format!("record/{store}/{key}"));
        self.records.remove(&(store.to_owned(), key.to_owned()));
    }

    pub(super) fn put_hook(&mut self, hook: Hook) {
        self.store.put(&format!("webhook/{}", hook.id), &text(&hook));
        self.hooks.insert(hook.id.clone(), hook);
    }

    pub(super) fn delete_hook(&mut self, id: &str) {
        self.store.remove(&format!("webhook/{id}"));
        self.hooks.remove(id);
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

    /// Stops all delivering tasks.
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
