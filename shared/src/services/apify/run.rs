//! A run of an actor, as Apify tells of it.

use crate::core::ids::ApifyRunId;
use crate::core::tokens::NanoUsd;
use crate::messages::HarvestStatus;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The events by which actors charge for a target without a post: in the actor's source, and on its
/// price card.
const EMPTY_TARGET_EVENTS: [&str; 2] = ["no-result", "zero-result-query"];

/// A run of an actor, which is a harvest when the actor collects posts.
#[derive(Debug, Clone, PartialEq)]
pub struct ApifyRun {
    pub id: ApifyRunId,
    /// The actor's id; empty where Apify does not say.
    pub actor: String,
    /// How it ended; `None` while it is going on.
    pub status: Option<HarvestStatus>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub dataset: String,
    /// What it costs; preliminary for some seconds after its end.
    pub cost: Option<NanoUsd>,
    /// Most items that it was allowed to push; `None` without a limit.
    pub max_items: Option<u64>,
    /// Most dollars that it was allowed to charge; `None` without a limit.
    pub max_charge: Option<NanoUsd>,
    /// How often each event was charged; `None` where Apify does not say.
    pub charged: Option<BTreeMap<String, u64>>,
}

impl ApifyRun {
    /// How many targets were charged as being without a post; `None` where Apify does not say.
    #[must_use]
    pub fn empty_targets(&self) -> Option<u64> {
        let charged = self.charged.as_ref()?;
        Some(EMPTY_TARGET_EVENTS.iter().filter_map(|event| charged.get(*event)).sum())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunBody {
    id: ApifyRunId,
    #[serde(default, deserialize_with = "or_nothing")]
    act_id: Option<String>,
    #[serde(deserialize_with = "ended")]
    status: Option<HarvestStatus>,
    pub(super) started_at: Timestamp,
    #[serde(default)]
    finished_at: Option<Timestamp>,
    default_dataset_id: String,
    #[serde(default)]
    usage_total_usd: Option<f64>,
    #[serde(default, deserialize_with = "or_nothing")]
    options: Option<Options>,
    #[serde(default, deserialize_with = "or_nothing")]
    charged_event_counts: Option<BTreeMap<String, Option<u64>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    #[serde(deserialize_with = "or_nothing")]
    max_items: Option<u64>,
    #[serde(deserialize_with = "or_nothing")]
    max_total_charge_usd: Option<f64>,
}

impl RunBody {
    pub(super) fn into_run(self) -> ApifyRun {
        let options = self.options.unwrap_or_default();
        let counts = |charged: BTreeMap<String, Option<u64>>| {
            charged.into_iter().filter_map(|(event, count)| Some((event, count?))).collect()
        };
        ApifyRun {
            id: self.id,
            actor: self.act_id.unwrap_or_default(),
            status: self.status,
            started_at: self.started_at,
            finished_at: self.finished_at,
            dataset: self.default_dataset_id,
            cost: self.usage_total_usd.and_then(NanoUsd::from_usd),
            // Zero stands for no limit.
            max_items: options.max_items.filter(|most| *most > 0),
            max_charge: options
                .max_total_charge_usd
                .and_then(NanoUsd::from_usd)
                .filter(|most| most.0 > 0),
            charged: self.charged_event_counts.map(counts),
        }
    }
}

/// How a run ended; `None` for any other status.
fn ended<'de, D: Deserializer<'de>>(status: D) -> Result<Option<HarvestStatus>, D::Error> {
    Ok(serde_json::from_value(Value::String(String::deserialize(status)?)).ok())
}

/// What a run can do without: of another shape it counts as missing, and costs nothing else.
fn or_nothing<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(value)?).ok())
}
