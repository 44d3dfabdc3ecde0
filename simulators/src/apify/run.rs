//! Runs: their input and cost, and how the API shows them.

use super::status::RunStatus;
use super::webhook::Webhook;
use crate::invent;
use crate::moments::{after, iso};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The account that owns everything.
pub(super) const USER_ID: &str = "simulatedUser0001";
pub(super) const USERNAME: &str = "simulated";
/// The actor of a run without an `actor_id`.
pub const DEFAULT_ACTOR: &str = "harvestapi~linkedin-profile-posts";
/// How long after the end of a run its cost is preliminary.
const PRELIMINARY_FOR: Duration = Duration::from_secs(10);
/// The price of one event, in hundred-thousandths of a dollar.
const PRICES: [(&str, &str, u64); 5] = [
    ("actor-start", "Actor start", 5),
    ("post", "Post", 200),
    ("comment", "Comment", 200),
    ("reaction", "Reaction", 200),
    ("zero-result-query", "Query without a result", 100),
];

/// The lists in the default actor's input. Each entry is one query.
const TARGETS: [&str; 11] = [
    "targetUrls",
    "profileUrls",
    "profilePublicIdentifiers",
    "profileIds",
    "companyUrls",
    "companyPublicIdentifiers",
    "companyIds",
    "authorsCompanies",
    "authorsCompanyUrls",
    "authorsCompanyPublicIdentifiers",
    "authorsCompanyIds",
];

/// A run to invent; also the body of `POST /_sim/runs`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RunSpec {
    /// An actor's id or `username~name`. Default: [`DEFAULT_ACTOR`].
    pub actor_id: Option<String>,
    /// The task that started the run.
    pub actor_task_id: Option<String>,
    /// The status. Default: succeeded.
    pub status: RunStatus,
    /// When it started. Default: one minute before its end.
    pub started_at: Option<Timestamp>,
    /// When it ended. Default: now. A run that is not over has no end.
    pub finished_at: Option<Timestamp>,
    /// The input, stored verbatim as `INPUT`.
    pub input: Value,
    /// The items that it found.
    pub items: Vec<Value>,
    /// More items as JSON text, for items that no JSON value can represent.
    pub raw_items: Vec<String>,
    /// One item that is found repeatedly, each time with another id and URL.
    pub item: Option<Value>,
    /// See [`RunSpec::item`].
    pub times_with_other_ids: u64,
    /// The limits with which it was started.
    #[serde(alias = "options")]
    pub run_options: RunLimits,
    /// How often each event was charged. Default: counted by the price list.
    pub charged_event_counts: Option<BTreeMap<String, u64>>,
    /// Whether its dataset returns the first page for every request.
    pub ignores_offset: bool,
    /// The final cost. Default: by the price list.
    pub cost_usd: Option<f64>,
    /// The cost that is reported right after the end. Default: the final cost.
    pub preliminary_cost_usd: Option<f64>,
    /// The webhooks of this run.
    pub webhooks: Vec<Webhook>,
}

/// Limits of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunLimits {
    /// Most items that it may push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// Most dollars that it may charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_total_charge_usd: Option<f64>,
}

impl RunSpec {
    /// Reads the body of a control request. Its items are kept verbatim, because no JSON value can
    /// represent some of them.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let mut fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(body).map_err(said)?;
        let items = fields.remove("items");
        let rest = serde_json::to_vec(&fields).map_err(said)?;
        let mut spec: Self = serde_json::from_slice(&rest).map_err(said)?;
        if let Some(items) = items {
            let items: Vec<Box<RawValue>> = serde_json::from_str(items.get()).map_err(said)?;
            spec.raw_items.extend(items.iter().map(|item| item.get().to_owned()));
        }
        Ok(spec)
    }

    /// The JSON texts of the dataset's items.
    pub(super) fn texts(&self) -> Vec<String> {
        let copies = (0..self.times_with_other_ids)
            .filter_map(|n| self.item.as_ref().map(|item| renumbered(item, n)));
        let items = self.items.iter().cloned().chain(copies).map(|item| item.to_string());
        items.chain(self.raw_items.iter().cloned()).collect()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn said(error: serde_json::Error) -> String {
    error.to_string()
}

/// The `n`th copy of an item, with its own id and URL.
fn renumbered(item: &Value, n: u64) -> Value {
    let mut item = item.clone();
    let first = item["id"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
    let (old, new) = (first.to_string(), (first + n).to_string());
    for key in ["id", "linkedinUrl"] {
        if let Some(text) = item[key].as_str() {
            item[key] = text.replace(&old, &new).into();
        }
    }
    item
}

/// A stored run. Its items are stored separately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) actor_id: String,
    pub(super) actor_task_id: Option<String>,
    pub(super) status: RunStatus,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) dataset_id: String,
    pub(super) store_id: String,
    pub(super) input: Value,
    pub(super) events: BTreeMap<String, u64>,
    pub(super) cost_usd: f64,
    pub(super) preliminary_cost_usd: Option<f64>,
    pub(super) webhooks: Vec<Webhook>,
    #[serde(default)]
    pub(super) limits: RunLimits,
    #[serde(default)]
    pub(super) ignores_offset: bool,
    #[serde(default)]
    pub(super) resurrections: u64,
}

