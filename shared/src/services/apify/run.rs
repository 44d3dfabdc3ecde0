//! A run of an actor, as Apify describes it.

use crate::core::ids::ApifyRunId;
use crate::core::tokens::NanoUsd;
use crate::messages::HarvestStatus;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The events by which actors charge for a target without a post: one name is from the actor's
/// source, the other from its price card.
const EMPTY_TARGET_EVENTS: [&str; 2] = ["no-result", "zero-result-query"];

/// A run of an actor. It is a harvest if the actor collects posts.
#[derive(Debug, Clone, PartialEq)]
pub struct ApifyRun {
    pub id: ApifyRunId,
    /// The actor's id; empty if Apify does not say.
    pub actor: String,
    /// How it ended; `None` while it is running.
    pub status: Option<HarvestStatus>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Its dataset's id, if Apify gives one.
    pub dataset: Option<String>,
    /// What it costs. The figure is preliminary for some seconds after the end.
    pub cost: Option<NanoUsd>,
    /// Most items that it was allowed to add; `None` without a limit.
    pub max_items: Option<u64>,
    /// Most money that it was allowed to charge; `None` without a limit.
    pub max_charge: Option<NanoUsd>,
    /// How often each event was charged; `None` if Apify does not say.
    pub charged: Option<BTreeMap<String, u64>>,
}

impl ApifyRun {
    /// How many targets were charged as having no post; `None` if Apify does not say.
    #[must_use]
    pub fn empty_targets(&self) -> Option<u64> {
        let charged = self.charged.as_ref()?;
        Some(EMPTY_TARGET_EVENTS.iter().filter_map(|event| charged.get(*event)).sum())
    }
}

/// The runs of an actor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActorRuns {
    /// The runs that can be read, newest first.
    pub runs: Vec<ApifyRun>,
    /// Ended runs of which only id and end can be read.
    pub unread: Vec<UnreadRun>,
}

/// An ended run whose entry in Apify's list cannot be read completely.
#[derive(Debug, Clone, PartialEq)]
pub struct UnreadRun {
    pub id: ApifyRunId,
    pub finished_at: Timestamp,
}

impl UnreadRun {
    /// The readable part of a run; `None` if that is too little, or if the run is not over.
    pub(super) fn of(run: &Value) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Least {
            id: ApifyRunId,
            #[serde(default)]
            status: Value,
            #[serde(deserialize_with = "moment")]
            finished_at: Timestamp,
        }
        let Least { id, status, finished_at } = Least::deserialize(run).ok()?;
        ended(&status, Some(finished_at)).map(|_| Self { id, finished_at })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunBody {
    id: ApifyRunId,
    #[serde(default, deserialize_with = "or_nothing")]
    act_id: Option<String>,
    #[serde(default)]
    status: Value,
    /// Required: it names the run if nothing else does.
    #[serde(deserialize_with = "moment")]
    started_at: Timestamp,
    #[serde(default, deserialize_with = "moment_or_nothing")]
    finished_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_nothing")]
    default_dataset_id: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    usage_total_usd: Option<f64>,
    #[serde(default, deserialize_with = "or_nothing")]
    options: Option<Options>,
    #[serde(default, deserialize_with = "or_nothing")]
    charged_event_counts: Option<BTreeMap<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    #[serde(deserialize_with = "amount")]
    max_items: Option<f64>,
    #[serde(deserialize_with = "amount")]
    max_total_charge_usd: Option<f64>,
}

impl RunBody {
    pub(super) fn into_run(self) -> ApifyRun {
        let options = self.options.unwrap_or_default();
        let counts = |charged: BTreeMap<String, Value>| {
            let counted = |(event, count): (String, Value)| Some((event, whole(number(&count)?)));
            charged.into_iter().filter_map(counted).collect()
        };
        ApifyRun {
            id: self.id,
            actor: self.act_id.unwrap_or_default(),
            status: ended(&self.status, self.finished_at),
            started_at: self.started_at,
            finished_at: self.finished_at,
            dataset: self.default_dataset_id.filter(|id| is_id(id)),
            cost: self.usage_total_usd.and_then(NanoUsd::from_usd),
            // Zero means no limit.
            max_items: options.max_items.map(whole).filter(|most| *most > 0),
            max_charge: options
                .max_total_charge_usd
                .and_then(NanoUsd::from_usd)
                .filter(|most| most.0 > 0),
            charged: self.charged_event_counts.map(counts),
        }
    }
}

/// Whether a text can be the id of a dataset. Anything else would lead to another path.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"~-_".contains(&b))
}

/// The statuses of a run that is not over.
const GOING_ON: [&str; 4] = ["READY", "RUNNING", "TIMING-OUT", "ABORTING"];

