//! CloudWatch's embedded metric format: one JSON object per line on standard output, with the
//! function as the only dimension. Never use the run or the client as a dimension: every value of a
//! dimension is a separate metric with its own cost. Every hour in which a metric is sent costs
//! money too (docs/cost.md), so counts of zero are not sent.

use super::metric::Metric;
use crate::core::clock::Clock;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::OnceLock;

static SINK: OnceLock<Sink> = OnceLock::new();

/// Writes one line.
type Output = dyn Fn(&str) -> std::io::Result<()> + Send + Sync;

struct Sink {
    namespace: String,
    service: &'static str,
    clock: Clock,
    write: Box<Output>,
}

/// Enables metrics: they are written to standard output, for `service` in `namespace`.
pub fn init(namespace: String, service: &'static str, clock: Clock) {
    let to_stdout = |line: &str| std::io::stdout().lock().write_all(line.as_bytes());
    init_to(namespace, service, clock, to_stdout);
}

/// Like [`init`], but writes to another place.
pub fn init_to(
    namespace: String,
    service: &'static str,
    clock: Clock,
    write: impl Fn(&str) -> std::io::Result<()> + Send + Sync + 'static,
) {
    SINK.get_or_init(|| Sink { namespace, service, clock, write: Box::new(write) });
}

/// The function whose metrics are counted; `None` before [`init`].
pub(super) fn service() -> Option<&'static str> {
    SINK.get().map(|sink| sink.service)
}

pub(super) fn emit(values: impl FnOnce(Timestamp) -> Vec<(Metric, Value)>) {
    let Some(sink) = SINK.get() else { return };
    let now = sink.clock.now();
    let mut values = values(now);
    values.retain(|(_, value)| value.as_f64() != Some(0.0));
    if values.is_empty() {
        return;
    }
    let line = line(&sink.namespace, sink.service, now, &values);
    // A metric that cannot be written must not make the work fail.
    if let Err(error) = (sink.write)(&line) {
        tracing::warn!(%error, "metrics could not be written");
    }
}

pub(super) fn line(
    namespace: &str,
    service: &str,
    now: Timestamp,
    values: &[(Metric, Value)],
) -> String {
    let definitions: Vec<Value> = values
        .iter()
        .map(|(metric, _)| json!({"Name": metric.name(), "Unit": metric.unit()}))
        .collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [["Service"]], "Metrics": definitions}
            ],
        }),
    );
    root.insert("Service".to_owned(), json!(service));
    root.extend(values.iter().map(|(metric, value)| (metric.name(), value.clone())));
    format!("{}\n", Value::Object(root))
}
