//! Logs: one JSON object a line on standard output, with the run and the client of each. Metrics
//! go the same way ([`crate::telemetry::metrics`]).

use crate::config::{ConfigError, Vars};
use crate::core::clock::Clock;
use crate::messages::RunHeader;
use crate::telemetry::trace::{self, TraceHeader};
use tracing::Span;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Sends logs to standard output as JSON, at the level of `RUST_LOG` (`info` when it is not set),
/// which may name modules (`warn,shared=debug`). Switches metrics on for `service`, in the
/// namespace `METRICS_NAMESPACE` (`runtally` when it is not set). Call once, before anything is
/// logged.
pub fn init(service: &'static str, vars: &Vars<impl Fn(&'static str) -> Option<String>>) {
    crate::telemetry::metrics::init(metrics_namespace(vars), service, Clock::system());
    let (levels, misread) = levels(vars, "info");
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    tracing_subscriber::registry().with(lines).with(levels).init();
    if let Some(error) = misread {
        tracing::error!(%error, "logging at info");
    }
}

/// What is logged: what `RUST_LOG` asks for, or else `default`, with what is wrong about `RUST_LOG`.
///
/// # Panics
/// When `default` is no level and no list of modules' levels.
pub fn levels(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
    default: &str,
) -> (Targets, Option<ConfigError>) {
    let normal = || default.parse().expect("a level, or modules' levels");
    match vars.optional("RUST_LOG") {
        Ok(asked) => (asked.unwrap_or_else(normal), None),
        Err(error) => (normal(), Some(error)),
    }
}

/// Where CloudWatch files the metrics: two deployments in one account keep theirs apart.
pub fn metrics_namespace(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> String {
    vars.text("METRICS_NAMESPACE").unwrap_or_else(|| "runtally".to_owned())
}

/// The span of work on a run: every line within carries the run, its client and the trace of the message.
/// A line shows its innermost span only.
pub fn run_span(run: &RunHeader) -> Span {
    let trace = trace::header();
    let id = trace.as_ref().map(TraceHeader::id);
    tracing::info_span!("run", run.id = %run.id(), client.id = %run.client, trace.id = id)
}
