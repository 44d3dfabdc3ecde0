//! What can happen to a run, and how a fact is read.

use super::attempt_facts::{Announced, Billed, ChunkDone, ChunkFailed, Settled};
use super::planning_facts::{Harvested, Note, Opened, Planned, PlannedChunk, RunFailed};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;

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
