//! The events of a log, as this release reads them.

use shared::messages::{Message, MetricsEvent, MetricsMessage};
use shared::ports::RunLog;

/// The events of a log in the order they happened, and the number of events that this release
/// cannot read.
pub(crate) fn events_of(log: &RunLog) -> (Vec<MetricsEvent>, usize) {
    let mut events: Vec<MetricsEvent> =
        log.events.iter().filter_map(|body| event_of(body)).collect();
    events.sort_by_key(|event| event.at);
    let unreadable = log.events.len() - events.len();
    (events, unreadable)
}

/// Parses a log entry; `None` for an event of another release.
pub(crate) fn event_of(body: &str) -> Option<MetricsEvent> {
    match MetricsMessage::decode(body) {
        Ok(MetricsMessage::Event(event)) => Some(*event),
        Ok(MetricsMessage::Heard(_) | MetricsMessage::Tick | MetricsMessage::Project(_))
        | Err(_) => None,
    }
}
