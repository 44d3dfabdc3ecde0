//! Decodes the events of a log, each only once.
//!
//! A projection folds all events of a run, and the previous projection folded most of them.
//! Decoding an event takes far longer than folding it, and a stored event never changes.

use shared::core::ids::RunId;
use shared::messages::{Message, MetricsEvent, MetricsMessage};
use shared::ports::StoredEvent;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes of event bodies that are kept: enough for a few long runs. A function has at least
/// 512 MB.
const KEPT_BYTES: usize = 16 << 20;

/// The event as the log stores it.
pub(crate) fn stored(event: &MetricsEvent) -> StoredEvent {
    let (id, body) = event.encode_with_id();
    StoredEvent { id, body }
}

/// Events that this process has decoded.
#[derive(Default)]
pub(crate) struct Events(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_body: HashMap<String, Arc<MetricsEvent>>,
    /// Bytes of the bodies.
    bytes: usize,
}

impl Events {
    /// Keeps an event that is already decoded.
    pub(crate) fn keep(&self, event: MetricsEvent, body: String) {
        self.lock().keep(Arc::new(event), body);
    }

    /// The events with these bodies, in the same order. If an event cannot be decoded, another
    /// release wrote it. It is left out and logged as an error until a release that knows it reads
    /// the log.
    pub(crate) fn decode(&self, run: &RunId, bodies: Vec<String>) -> Vec<Arc<MetricsEvent>> {
        let mut kept = self.lock();
        bodies.into_iter().filter_map(|body| kept.decode(run, body)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, event: Arc<MetricsEvent>, body: String) {
        let bytes = body.len();
        if self.bytes + bytes > KEPT_BYTES {
            self.by_body.clear();
            self.bytes = 0;
        }
        if self.by_body.insert(body, event).is_none() {
            self.bytes += bytes;
        }
    }

    fn decode(&mut self, run: &RunId, body: String) -> Option<Arc<MetricsEvent>> {
        if let Some(event) = self.by_body.get(&body) {
            return Some(Arc::clone(event));
        }
        match MetricsMessage::decode(&body) {
            Ok(MetricsMessage::Event(event)) => {
                let event: Arc<MetricsEvent> = event.into();
                self.keep(Arc::clone(&event), body);
                Some(event)
            }
            Ok(MetricsMessage::Tick | MetricsMessage::Heard(_) | MetricsMessage::Project(_)) => {
                None
            }
            Err(error) => {
                tracing::error!(%error, run.id = %run, "an event of the log cannot be decoded");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event of the log that says `text`.
    fn body(text: &str) -> String {
        let run = r#"{"base_run":"261123-100000","client":"Guy-Wilson","client_name":"Guy Wilson","run_type":"standalone","opened_at":"2026-11-23T10:00:00Z"}"#;
        let fact = format!(r#"{{"type":"noted","kind":"input","text":"{text}"}}"#);
        format!(
            r#"{{"version":1,"type":"event","run":{run},"at":"2026-11-23T10:00:01Z","fact":{fact}}}"#
        )
    }

    fn decode(events: &Events, bodies: &[String]) -> Vec<Arc<MetricsEvent>> {
        events.decode(&"261123-100000-Guy-Wilson".parse().unwrap(), bodies.to_vec())
    }

    #[test]
    fn a_log_comes_back_in_its_order_and_each_event_is_decoded_once() {
        let events = Events::default();
        let first = decode(&events, &["one", "two"].map(body));
        let bodies = ["three", "two", "one"].map(body);
        let again = decode(&events, &bodies);
        assert_eq!(again.iter().map(|event| event.encode()).collect::<Vec<_>>(), bodies);
        assert!(Arc::ptr_eq(&first[0], &again[2]), "it was decoded before");
    }

    #[test]
    fn an_event_that_cannot_be_decoded_is_left_out() {
        let unknown = r#"{"version":9,"type":"event"}"#.to_owned();
        let decoded = decode(&Events::default(), &[unknown, body("one")]);
        assert_eq!(decoded.iter().map(|event| event.encode()).collect::<Vec<_>>(), [body("one")]);
    }

    #[test]
    fn events_beyond_the_limit_are_decoded_but_not_kept() {
        let events = Events::default();
        let bodies: Vec<String> =
            (0..20_u8).map(|n| body(&n.to_string().repeat(1 << 20))).collect();
        assert_eq!(decode(&events, &bodies).len(), bodies.len());
        let kept = events.lock();
        assert!(kept.bytes <= KEPT_BYTES, "{} bytes are kept", kept.bytes);
        assert_eq!(
            kept.bytes,
            kept.by_body.values().map(|event| event.encode().len()).sum::<usize>()
        );
    }
}
