//! The webhooks that can be triggered.

use simulators::apify::RunStatus;
use std::str::FromStr;

/// The event of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A run of the actor ended with this status.
    Ended(RunStatus),
    /// No run: somebody tests the webhook.
    Test,
}

/// Every event: a short name, Apify's name, and its meaning.
const EVENTS: [(&str, &str, Event); 5] = [
    ("succeeded", "ACTOR.RUN.SUCCEEDED", Event::Ended(RunStatus::Succeeded)),
    ("failed", "ACTOR.RUN.FAILED", Event::Ended(RunStatus::Failed)),
    ("aborted", "ACTOR.RUN.ABORTED", Event::Ended(RunStatus::Aborted)),
    ("timed-out", "ACTOR.RUN.TIMED_OUT", Event::Ended(RunStatus::TimedOut)),
    ("test", "TEST", Event::Test),
];

impl Event {
    /// Apify's name of the event.
    pub(super) fn name(self) -> &'static str {
        EVENTS.iter().find(|(.., event)| *event == self).map_or("TEST", |(_, name, _)| name)
    }
}

impl FromStr for Event {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_it = |short: &str, name: &str| {
            text.eq_ignore_ascii_case(name) || text.to_lowercase().replace('_', "-") == short
        };
        let known = EVENTS.into_iter().find(|(short, name, _)| is_it(short, name));
        known.map(|(.., event)| event).ok_or_else(|| {
            let names = EVENTS.map(|(short, ..)| short).join(", ");
            format!("it needs one of {names}, or Apify's own name, such as ACTOR.RUN.SUCCEEDED")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_short_name_and_apifys() {
        for (short, name, event) in EVENTS {
            assert_eq!(short.parse(), Ok(event));
            assert_eq!(name.parse(), Ok(event));
            assert_eq!(event.name(), name);
        }
        assert_eq!("timed_out".parse(), Ok(Event::Ended(RunStatus::TimedOut)));
        assert!("created".parse::<Event>().unwrap_err().contains("succeeded, failed"));
    }
}
