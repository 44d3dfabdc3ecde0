//! Logs: one JSON object per line on standard output, with the run and its client. Metrics use the
//! same output ([`crate::telemetry::metrics`]).

use crate::config::{ConfigError, Vars};
use crate::core::clock::Clock;
use crate::messages::RunHeader;
use crate::telemetry::trace::{self, TraceHeader};
use tracing::Span;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Writes logs to standard output as JSON. `RUST_LOG` sets the level (default `info`) and may name
/// modules (`warn,shared=debug`). Also enables metrics for `service`, in the namespace
/// `METRICS_NAMESPACE` (default `runtally`). Call it once, before anything is logged.
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

/// The levels to log: those of `RUST_LOG`, or `default`. Also returns what is wrong with
/// `RUST_LOG`.
///
/// # Panics
/// If `default` is neither a level nor a list of modules with levels.
pub fn levels(
    vars: &Vars<impl Fn(&'static str) -> Option<String>>,
    default: &str,
) -> (Targets, Option<ConfigError>) {
    let normal = || default.parse().expect("a level, or modules' levels");
    if let Some(word) = vars.text("RUST_LOG").and_then(|asked| mistyped(&asked)) {
        let levels = "off, error, warn, info, debug or trace";
        let rule = format!("{word:?} is not a level; it needs {levels}, or `module=level`");
        return (normal(), Some(ConfigError::Invalid { name: "RUST_LOG", rule }));
    }
    match vars.optional("RUST_LOG") {
        Ok(asked) => (asked.unwrap_or_else(normal), None),
        Err(error) => (normal(), Some(error)),
    }
}

/// The first word that is not a level and does not set one. It would be read as a module name, and
/// the lines of all other modules would be lost.
fn mistyped(asked: &str) -> Option<String> {
    let is_level = |word: &str| word.is_empty() || word.parse::<LevelFilter>().is_ok();
    let mut words = asked.split(',').map(|word| word.trim_matches(['"', '\'', ' ']));
    words.find(|word| !word.contains('=') && !is_level(word)).map(str::to_owned)
}

/// The CloudWatch namespace of the metrics. It separates two deployments in one account.
pub fn metrics_namespace(vars: &Vars<impl Fn(&'static str) -> Option<String>>) -> String {
    vars.text("METRICS_NAMESPACE").unwrap_or_else(|| "runtally".to_owned())
}

/// The span of work on a run. Every line in it has the run, its client and the message's trace. A
/// line shows only its innermost span.
pub fn run_span(run: &RunHeader) -> Span {
    let trace = trace::header();
    let id = trace.as_ref().map(TraceHeader::id);
    tracing::info_span!("run", run.id = %run.id(), client.id = %run.client, trace.id = id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_does_not_exist_is_named_and_mutes_nothing() {
        let read = |asked: &'static str| {
            let (levels, misread) = levels(&Vars::new(|_| Some(asked.to_owned())), "info");
            (levels.to_string(), misread.map(|error| error.to_string()))
        };
        for word in ["loud", "warning"] {
            let says = format!(
                "RUST_LOG is wrong: {word:?} is not a level; it needs off, error, warn, info, \
                 debug or trace, or `module=level`"
            );
            assert_eq!(read(word), ("info".to_owned(), Some(says)));
        }
        for right in ["off", "WARN", "warn,shared=debug", "shared::ports=trace", "", "info,"] {
            assert_eq!(read(right).1, None, "{right}");
        }
        assert!(read("'warn'").1.unwrap().contains("it is in quotes"));
    }
}
