//! Facts about runs, for the metrics finalizer. Everything on a run record is folded from these.

use super::envelope::enveloped;
use super::{BilledCall, ErrorCategory, Kind, LeadOutcome, Message};
use crate::core::digest::id_of;
use crate::core::ids::{
    ApifyRunId, AttemptId, ClientId, LeadKey, PlanId, RecordId, RunId, RunStamp,
};
use crate::core::json;
use crate::core::tokens::NanoUsd;
use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// A message on the metrics queue.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsMessage {
    /// A fact about a run.
    Event(Box<MetricsEvent>),
    /// Look after all runs.
    Tick,
    /// A webhook for a harvest was accepted. The harvest's run is not known yet.
    Heard(Heard),
}

impl Message for MetricsMessage {
    fn encode(&self) -> String {
        match self {
            Self::Event(event) => event.encode(),
            Self::Tick => enveloped("tick", &()),
            Self::Heard(heard) => enveloped("heard", heard),
        }
    }

    fn of_type<'de, D: Deserializer<'de>>(
        r#type: &str,
        fields: D,
    ) -> Option<Result<Self, D::Error>> {
        Some(match r#type {
            "event" => Box::deserialize(fields).map(Self::Event),
            "tick" => IgnoredAny::deserialize(fields).map(|_| Self::Tick),
            "heard" => Heard::deserialize(fields).map(Self::Heard),
            _ => return None,
        })
    }
}

/// A webhook was accepted; its harvest needs no tick to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The harvest.
    pub apify_run_id: ApifyRunId,
}

/// A fact about a run, with the run's header: any single one is enough to create its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsEvent {
    /// The run.
    pub run: RunHeader,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// What every event says about its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run's base id; with the client it is the run's id.
    #[serde(rename = "base_run")]
    pub run_stamp: RunStamp,
    /// The client.
    pub client: ClientId,
    /// The client's name, for people.
    pub client_name: String,
    /// Whether a scheduler chose the run id.
    pub run_type: RunType,
    /// When the run was first heard of, as far as the sender knows.
    pub opened_at: Timestamp,
}

impl RunHeader {
    /// The run's id.
    #[must_use]
    pub fn id(&self) -> RunId {
        RunId::new(&self.run_stamp, &self.client)
    }
}

/// Whether a run's id was chosen by a scheduler beforehand. Recorded, and nothing else: both
/// kinds are counted in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunType {
    /// No run id was given; it was derived from the harvest.
    Standalone,
    /// A run id came along.
    Orchestrated,
}

/// One try at a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptRef {
    /// The chunk's plan.
    pub plan: PlanId,
    /// The chunk's place in the plan.
    pub chunk: u32,
    /// When the try began. Orders the tries of a chunk.
    pub started_at: Timestamp,
    /// The try.
    pub attempt: AttemptId,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// The run was heard of.
    Opened(Opened),
    /// A harvest was read. Sent again when Apify's figures became final; the latest counts.
    Harvested(Harvested),
    /// A plan's chunks are queued.
    Planned(Planned),
    /// The leads of one chunk of a plan.
    PlannedChunk(PlannedChunk),
    /// Model calls are about to be made.
    Announced(Announced),
    /// What became of announced calls.
    Billed(Billed),
    /// What became of leads; their rows are written.
    Settled(Settled),
    /// Every lead of a chunk is settled.
    ChunkDone(ChunkDone),
    /// A chunk can never be done.
    ChunkFailed(ChunkFailed),
    /// Nothing could be harvested or planned.
    RunFailed(RunFailed),
    /// Something an operator should know.
    Noted(Note),
}

impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TypeFirst)
    }
}

/// Reads a [`Fact`] as it is written, its type first. What Serde derives copies every fact before
/// it reads it, because the type may stand anywhere. So it may here, but only then there is a copy.
struct TypeFirst;

impl<'de> Visitor<'de> for TypeFirst {
    type Value = Fact;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a fact with its type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Fact, A::Error> {
        let mut others = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if name == "type" && others.is_empty() {
                let r#type: String = fields.next_value()?;
                return Fact::of_type(&r#type, MapAccessDeserializer::new(fields));
            }
            others.insert(name, fields.next_value()?);
        }
        let Some(Value::String(r#type)) = others.remove("type") else {
            return Err(A::Error::missing_field("type"));
        };
        Fact::of_type(&r#type, Value::Object(others)).map_err(A::Error::custom)
    }
}

/// See [`Fact::Opened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// By what.
    pub by: OpenedBy,
}

/// What made a run be heard of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenedBy {
    /// Apify's webhook for this run.
    Webhook(ApifyRunId),
    /// A `ScoreWaiting` task.
    #[serde(rename = "score")]
    ScoreWaiting {
        /// Posts or profiles.
        kind: Kind,
        /// The plan that is reported when all leads that were waiting are planned. It has no
        /// chunks of its own: see [`Planned::part_of`].
        plan: PlanId,
    },
}

/// How a harvest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum HarvestStatus {
    /// Everything asked for was tried.
    Succeeded,
    /// The actor failed; the dataset may hold a part.
    Failed,
    /// Somebody stopped it; the dataset may hold a part.
    Aborted,
    /// It ran out of time; the dataset may hold a part.
    TimedOut,
}

