//! Datasets and key-value stores in the state: those of runs, and those that callers create.

use super::route::{Holder, RunRef};
use super::run::{Run, actor_id};
use super::state::State;
use super::storage::{Maker, Record, Storage, StorageKind};
use serde_json::value::RawValue;
use std::sync::Arc;

impl State {
    pub(super) fn run(&self, run: &RunRef) -> Option<&Run> {
        match run {
            RunRef::Id(id) => self.runs.get(id),
            RunRef::Last { actor, status } => {
                let actor = actor_id(actor);
                let runs = self.runs.values().filter(|run| run.actor_id == actor);
                let runs = runs.filter(|run| status.is_none_or(|status| run.status == status));
                runs.max_by_key(|run| (run.started_at, run.number))
            }
        }
    }

    /// The storage of this kind for `holder`: by its id, by `username~name`, or through its run.
    pub(super) fn storage(&self, kind: StorageKind, holder: &Holder) -> Option<Storage> {
        let id_in = |run: &Run| match kind {
            StorageKind::Dataset => run.dataset_id.clone(),
            StorageKind::KeyValueStore => run.store_id.clone(),
        };
        let run = match holder {
            Holder::OfRun(run) => Some(self.run(run)?),
            Holder::Own(id) => self.runs.values().find(|run| id_in(run) == *id),
        };
        if let Some(run) = run {
            return Some(Storage {
                kind,
                id: id_in(run),
                name: None,
                created_at: run.started_at,
                modified_at: run.finished_at.unwrap_or(run.started_at),
                maker: Some(Maker {
                    run_id: run.id.clone(),
                    actor_id: run.actor_id.clone(),
                    ignores_offset: run.ignores_offset,
                }),
            });
        }
        let Holder::Own(id) = holder else { return None };
        let name = id.split_once('~').map(|(_, name)| name);
        let mut known = self.storages.values().filter(|storage| storage.kind == kind);
        known
            .find(|storage| {
                storage.id == *id || (name.is_some() && storage.name.as_deref() == name)
            })
            .cloned()
    }

    /// The named storages of a kind, optionally also the unnamed ones, oldest first.
    pub(super) fn storages(&self, kind: StorageKind, with_unnamed: bool) -> Vec<Storage> {
        let all = self.storages.values().filter(|storage| storage.kind == kind);
        let mut found: Vec<Storage> =
            all.filter(|storage| with_unnamed || storage.name.is_some()).cloned().collect();
        found
            .sort_by(|left, right| (left.created_at, &left.id).cmp(&(right.created_at, &right.id)));
        found
    }

    /// Removes a storage with its contents. The storage of a run stays, but is emptied.
    pub(super) fn delete_storage(&mut self, storage: &Storage) {
        self.drop_storage(&storage.id);
        for key in self.keys(&storage.id) {
            self.delete_record(&storage.id, &key);
        }
    }

    /// The items of a dataset.
    pub(super) fn items_of(&self, dataset: &str) -> Arc<Vec<Box<RawValue>>> {
        self.items.get(dataset).cloned().unwrap_or_default()
    }

    /// The keys of a store's records, in order.
    pub(super) fn keys(&self, store: &str) -> Vec<String> {
        let records = self.records.keys().filter(|(of, _)| of == store);
        records.map(|(_, key)| key.clone()).collect()
    }

    pub(super) fn record(&self, store: &str, key: &str) -> Option<&Record> {
        self.records.get(&(store.to_owned(), key.to_owned()))
    }
}