/// The id of the actor for `reference`: an id, or `username~name`.
pub(super) fn actor_id(reference: &str) -> String {
    if reference.contains('~') {
        return invent::id(&["actor", reference], 17);
    }
    reference.to_owned()
}

impl Run {
    pub(super) fn new(spec: &RunSpec, number: u64, seed: u64, now: Timestamp) -> Self {
        let invented = |what| invent::id(&[what, &seed.to_string(), &number.to_string()], 17);
        let finished_at = spec.status.is_terminal().then(|| spec.finished_at.unwrap_or(now));
        let minute_ago = finished_at.unwrap_or(now).as_millisecond() - 60_000;
        let minute_ago = Timestamp::from_millisecond(minute_ago).unwrap_or(now);
        let counted = || charged_events(spec);
        let events = spec.charged_event_counts.clone().unwrap_or_else(counted);
        Self {
            number,
            id: invented("run"),
            actor_id: actor_id(spec.actor_id.as_deref().unwrap_or(DEFAULT_ACTOR)),
            actor_task_id: spec.actor_task_id.clone(),
            status: spec.status,
            started_at: spec.started_at.unwrap_or(minute_ago),
            finished_at,
            dataset_id: invented("dataset"),
            store_id: invented("store"),
            input: spec.input.clone(),
            cost_usd: spec.cost_usd.unwrap_or_else(|| price(&events)),
            events,
            preliminary_cost_usd: spec.preliminary_cost_usd,
            webhooks: spec.webhooks.clone(),
            limits: spec.run_options.clone(),
            ignores_offset: spec.ignores_offset,
            resurrections: 0,
        }
    }

    /// The run after it was resurrected and ended again according to `spec`, under its old id.
    pub(super) fn resurrected(&self, spec: &RunSpec, now: Timestamp) -> Self {
        let Self { id, dataset_id, store_id, number, started_at, .. } = self.clone();
        let resurrections = self.resurrections + 1;
        let again = Self::new(spec, number, 0, now);
        Self { id, dataset_id, store_id, started_at, resurrections, ..again }
    }

    /// The cost that the run reports at `now`.
    fn reported_cost(&self, now: Timestamp) -> f64 {
        let settled = self.finished_at.is_some_and(|end| now >= after(end, PRELIMINARY_FOR));
        match self.preliminary_cost_usd {
            Some(preliminary) if !settled => preliminary,
            Some(_) | None => self.cost_usd,
        }
    }

    /// The short form in lists of runs.
    pub(super) fn short_view(&self, now: Timestamp) -> Value {
        let mut view = json!({
            "id": self.id,
            "actId": self.actor_id,
            "userId": USER_ID,
            "status": self.status,
            "startedAt": iso(self.started_at),
            "meta": {"origin": "API"},
            "buildId": invent::id(&["build", &self.actor_id], 17),
            "buildNumber": "0.0.1",
            "defaultKeyValueStoreId": self.store_id,
            "defaultDatasetId": self.dataset_id,
            "defaultRequestQueueId": invent::id(&["queue", &self.id], 17),
            "usageTotalUsd": self.reported_cost(now),
        });
        if let Some(end) = self.finished_at {
            view["finishedAt"] = iso(end).into();
        }
        if let Some(task) = &self.actor_task_id {
            view["actorTaskId"] = task.as_str().into();
        }
        view
    }