/// See [`Fact::Harvested`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Harvested {
    /// The Apify run.
    pub apify_run: ApifyRunId,
    /// How it ended.
    pub status: HarvestStatus,
    /// Profiles in the actor's input.
    pub targets: u32,
    /// Posts in the dataset.
    pub posts: u32,
    /// Posts whose target is no profile, so that no lead can own them.
    pub posts_without_profile: u32,
    /// What Apify charges; `None` when it does not say.
    pub cost: Option<NanoUsd>,
    /// When Apify said so; a report is sent later. Reports of earlier releases do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// The plan of its leads; `None` when nothing is planned.
    pub plan: Option<PlanId>,
}

/// See [`Fact::Planned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The plan.
    pub plan: PlanId,
    /// Posts or profiles.
    pub kind: Kind,
    /// How many chunks.
    pub chunks: u32,
    /// The plan that this is a part of: leads that are waiting are planned some hundred at a
    /// time, each part a plan of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<PlanId>,
    /// The plan whose failed or missing leads this one takes over; `None` unless it is a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<PlanId>,
}

/// See [`Fact::PlannedChunk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChunk {
    /// The plan.
    pub plan: PlanId,
    /// Posts or profiles.
    pub kind: Kind,
    /// The chunk's place in the plan.
    pub chunk: u32,
    /// Its leads.
    pub leads: Vec<PlannedLead>,
}

/// A lead of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLead {
    /// The lead.
    pub lead: LeadKey,
    /// How many of the harvest's posts are its.
    pub posts: u32,
    /// Its row, where the plan was made of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
}

/// See [`Fact::Announced`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The try.
    pub attempt: AttemptRef,
    /// Posts or profiles.
    pub kind: Kind,
    /// The wave within the try, from 0.
    pub wave: u32,
    /// The round of calls within the wave, from 0: a call that was refused is made again in the
    /// next round.
    pub round: u32,
    /// How many calls.
    pub calls: u32,
}

/// See [`Fact::Billed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    /// The try.
    pub attempt: AttemptRef,
    /// Posts or profiles.
    pub kind: Kind,
    /// The wave within the try.
    pub wave: u32,
    /// The round of calls within the wave.
    pub round: u32,
    /// One per announced call.
    pub calls: Vec<BilledCall>,
}

/// See [`Fact::Settled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The try.
    pub attempt: AttemptRef,
    /// Posts or profiles.
    pub kind: Kind,
    /// The leads.
    pub leads: Vec<LeadOutcome>,
}

/// See [`Fact::ChunkDone`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkDone {
    /// The try that finished it.
    pub attempt: AttemptRef,
}

/// See [`Fact::ChunkFailed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkFailed {
    /// The try that found out.
    pub attempt: AttemptRef,
    /// Why its open leads are given up.
    pub category: ErrorCategory,
    /// What exactly.
    pub reason: String,
}

/// See [`Fact::RunFailed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFailed {
    /// The harvest this is about.
    pub apify_run: Option<ApifyRunId>,
    /// Why, and what to do.
    pub reason: String,
}

/// See [`Fact::Noted`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// What kind of thing it is about; the record shows one line per kind and text.
    pub kind: NoteKind,
    /// The line an operator reads.
    pub text: String,
}

/// What a [`Note`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The run record: who created it, what was repaired.
    Record,
    /// Something odd in the input that was dealt with.
    Input,
    /// A tick found no progress since the event's time.
    Stalled,
}

impl MetricsEvent {
    /// The event as it travels, and as the event log keeps it.
    ///
    /// # Panics
    /// Never: an event holds nothing that JSON cannot.
    #[must_use]
    pub fn encode(&self) -> String {
        enveloped("event", self)
    }

    /// The event's id, made from all that it says: the same event has the same id however often
    /// it is sent, and no two different ones share one.
    ///
    /// # Panics
    /// Never: an event holds nothing that JSON cannot.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.fact.name(), id_of(&[&json::text(self)]))
    }
}

impl Fact {
    fn of_type<'de, D: Deserializer<'de>>(r#type: &str, fields: D) -> Result<Self, D::Error> {
        match r#type {
            "opened" => Opened::deserialize(fields).map(Self::Opened),
            "harvested" => Harvested::deserialize(fields).map(Self::Harvested),
            "planned" => Planned::deserialize(fields).map(Self::Planned),
            "planned_chunk" => PlannedChunk::deserialize(fields).map(Self::PlannedChunk),
            "announced" => Announced::deserialize(fields).map(Self::Announced),
            "billed" => Billed::deserialize(fields).map(Self::Billed),
            "settled" => Settled::deserialize(fields).map(Self::Settled),
            "chunk_done" => ChunkDone::deserialize(fields).map(Self::ChunkDone),
            "chunk_failed" => ChunkFailed::deserialize(fields).map(Self::ChunkFailed),
            "run_failed" => RunFailed::deserialize(fields).map(Self::RunFailed),
            "noted" => Note::deserialize(fields).map(Self::Noted),
            _ => Err(D::Error::custom("no fact of this release")),
        }
    }

    /// The fact's name in ids, logs and `explain`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Harvested(_) => "harvested",
            Self::Planned(_) => "planned",
            Self::PlannedChunk(_) => "planned_chunk",
            Self::Announced(_) => "announced",
            Self::Billed(_) => "billed",
            Self::Settled(_) => "settled",
            Self::ChunkDone(_) => "chunk_done",
            Self::ChunkFailed(_) => "chunk_failed",
            Self::RunFailed(_) => "run_failed",
            Self::Noted(_) => "noted",
        }
    }
}
