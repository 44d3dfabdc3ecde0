//! Reading the events of a log, each of them once.
//!
//! A projection folds all events of a run, and most of them were folded by the one before it.
//! Reading an event takes far longer than folding it, and what it says never changes.

use shared::core::ids::RunId;
use shared::messages::{Message, MetricsEvent, MetricsMessage};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes of bodies that are kept: some long runs. A function has 512 MB at least.
const KEPT_BYTES: usize = 16 << 20;

/// Events that this process has read, by their bodies.
#[derive(Default)]
pub(crate) struct Events(Mutex<Known>);

#[derive(Default)]
struct Known {
    events: HashMap<String, Arc<MetricsEvent>>,
    bytes: usize,
}

impl Events {
    /// The events with these bodies, in the same order. One that cannot be read was written by
    /// another release: it is left out, loudly, until a release that knows it reads the log.
    pub(crate) fn read(&self, run: &RunId, bodies: Vec<String>) -> Vec<Arc<MetricsEvent>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.into_iter().filter_map(|body| known.read(run, body)).collect()
    }
}

impl Known {
    fn read(&mut self, run: &RunId, body: String) -> Option<Arc<MetricsEvent>> {
        if let Some(event) = self.events.get(&body) {
            return Some(Arc::clone(event));
        }
        let event: Arc<MetricsEvent> = decode(run, &body)?.into();
        self.bytes += body.len();
        if self.bytes > KEPT_BYTES {
            self.events.clear();
            self.bytes = body.len();
        }
        self.events.insert(body, Arc::clone(&event));
        Some(event)
    }
}

fn decode(run: &RunId, body: &str) -> Option<Box<MetricsEvent>> {
    match MetricsMessage::decode(body) {
        Ok(MetricsMessage::Event(event)) => Some(event),
        Ok(MetricsMessage::Tick | MetricsMessage::Heard(_)) => None,
        Err(error) => {
            tracing::error!(%error, run.id = %run, "an event of the log cannot be read");
            None
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

    fn read(events: &Events, bodies: &[String]) -> Vec<Arc<MetricsEvent>> {
        events.read(&"261123-100000-Guy-Wilson".parse().unwrap(), bodies.to_vec())
    }

    #[test]
    fn a_log_is_read_as_it_is_however_much_of_it_is_known() {
        let events = Events::default();
        let first = read(&events, &["one", "two"].map(body));
        let told = ["three", "two", "one"].map(body);
        let again = read(&events, &told);
        assert_eq!(again.iter().map(|event| event.encode()).collect::<Vec<_>>(), told);
        assert!(Arc::ptr_eq(&first[0], &again[2]), "it was read before");
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let unknown = r#"{"version":9,"type":"event"}"#.to_owned();
        let read = read(&Events::default(), &[unknown, body("one")]);
        assert_eq!(read.iter().map(|event| event.encode()).collect::<Vec<_>>(), [body("one")]);
    }

    #[test]
    fn more_than_fits_is_read_all_the_same_and_not_kept() {
        let events = Events::default();
        let told: Vec<String> = (0..20_u8).map(|n| body(&n.to_string().repeat(1 << 20))).collect();
        assert_eq!(read(&events, &told).len(), told.len());
        let known = events.0.lock().unwrap();
        assert!(known.bytes <= KEPT_BYTES, "{} bytes are kept", known.bytes);
        assert_eq!(known.bytes, known.events.keys().map(String::len).sum::<usize>());
    }
}
