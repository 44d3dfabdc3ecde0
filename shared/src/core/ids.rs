//! Identities. If you hold one, its text was checked. A run's identity is derived, never invented.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Why a string is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {kind}: {rule}")]
pub struct IdError {
    /// The kind of id that was expected.
    pub kind: &'static str,
    /// The string, cut to its first 60 characters.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl IdError {
    fn new(kind: &'static str, text: &str, rule: &'static str) -> Self {
        Self { kind, text: text.chars().take(60).collect(), rule }
    }
}

macro_rules! writes_its_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Declares a string id that can only be made with `TryFrom<String>`, which checks the given rule.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as a string.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(IdError::new($kind, &text, $rule)) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.to_owned().try_into()
            }
        }

        writes_its_text!($name);
    };
}

/// Declares an id with a fixed number of ASCII characters. A log holds very many of these ids, so
/// they are stored inline, without a heap allocation. They can only be made with `TryFrom<String>`
/// and `FromStr`, which check the given rule.
macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// The id as a string.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).expect("it is made of ASCII characters")
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                let bytes = text.as_bytes().try_into().ok().filter(|_| text.is_ascii() && check(text));
                bytes.map(Self).ok_or_else(|| IdError::new($kind, text, $rule))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Parsed(PhantomData))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        writes_its_text!($name);
    };
}

/// Reads an id from a deserializer's string.
struct Parsed<T>(PhantomData<T>);

impl<T: std::str::FromStr<Err = IdError>> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

text_id!(
    /// A client's id: free text such as `Guy-Wilson`, primary key of the table `Clients`.
    ClientId,
    "a client id",
    "it needs 1 to 100 characters, no control characters, and no space at either end",
    |text| {
        (1..=100).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control)
    }
);

impl ClientId {
    /// The client of runs for which no client was found.
    pub fn unattributed() -> Self {
        "(unattributed)".parse().expect("the text follows the rule of client ids")
    }
}