    /// The whole object, as its owner sees it. `usageUsd` is absent, as for every actor that is
    /// paid per event.
    pub(super) fn view(&self, now: Timestamp) -> Value {
        let mut view = self.short_view(now);
        let ran = self.finished_at.unwrap_or(now).duration_since(self.started_at).as_millis();
        let millis = i64::try_from(ran.max(0)).unwrap_or(i64::MAX);
        view["stats"] = json!({
            "inputBodyLen": self.input.to_string().len(),
            "migrationCount": 0, "rebootCount": 0, "restartCount": 0, "resurrectCount": self.resurrections,
            "durationMillis": millis, "runTimeSecs": millis / 1_000, "computeUnits": 0,
        });
        view["options"] = json!(self.limits);
        for (option, value) in [("timeoutSecs", 3_600), ("memoryMbytes", 256), ("diskMbytes", 512)]
        {
            view["options"][option] = value.into();
        }
        view["options"]["build"] = "latest".into();
        view["generalAccess"] = "FOLLOW_USER_SETTING".into();
        view["pricingInfo"] = pricing();
        view["chargedEventCounts"] = json!(self.events);
        if self.status == RunStatus::Succeeded {
            view["exitCode"] = 0.into();
        }
        view
    }
}

/// Counts the charged events: the start, every item by its type, every target without an item. A
/// run that stopped early does not charge for targets that it did not try.
fn charged_events(spec: &RunSpec) -> BTreeMap<String, u64> {
    let mut events = BTreeMap::from([("actor-start".to_owned(), 1)]);
    let mut found = BTreeSet::new();
    let texts = spec.texts();
    let items: Vec<Value> =
        texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    for item in &items {
        let kind = item["type"].as_str().unwrap_or("post");
        if PRICES.iter().any(|&(name, _, _)| name == kind) {
            *events.entry(kind.to_owned()).or_default() += 1;
        }
        let query = item["query"].as_object().into_iter().flat_map(|query| query.values());
        found.extend(query.filter_map(Value::as_str));
    }
    let lists = TARGETS.iter().filter_map(|list| spec.input[list].as_array());
    let targets = lists.flatten().filter_map(Value::as_str);
    let empty = targets.filter(|target| !found.contains(target)).count();
    let is_full = spec.run_options.max_items.is_some_and(|most| texts.len() as u64 >= most);
    if empty > 0 && !is_full && spec.status == RunStatus::Succeeded {
        events.insert("zero-result-query".to_owned(), empty as u64);
    }
    events
}

fn price(events: &BTreeMap<String, u64>) -> f64 {
    let of = |&(name, _, each): &(&str, &str, u64)| events.get(name).map_or(0, |n| n * each);
    let total: u64 = PRICES.iter().map(of).sum();
    total as f64 / 100_000.0
}

fn pricing() -> Value {
    let events: serde_json::Map<String, Value> = PRICES
        .iter()
        .map(|&(name, title, each)| {
            let usd = each as f64 / 100_000.0;
            let event =
                json!({"eventTitle": title, "eventDescription": title, "eventPriceUsd": usd});
            (name.to_owned(), event)
        })
        .collect();
    json!({
        "pricingModel": "PAY_PER_EVENT",
        "pricingPerEvent": {"actorChargeEvents": events},
        "apifyMarginPercentage": 0.2,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "startedAt": "2026-01-15T00:00:00.000Z",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_charged_for_its_start_its_items_and_its_empty_targets() {
        let input = json!({"targetUrls": ["https://l/in/a", "https://l/in/b"]});
        let post = json!({"type": "post", "query": {"targetUrl": "https://l/in/a"}});
        let spec = RunSpec { input, items: vec![post.clone(), post], ..RunSpec::default() };
        let events = charged_events(&spec);
        let expected = [("actor-start", 1), ("post", 2), ("zero-result-query", 1)];
        assert_eq!(events, expected.map(|(name, n)| (name.to_owned(), n)).into());
        assert!((price(&events) - 0.005_05).abs() < 1e-9);
        let run_options = RunLimits { max_items: Some(2), ..RunLimits::default() };
        let full = charged_events(&RunSpec { run_options, ..spec });
        assert!(!full.contains_key("zero-result-query"), "the other target was not tried");
    }
}
