//! CloudWatch's embedded metric format: one JSON object a line on standard output, with the
//! function as the only dimension. Never per run or client: each value of a dimension is a metric
//! that is paid for. So is each hour in which a metric comes (docs/cost.md): a count of nothing is left out.

use super::metric::Metric;
use crate::core::clock::Clock;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::OnceLock;

static SINK: OnceLock<Sink> = OnceLock::new();

/// Where a line is written to.
type Output = dyn Fn(&str) -> std::io::Result<()> + Send + Sync;

struct Sink {
    namespace: String,
    service: &'static str,
    clock: Clock,
    write: Box<Output>,
}

/// Switches metrics on: from here on they go to standard output, for `service` in `namespace`.
pub fn init(namespace: String, service: &'static str, clock: Clock) {
    let to_stdout = |line: &str| std::io::stdout().lock().write_all(line.as_bytes());
    init_to(namespace, service, clock, to_stdout);
}

/// The same to another place than standard output.
pub fn init_to(
    namespace: String,
    service: &'static str,
    clock: Clock,
    write: impl Fn(&str) -> std::io::Result<()> + Send + Sync + 'static,
) {
    SINK.get_or_init(|| Sink { namespace, service, clock, write: Box::new(write) });
}

/// Whose metrics are counted.
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
    // A metric that cannot be written must not cost the work that it is about.
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