text_id!(
    /// The id of one Apify run, such as `HG7ML7M8z78YcAPEB`.
    ApifyRunId,
    "an Apify run id",
    "it needs 10 to 30 ASCII letters and digits",
    |text| (10..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
);

short_id!(
    /// The id of an Airtable base, such as `appX8s1pPiBf5rqTz`.
    BaseId,
    17,
    "an Airtable base id",
    "it needs `app` and 14 ASCII letters and digits",
    |text| airtable_id(text, "app")
);

short_id!(
    /// The id of a record in Airtable, such as `recX8s1pPiBf5rqTz`.
    RecordId,
    17,
    "an Airtable record id",
    "it needs `rec` and 14 ASCII letters and digits",
    |text| airtable_id(text, "rec")
);

fn airtable_id(text: &str, prefix: &str) -> bool {
    text.len() == 17 && text.starts_with(prefix) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

short_id!(
    /// One plan of a run: what was to be scored after one harvest, or the leads that were waiting.
    /// The same content planned again has the same id.
    PlanId,
    22,
    "a plan id",
    "it needs 22 URL-safe base64 characters",
    |text| is_base64url(text, 22)
);

short_id!(
    /// One attempt at a chunk. No two attempts share an id.
    AttemptId,
    22,
    "an attempt id",
    "it needs 22 URL-safe base64 characters",
    |text| is_base64url(text, 22)
);

short_id!(
    /// A lead within a run, however it was planned. Made from its profile's key.
    LeadKey,
    11,
    "a lead key",
    "it needs 11 URL-safe base64 characters",
    |text| is_base64url(text, 11)
);

impl LeadKey {
    /// The lead's lane among `lanes` lanes. It is the same in every plan.
    pub fn lane(&self, lanes: u32) -> u32 {
        let sum: u32 = self.0.iter().copied().map(u32::from).sum();
        sum % lanes.max(1)
    }
}

short_id!(
    /// A post of a lead. Made from its normalised URL.
    PostKey,
    11,
    "a post key",
    "it needs 11 URL-safe base64 characters",
    |text| is_base64url(text, 11)
);

fn is_base64url(text: &str, length: usize) -> bool {
    text.len() == length
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// `YYMMDD-HHMMSS`.
const BASE_RUN_FORMAT: &str = "%y%m%d-%H%M%S";
const BASE_RUN_LEN: usize = 13;

short_id!(
    /// The base run id `YYMMDD-HHMMSS` (UTC). It names a whole orchestrated run over many clients.
    RunStamp,
    13,
    "a base run id",
    "it needs a date and time as YYMMDD-HHMMSS",
    is_base_run
);

impl RunStamp {
    /// The base run id of a moment: its UTC second.
    pub fn at(moment: Timestamp) -> Self {
        let text = moment.strftime(BASE_RUN_FORMAT).to_string();
        text.parse().expect("the format writes what the rule asks for")
    }

    /// The base run id at the start of `text`, which is a base run id or any client's run id.
    /// `None` for anything else, such as an Apify run id.
    pub fn in_front_of(text: &str) -> Option<Self> {
        let text = text.trim();
        let (front, rest) = text.split_at_checked(BASE_RUN_LEN)?;
        if !rest.is_empty() && !rest.starts_with('-') {
            return None;
        }
        front.parse().ok()
    }
}

/// Whether `text` is a date and time as [`BASE_RUN_FORMAT`] writes them. Parsing with the format
/// would be lenient, and too slow: every event contains this id.
fn is_base_run(text: &str) -> bool {
    let Some((date, time)) = text.split_once('-') else { return false };
    let pairs = |text: &str| -> Option<[i8; 3]> {
        let digits: &[u8; 6] = text.as_bytes().try_into().ok()?;
        let two = |at: usize| {
            let value = |digit: u8| char::from(digit).to_digit(10);
            i8::try_from(value(digits[at])? * 10 + value(digits[at + 1])?).ok()
        };
        Some([two(0)?, two(2)?, two(4)?])
    };
    let (Some([year, month, day]), Some([hour, minute, second])) = (pairs(date), pairs(time))
    else {
        return false;
    };
    // This may not be the century that `%y` means, but the leap years are the same.
    DateTime::new(2000 + i16::from(year), month, day, hour, minute, second, 0).is_ok()
}

text_id!(
    /// The run id `YYMMDD-HHMMSS-<Client ID>`: one client in one run, with one run record.
    RunId,
    "a run id",
    "it needs YYMMDD-HHMMSS-<Client ID>",
    |text| {
        text.split_at_checked(BASE_RUN_LEN).is_some_and(|(base, rest)| {
            is_base_run(base)
                && rest.strip_prefix('-').is_some_and(|client| client.parse::<ClientId>().is_ok())
        })
    }
);

impl RunId {
    /// The run id of `client` in the run `base`.
    pub fn new(base: &RunStamp, client: &ClientId) -> Self {
        Self(format!("{base}-{client}"))
    }

    /// The run's base run id.
    pub fn stamp(&self) -> RunStamp {
        self.0[..BASE_RUN_LEN].parse().expect("a run id starts with a base run id")
    }

    /// The client of the run.
    pub fn client(&self) -> ClientId {
        self.0[BASE_RUN_LEN + 1..].parse().expect("a run id ends in a client id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_run_id_is_the_utc_second_and_the_client() {
        let started: Timestamp = "2026-10-14T15:30:00.408+02:00".parse().unwrap();
        let client = "Guy-Wilson".parse().unwrap();
        let run = RunId::new(&RunStamp::at(started), &client);
        assert_eq!(run.as_str(), "261014-133000-Guy-Wilson");
        assert_eq!(run.client(), client);
        assert_eq!(run.stamp().as_str(), "261014-133000");
    }

    #[test]
    fn the_base_run_id_is_found_in_front_of_any_clients_run_id() {
        let base = |text| RunStamp::in_front_of(text).map(|stamp| stamp.to_string());
        assert_eq!(base("251014-153000").as_deref(), Some("251014-153000"));
        assert_eq!(base(" 251014-153000-Other-Client ").as_deref(), Some("251014-153000"));
        assert_eq!(base("HG7ML7M8z78YcAPEB"), None);
        assert_eq!(base("251014-1530001"), None);
        assert_eq!(base("251314-153000"), None, "there is no month 13");
        assert_eq!(base("251014-1530 0"), None);
        assert_eq!(base("251014-15306 "), None);
        assert_eq!(base("251014-153060"), None, "no id is made of a leap second");
        assert_eq!(base("240229-000000").as_deref(), Some("240229-000000"));
        assert_eq!(base("250229-000000"), None, "2025 is no leap year");
        assert_eq!(base("25101-4153000"), None);
        assert_eq!(base("+51014-153000"), None);
        assert_eq!(base("2510140153000"), None, "it has no hyphen");
        assert_eq!(base("{{resource.id}}"), None);
        assert_eq!(base("ééééééééééé"), None);
    }

    #[test]
    fn an_id_that_breaks_its_rule_is_named_with_the_rule() {
        let error = "HG7ML7M8z78YcAPEB".parse::<RunId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#""HG7ML7M8z78YcAPEB" is not a run id: it needs YYMMDD-HHMMSS-<Client ID>"#
        );
        assert!("{{resource.id}}".parse::<ApifyRunId>().is_err());
        assert!("recX8s1pPiBf5rqT".parse::<RecordId>().is_err());
        assert!("recX8s1pPiBf5-qTz".parse::<RecordId>().is_err());
        assert!("251314-153000-Guy".parse::<RunId>().is_err(), "there is no month 13");
        assert!("251014-153000Guy".parse::<RunId>().is_err());
        assert!("251014".parse::<RunId>().is_err());
        assert!("AAAA-AAAA_A".parse::<PostKey>().is_ok());
        assert!("AAAA+AAAA/A".parse::<PostKey>().is_err(), "that is not the URL-safe alphabet");
        assert!("AAAAAAAAAAAA".parse::<PostKey>().is_err(), "one too many");
        assert!("Guy\nWilson".parse::<ClientId>().is_err());
        assert!(" Guy".parse::<ClientId>().is_err());
    }

    proptest! {
        #[test]
        fn run_and_client_are_read_back_from_every_run_id(
            second in 946_684_800_i64..3_000_000_000,
            client in "[^\\s\\p{Cc}]([^\\p{Cc}]{0,40}[^\\s\\p{Cc}])?",
        ) {
            let client: ClientId = client.parse().unwrap();
            let base = RunStamp::at(Timestamp::from_second(second).unwrap());
            let run = RunId::new(&base, &client);
            prop_assert_eq!(run.as_str().parse::<RunId>().unwrap(), run.clone());
            prop_assert_eq!(run.client(), client);
            prop_assert_eq!(run.stamp(), base);
            prop_assert_eq!(RunStamp::in_front_of(run.as_str()), Some(run.stamp()));
        }
    }
}
