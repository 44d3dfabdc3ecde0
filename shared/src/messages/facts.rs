//! What can happen to a run, and how a fact is read.

use super::attempt_facts::{Announced, Billed, ChunkDone, ChunkFailed, Settled};
use super::planning_facts::{
    CostElsewhere, Harvested, Note, Opened, Planned, PlannedChunk, RunFailed,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// Declares the facts with their names in messages, ids and logs.
macro_rules! facts {
    ($($(#[$doc:meta])* $fact:ident($body:ident) = $name:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(tag = "type")]
        pub enum Fact {
            $($(#[$doc])* #[serde(rename = $name)] $fact($body),)+
        }

        impl Fact {
            fn of_type<'de, D: Deserializer<'de>>(
                r#type: &str,
                fields: D,
            ) -> Result<Self, D::Error> {
                match r#type {
                    $($name => $body::deserialize(fields).map(Self::$fact),)+
                    _ => Err(D::Error::custom("no fact of this release")),
                }
            }

            /// The fact's name in ids, logs and `explain`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$fact(_) => $name,)+
                }
            }
        }
    };
}

facts! {
    Opened(Opened) = "opened",
    /// A harvest was read. Sent again when Apify's figures are final; the latest counts.
    Harvested(Harvested) = "harvested",
    /// Another run named the harvest first. Only the finalizer makes this fact.
    CostElsewhere(CostElsewhere) = "cost_elsewhere",
    Planned(Planned) = "planned",
    PlannedChunk(PlannedChunk) = "planned_chunk",
    Announced(Announced) = "announced",
    Billed(Billed) = "billed",
    /// What became of leads; their rows are written.
    Settled(Settled) = "settled",
    ChunkDone(ChunkDone) = "chunk_done",
    ChunkFailed(ChunkFailed) = "chunk_failed",
    /// Nothing could be harvested or planned.
    RunFailed(RunFailed) = "run_failed",
    /// Something an operator should know.
    Noted(Note) = "noted",
}

impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TypeFirst)
    }
}

/// Reads a [`Fact`], with its type first, as it is written. Serde's derived code copies every fact
/// before it reads it, because the type may come anywhere. Here only a fact whose type is not first
/// is copied.
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
