//! The envelope around every message: its version and its type.

use crate::core::json::{self, WrongJson};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;

const VERSION: u32 = 1;

/// A message that travels on a queue. Its `type` says which fields it has.
pub trait Message: Sized {
    fn encode(&self) -> String;

    /// The message of this `type` whose other fields are `fields`; `None` for a type this release
    /// does not know.
    fn of_type<'de, D: Deserializer<'de>>(
        r#type: &str,
        fields: D,
    ) -> Option<Result<Self, D::Error>>;

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`] says where the text breaks which rule. It does not quote the text.
    fn decode(text: &str) -> Result<Self, DecodeError> {
        if let Some(message) = in_one_go(text) {
            return Ok(message);
        }
        let head: Head = json::read(text.as_bytes())?;
        if head.version != VERSION {
            return Err(DecodeError::Version { version: head.version });
        }
        let mut is_known = true;
        let message = json::located(text.as_bytes(), |fields| {
            Self::of_type(&head.r#type, fields).unwrap_or_else(|| {
                is_known = false;
                Err(serde::de::Error::custom("no type of this release"))
            })
        });
        if !is_known {
            let name = head.r#type.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(DecodeError::Type { name });
        }
        Ok(message?)
    }
}

/// Reads a message that begins with its version and type, as [`enveloped`] writes them; `None` for
/// any other text. This is the fast path: a fold reads thousands of messages.
fn in_one_go<M: Message>(text: &str) -> Option<M> {
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    let message = deserializer.deserialize_map(HeadFirst(PhantomData)).ok()?;
    deserializer.end().is_ok().then_some(message)
}

struct HeadFirst<M>(PhantomData<M>);

impl<'de, M: Message> Visitor<'de> for HeadFirst<M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a message that begins with its version and type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<M, A::Error> {
        let version: Option<(&str, u32)> = fields.next_entry()?;
        let r#type: Option<(&str, &str)> = fields.next_entry()?;
        let message = match (version, r#type) {
            (Some(("version", VERSION)), Some(("type", name))) => {
                M::of_type(name, MapAccessDeserializer::new(fields))
            }
            _ => None,
        };
        message.unwrap_or_else(|| Err(serde::de::Error::invalid_type(Unexpected::Map, &self)))
    }
}

pub(super) fn enveloped<T: Serialize>(r#type: &'static str, message: &T) -> String {
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

/// Why a text is not a message. Never quotes the text, which may contain a lead's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or a field is missing or has the wrong type.
    #[error("not a message: {0}")]
    Shape(#[from] WrongJson),
    #[error(
        "message version {version} is not known here (this release reads {VERSION}); redrive it to a release that knows it"
    )]
    Version { version: u32 },
    #[error("message type {name:?} is not known here; redrive it to a release that knows it")]
    Type { name: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{MetricsMessage, ScoringTask};
    use std::fmt::Debug;

    /// A run, as a part of a message.
    macro_rules! run {
        () => {
            r#""run":{"base_run":"261123-100000","client":"Guy-Wilson","client_name":"Guy Wilson","run_type":"standalone","opened_at":"2026-11-23T10:00:00Z"}"#
        };
    }

    /// Panics unless every text can be read, and is written again unchanged.
    fn travels<M: Message + Debug>(texts: &[&str]) {
        for text in texts {
            match M::decode(text) {
                Ok(message) => assert_eq!(message.encode(), *text),
                Err(error) => panic!("{error}: {text}"),
            }
        }
    }

    // These texts are in queues and event logs, and some ids are made from them. If they change
    // here, the previous release cannot read them or counts them twice.
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

    /// A metrics message about a fact of an attempt.
    fn about(fact: &str) -> String {
        let attempt = r#""attempt":{"plan":"IMWhSz8Df0ytWalS961bKQ","chunk":1,"started_at":"2026-11-23T10:00:00Z","attempt":"6Kbq8tZ1vQ0Fh3mPzXn2Lw"}"#;
        let fact = fact.replace("ATTEMPT", attempt);
        format!(
            r#"{{"version":1,"type":"event",{},"at":"2026-11-23T10:00:01Z","fact":{{{fact}}}}}"#,
            run!()
        )
    }

    #[test]
    fn what_became_of_calls_and_leads_travels_as_it_always_did() {
        let facts = [
            r#""type":"billed",ATTEMPT,"kind":"post","wave":0,"round":0,"calls":[{"call":0,"outcome":"answered","usage":{"prompt":9,"cached":0,"output":3,"thoughts":0,"tool":0,"total":12},"model":"m"},{"call":1,"outcome":"refused"},{"call":2,"outcome":"lost"}]"#,
            r#""type":"settled",ATTEMPT,"kind":"post","leads":[{"lead":"PJ1ZEEW8iHY","outcome":"not_a_lead"},{"lead":"PJ1ZEEW8iHY","record":"recX8s1pPiBf5rqTz","outcome":"skipped","reason":"NO_NEW_POSTS"},{"lead":"PJ1ZEEW8iHY","outcome":"failed","category":"QUOTA","detail":"d"},{"lead":"PJ1ZEEW8iHY","outcome":"scored","examined":["PJ1ZEEW8iHY"],"scored":["PJ1ZEEW8iHY"]}]"#,
        ];
        let texts = facts.map(about);
        travels::<MetricsMessage>(&texts.each_ref().map(String::as_str));
    }

    #[test]
    fn an_outcome_that_lacks_a_field_is_no_message() {
        for (broken, at) in [
            (r#""calls":[{"call":0,"outcome":"answered","model":"m"}]"#, "fact.calls[0]"),
            (r#""calls":[{"call":0,"outcome":"answered","usage":{"total":1}}]"#, "fact.calls[0]"),
            (r#""calls":[{"call":0,"outcome":"odd"}]"#, "fact.calls[0].outcome"),
        ] {
            let text = about(&format!(
                r#""type":"billed",ATTEMPT,"kind":"post","wave":0,"round":0,{broken}"#
            ));
            let reason = MetricsMessage::decode(&text).unwrap_err().to_string();
            assert!(reason.contains(&format!("at `{at}`")), "{reason}");
        }
        for broken in [r#""outcome":"skipped""#, r#""outcome":"failed","category":"QUOTA""#] {
            let lead = format!(r#"{{"lead":"PJ1ZEEW8iHY",{broken}}}"#);
            let text =
                about(&format!(r#""type":"settled",ATTEMPT,"kind":"post","leads":[{lead}]"#));
            let reason = MetricsMessage::decode(&text).unwrap_err().to_string();
            assert!(reason.contains("at `fact.leads[0]`"), "{reason}");
        }
    }

    #[test]
    fn fields_may_stand_in_any_order() {
        let fact = r#""kind":"input","type":"noted","text":"odd""#;
        let first = about(r#""type":"noted","kind":"input","text":"odd""#);
        let last = about(fact).replacen(r#""version":1,"#, "", 1);
        let last = format!(r#"{},"version":1}}"#, &last[..last.len() - 1]);
        assert_eq!(MetricsMessage::decode(&last), MetricsMessage::decode(&first));
        assert!(MetricsMessage::decode(&first).is_ok());
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