/// How a run ended; `None` while it is running. Event names use `_` where statuses use `-`; both
/// are read. A run with an end and an unknown status counts as failed, which is the safe
/// assumption.
fn ended(status: &Value, finished_at: Option<Timestamp>) -> Option<HarvestStatus> {
    let status = status.as_str().unwrap_or_default().trim().to_uppercase().replace('_', "-");
    let is_over = finished_at.is_some() && !GOING_ON.contains(&status.as_str());
    let known = serde_json::from_value(Value::String(status)).ok();
    known.or_else(|| is_over.then_some(HarvestStatus::Failed))
}

/// A number, or a string that contains one.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}

/// A number as a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast ends at the limits"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn amount<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    Ok(number(&Value::deserialize(value)?))
}

/// A time in one of Apify's formats, without a zone (UTC), or in milliseconds.
fn time(value: &Value) -> Option<Timestamp> {
    let written = value.as_str().map(str::trim);
    let in_utc = |text: &str| Offset::UTC.to_timestamp(text.parse().ok()?).ok();
    let written = written.and_then(|text| text.parse().ok().or_else(|| in_utc(text)));
    written.or_else(|| Timestamp::from_millisecond(value.as_i64()?).ok())
}

fn moment<'de, D: Deserializer<'de>>(value: D) -> Result<Timestamp, D::Error> {
    time(&Value::deserialize(value)?).ok_or_else(|| serde::de::Error::custom("no time"))
}

fn moment_or_nothing<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(time(&Value::deserialize(value)?))
}

/// Reads an optional part. If it has an unexpected shape, it counts as missing, and the rest is
/// still read.
fn or_nothing<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(value)?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(about: &Value) -> ApifyRun {
        let mut run = json!({"id": "HG7ML7M8z78YcAPEB", "status": "SUCCEEDED",
            "startedAt": "2026-11-23T09:45:19.821Z", "defaultDatasetId": "d", "usageTotalUsd": 0.5,
            "options": {"maxItems": 9}, "chargedEventCounts": {"zero-result-query": 2}});
        for (name, value) in about.as_object().unwrap() {
            run[name] = value.clone();
        }
        serde_json::from_value::<RunBody>(run).unwrap().into_run()
    }

    #[test]
    fn what_a_run_says_in_another_form_is_read_all_the_same() {
        let plain = run(&json!({}));
        for about in [
            json!({"status": "succeeded"}),
            json!({"usageTotalUsd": "0.50"}),
            json!({"startedAt": plain.started_at.as_millisecond()}),
            json!({"options": {"maxItems": "9"}}),
            json!({"chargedEventCounts": {"zero-result-query": "2", "odd": [1]}}),
            json!({"finishedAt": ""}),
            json!({"finishedAt": null}),
        ] {
            assert_eq!(run(&about), plain, "{about}");
        }
        assert_eq!(run(&json!({"status": "TIMED_OUT"})).status, Some(HarvestStatus::TimedOut));
        let finished = run(&json!({"finishedAt": 1_795_427_119_821_i64})).finished_at;
        assert_eq!(finished.unwrap().as_millisecond(), 1_795_427_119_821);
    }

    #[test]
    fn what_cannot_be_the_id_of_a_dataset_counts_as_missing() {
        let dataset = |id: Value| run(&json!({"defaultDatasetId": id})).dataset;
        assert_eq!(dataset(json!("k1-b_C~d")).as_deref(), Some("k1-b_C~d"));
        for none in [json!(""), json!("a/../b"), json!("a?b"), json!(null), json!(7)] {
            assert_eq!(dataset(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn a_run_with_an_end_has_ended_whatever_its_status_is_called() {
        let status = |status: Value, finished_at: Value| {
            run(&json!({"status": status, "finishedAt": finished_at})).status
        };
        let end = || json!("2026-11-23T09:59:00.000");
        for odd in [json!("FINISHED"), json!(null), json!(3)] {
            assert_eq!(status(odd.clone(), end()), Some(HarvestStatus::Failed), "{odd}");
            assert_eq!(status(odd.clone(), json!(null)), None, "{odd}");
        }
        for going_on in ["READY", "RUNNING", "TIMING-OUT", "ABORTING"] {
            assert_eq!(status(json!(going_on), end()), None, "{going_on}");
        }
        assert_eq!(status(json!("SUCCEEDED"), json!(null)), Some(HarvestStatus::Succeeded));
    }

    #[test]
    fn what_is_odd_of_a_run_counts_as_missing_and_costs_nothing_else() {
        for about in [
            json!({"usageTotalUsd": "free"}),
            json!({"usageTotalUsd": {}}),
            json!({"options": [1]}),
            json!({"chargedEventCounts": 3}),
            json!({"defaultDatasetId": null}),
            json!({"status": "RUNNING"}),
        ] {
            assert_eq!(run(&about).started_at, run(&json!({})).started_at, "{about}");
        }
    }
}
