//! Logs: one JSON object a line on standard output, with the run and the client of each. Metrics
//! go the same way ([`crate::metrics_emf`]).

use crate::clock::Clock;
use crate::config::Vars;
use crate::messages::RunHeader;
use tracing::Span;
use tracing_subscriber::EnvFilter;

/// Sends logs to standard output as JSON, at the level of `RUST_LOG` (`info` when it is not set).
/// Switches metrics on for `service`, in the namespace `METRICS_NAMESPACE` (`runtally` when it is
/// not set). Call once, before anything is logged.
pub fn init(service: &'static str, vars: &Vars<impl Fn(&'static str) -> Option<String>>) {
    crate::metrics_emf::init(metrics_namespace(vars), service, Clock::system());
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// Where CloudWatch files the metrics: two deployments in one account keep theirs apart.
pub fn metrics_namespace(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> String {
    vars.text("METRICS_NAMESPACE").unwrap_or_else(|| "runtally".to_owned())
}

/// The span of work on a run: every line within carries the run and its client.
#[must_use]
pub fn run_span(run: &RunHeader) -> Span {
    tracing::info_span!("run", run.id = %run.id(), client.id = %run.client)
}
