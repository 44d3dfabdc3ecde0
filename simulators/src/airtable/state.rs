//! Everything that a simulated Airtable holds, and what of it survives a restart.

use super::error::ApiError;
use super::formula::Regexes;
use super::ids::Ids;
use super::iterators::Iterators;
use super::model::{Base, Record, Table};
use crate::Store;
use crate::rates::Rates;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The prefix of Airtable's keys in the store.
const PREFIX: &str = "airtable/";
/// The key of the number of reserved ids.
const IDS: &str = "airtable/ids";
/// How long all requests are refused after a limit was exceeded.
const PENALTY: Duration = Duration::from_secs(30);

/// A base by its id, and a table in it by its id or name.
pub(crate) type Place<'a> = (&'a str, &'a str);

/// The store cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A value is not in the form that this version writes.
    #[error("stored value {0} is unreadable")]
    Unreadable(String, #[source] serde_json::Error),
    /// A row belongs to a table that is not stored.
    #[error("stored row {0} belongs to no table")]
    Orphan(String),
}

pub(crate) struct State {
    store: Arc<dyn Store>,
    pub(crate) ids: Ids,
    pub(crate) bases: BTreeMap<String, Base>,
    pub(crate) iterators: Iterators,
    pub(crate) regexes: Regexes,
    pub(crate) rates: Rates,
    pub(crate) quota_spent: bool,
    /// Fields that the API may not write: base, table and field by id.
    pub(crate) locked: BTreeSet<(String, String, String)>,
    /// Requests per base, including refused ones.
    pub(crate) requests: BTreeMap<String, u64>,
}

impl State {
    /// Loads the state from the store. Ids are drawn from `seed` and continue where they stopped.
    pub(crate) fn load(store: Arc<dyn Store>, seed: u64) -> Result<Self, LoadError> {
        let stored: BTreeMap<String, String> = store.all().into_iter().collect();
        let mut bases = BTreeMap::new();
        for (key, text) in stored.iter().filter(|(key, _)| key.starts_with("airtable/base/")) {
            let base: Base = read(key, text)?;
            bases.insert(base.id.clone(), base);
        }
        for (key, text) in stored.iter().filter(|(key, _)| key.starts_with("airtable/record/")) {
            let record: Record = read(key, text)?;
            let orphan = || LoadError::Orphan(key.clone());
            let parts: Vec<&str> = key.split('/').collect();
            let [_, _, base, table, id] = parts.as_slice() else { return Err(orphan()) };
            let base: Option<&mut Base> = bases.get_mut(*base);
            let table = base.and_then(|base| base.table_mut(table)).ok_or_else(orphan)?;
            table.records.insert(Arc::from(*id), record);
        }
        let used = stored.get(IDS).map_or(Ok(0), |text| read(IDS, text))?;
        Ok(Self { bases, ..Self::empty(store, Ids::new(seed, used)) })
    }

    fn empty(store: Arc<dyn Store>, ids: Ids) -> Self {
        Self {
            store,
            ids,
            bases: BTreeMap::new(),
            iterators: Iterators::default(),
            regexes: Regexes::default(),
            rates: Rates::new(PENALTY),
            quota_spent: false,
            locked: BTreeSet::new(),
            requests: BTreeMap::new(),
        }
    }

    /// Deletes everything, in the store too, except the keys of other simulators that share the
    /// store.
    pub(crate) fn clear(&mut self, seed: u64) {
        for (key, _) in self.store.all() {
            if key.starts_with(PREFIX) {
                self.store.remove(&key);
            }
        }
        *self = Self::empty(Arc::clone(&self.store), Ids::new(seed, 0));
    }

    /// The base, or the error for a missing base.
    pub(crate) fn base(&self, base: &str) -> Result<&Base, ApiError> {
        self.bases.get(base).ok_or(ApiError::Forbidden)
    }

    pub(crate) fn table(&self, (base, table): Place<'_>) -> Result<(&Base, &Table), ApiError> {
        let base = self.base(base)?;
        Ok((base, base.table(table).ok_or(ApiError::Forbidden)?))
    }

    /// Like [`Self::table`], mutable.
    pub(crate) fn table_mut(&mut self, (base, table): Place<'_>) -> Result<&mut Table, ApiError> {
        let base = self.bases.get_mut(base).ok_or(ApiError::Forbidden)?;
        base.table_mut(table).ok_or(ApiError::Forbidden)
    }

    /// Stores the tables, fields and views of a base.
    pub(crate) fn save_base(&mut self, base: &str) {
        self.reserve_ids();
        if let Some(base) = self.bases.get(base) {
            self.store.put(&format!("{PREFIX}base/{}", base.id), &written(base));
        }
    }

    /// Stores the current state of a row, or removes it if it is deleted.
    pub(crate) fn save_record(&mut self, place: Place<'_>, id: &str) {
        if !self.store.keeps() {
            return;
        }
        self.reserve_ids();
        let Ok((base, table)) = self.table(place) else { return };
        let key = format!("{PREFIX}record/{}/{}/{id}", base.id, table.id);
        match table.records.get(id) {
            Some(record) => self.store.put(&key, &written(record)),
            None => self.store.remove(&key),
        }
    }

    pub(crate) fn save_records(&mut self, place: Place<'_>) {
        let ids = self.table(place).map(|(_, table)| table.records.keys().cloned().collect());
        let ids: Vec<Arc<str>> = ids.unwrap_or_default();
        for id in ids {
            self.save_record(place, &id);
        }
    }

    fn reserve_ids(&mut self) {
        if let Some(reserved) = self.ids.reservation() {
            self.store.put(IDS, &reserved.to_string());
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(key: &str, text: &str) -> Result<T, LoadError> {
    serde_json::from_str(text).map_err(|error| LoadError::Unreadable(key.to_owned(), error))
}

fn written(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("bases and rows are plain JSON values")
}
