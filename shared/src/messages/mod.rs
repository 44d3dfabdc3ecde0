//! What the functions say to each other through the queues.
//!
//! Every message is self-contained and carries a version. A reader ignores fields it does not
//! know and refuses versions and types it does not know, with a reason: they were written by a
//! newer release, or by hand.

mod metrics;
mod outcomes;
mod scoring;

pub use metrics::{
    Announced, AttemptRef, Billed, ChunkDone, ChunkFailed, Fact, HarvestStatus, Harvested, Heard,
    MetricsEvent, MetricsMessage, Note, NoteKind, Opened, OpenedBy, Planned, PlannedChunk,
    PlannedLead, RunFailed, RunHeader, RunType, Settled,
};
pub use outcomes::{
    BilledCall, CallOutcome, ErrorCategory, LeadOutcome, Outcome, Served, SkipReason,
};
pub use scoring::{
    Chunk, ChunkLead, Clients, Hints, Ingest, Kind, LeadRef, MAX_PLAN_LEADS, MAX_REPLAY_LEADS,
    Post, PostKind, ProfileAttribute, Replay, ReplayLead, ReplayPlan, Score, ScoringTask, SoFar,
    Source, UnnamedRun, plan_group,
};

use crate::json::{self, WrongJson};
use serde::{Deserialize, Serialize};

/// The version this release writes and reads.
const VERSION: u32 = 1;

/// A message that travels on a queue: its `type` says what else is in it.
pub trait Message: Sized {
    /// The message as it travels.
    ///
    /// # Panics
    /// Never for the messages of this crate: they hold nothing that JSON cannot.
    fn encode(&self) -> String;

    /// The message of this `type` that `text` is, whatever its version, which [`Message::decode`]
    /// checks first; `None` for a type this release does not know.
    fn of_type(r#type: &str, text: &str) -> Option<Result<Self, WrongJson>>;

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`] says where the text breaks which rule, without quoting the text.
    fn decode(text: &str) -> Result<Self, DecodeError> {
        let head: Head = json::read(text.as_bytes())?;
        if head.version != VERSION {
            return Err(DecodeError::Version { version: head.version });
        }
        let Some(message) = Self::of_type(&head.r#type, text) else {
            let name = head.r#type.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(DecodeError::Type { name });
        };
        Ok(message?)
    }
}

/// A message of a type, as it travels.
fn enveloped<T: Serialize>(r#type: &'static str, message: &T) -> String {
    json::text(&Envelope { version: VERSION, r#type, message })
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    version: u32,
    r#type: &'static str,
    #[serde(flatten)]
    message: &'a T,
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    r#type: String,
}

/// Why a text is not a message. Never quotes the text: it may hold a lead's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or a field is missing or has another type.
    #[error("not a message: {0}")]
    Shape(#[from] WrongJson),
    /// Written by another release.
    #[error(
        "message version {version} is not known here (this release reads {VERSION}); redrive it to a release that knows it"
    )]
    Version {
        /// The version it carries.
        version: u32,
    },
    /// A type this release does not have.
    #[error("message type {name:?} is not known here; redrive it to a release that knows it")]
    Type {
        /// The type it carries.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    /// A run, as a part of a message.
    macro_rules! run {
        () => {
            r#""run":{"base_run":"261123-100000","client":"Guy-Wilson","client_name":"Guy Wilson","run_type":"standalone","opened_at":"2026-11-23T10:00:00Z"}"#
        };
    }

    /// Fails unless every text is read, and written again as it was.
    fn travels<M: Message + Debug>(texts: &[&str]) {
        for text in texts {
            match M::decode(text) {
                Ok(message) => assert_eq!(message.encode(), *text),
                Err(error) => panic!("{error}: {text}"),
            }
        }
    }

    // The texts are in queues and event logs, and some ids are made of them: what changes here
    // is not read, or counted twice, by the release before.
    #[test]
    fn messages_travel_as_they_always_did() {
        travels::<MetricsMessage>(&[
            r#"{"version":1,"type":"tick"}"#,
            r#"{"version":1,"type":"heard","apify_run_id":"HG7ML7M8z78YcAPEB"}"#,
            concat!(
                r#"{"version":1,"type":"event","#,
                run!(),
                r#","at":"2026-11-23T10:00:01Z","fact":{"type":"noted","kind":"input","text":"odd"}}"#
            ),
        ]);
        travels::<ScoringTask>(&[
            r#"{"version":1,"type":"ingest","apify_run_id":"HG7ML7M8z78YcAPEB","event_type":"ACTOR.RUN.SUCCEEDED","hints":{"client":"Guy-Wilson"},"received_at":"2026-11-23T10:00:00Z"}"#,
            r#"{"version":1,"type":"score","clients":"all","kind":"post","requested_at":"2026-11-23T10:00:00Z"}"#,
            concat!(
                r#"{"version":1,"type":"chunk","#,
                run!(),
                r#","plan":"IMWhSz8Df0ytWalS961bKQ","index":0,"of":1,"kind":"profile","base":"appGuy00000000001","source":"waiting","rubric":"Score.","writable":["Status"],"leads":[{"key":"PJ1ZEEW8iHY","lead":{"record":"recX8s1pPiBf5rqTz"}}]}"#
            ),
            concat!(
                r#"{"version":1,"type":"replay","#,
                run!(),
                r#","requested_at":"2026-11-23T11:00:00Z","unplanned":["HG7ML7M8z78YcAPEB"]}"#
            ),
        ]);
    }

    #[test]
    fn what_cannot_be_read_says_where_and_shows_nothing_of_it() {
        let reason = |text| MetricsMessage::decode(text).unwrap_err().to_string();
        let event = concat!(
            r#"{"version":1,"type":"event","#,
            run!(),
            r#","at":"secret words","fact":{"type":"opened"}}"#
        );
        assert!(reason(event).starts_with("not a message: wrong or missing data at `at` (line 1"));
        assert!(!reason(event).contains("secret"));
        assert!(reason(r#"{"version":2,"type":"tick"}"#).starts_with("message version 2 is not"));
        assert!(reason(r#"{"version":1,"type":"riddle"}"#).starts_with(r#"message type "riddle""#));
    }
}
