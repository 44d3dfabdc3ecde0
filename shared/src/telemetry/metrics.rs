//! Metrics in CloudWatch's embedded metric format: one JSON object a line on standard output,
//! with the function as the only dimension. Never per run or client: each value of a dimension is
//! a metric that is paid for.
//!
//! Each call here is one line where something happens. It does nothing until [`init`] was called,
//! so that the same code prints nothing on a single machine and in tests.

use crate::core::clock::Clock;
use crate::core::prices::cost;
use crate::fold::{Status, Summary};
use crate::messages::CallOutcome;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

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

/// What is measured, with its name and unit in CloudWatch. The template's alarms and dashboard
/// name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Requests to the webhook that were refused.
    RequestsRefused,
    /// Those of them without the right token.
    RequestsUnauthorized,
    /// Messages that went back to their queue.
    MessagesGivenBack,
    /// Messages that went to a dead-letter queue.
    MessagesParked,
    /// Requests to Airtable.
    AirtableRequests,
    /// Those of them that were answered 429.
    AirtableThrottled,
    /// How long Airtable took for an answer.
    AirtableLatency,
    /// Calls of the model.
    ModelCalls,
    /// Those of them that were refused.
    ModelCallsRefused,
    /// Those of them without an answer.
    ModelCallsLost,
    /// How long the model took for an answer.
    ModelLatency,
    /// What the model's answers cost in US dollars.
    ModelCost,
    /// Answers whose model or tier has no price: their cost is not known.
    UnpricedAnswers,
    /// Tokens of requests, cached ones included.
    PromptTokens,
    /// Those of them from the model's cache.
    CachedTokens,
    /// Tokens of answers.
    OutputTokens,
    /// Tokens of thoughts.
    ThoughtsTokens,
    /// Tokens of tool results.
    ToolTokens,
    /// Runs that came to their end.
    RunsEnded,
    /// Those of them that failed.
    RunsFailed,
    /// Those of them whose numbers contradict each other; calls that are only unobserved do not count.
    RunsUnbalanced,
    /// Those of them with scores and without tokens.
    RunsWithoutTokens,
    /// Runs that were found stalled.
    RunsStalled,
    /// Runs whose record could not be written, each time. Several at once count as one where their
    /// number is not known.
    RunsUnprojected,
    /// Looks at the open runs.
    Ticks,
    /// How long a run took, from its first event to its last settlement.
    RunTime,
    /// Leads of ended runs with a score.
    LeadsScored,
    /// Leads of ended runs that needed nothing.
    LeadsSkipped,
    /// Leads of ended runs that could not be scored.
    LeadsFailed,
    /// Model calls of ended runs whose answer is not known.
    UnobservedCalls,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::RequestsRefused,
        Self::RequestsUnauthorized,
        Self::MessagesGivenBack,
        Self::MessagesParked,
        Self::AirtableRequests,
        Self::AirtableThrottled,
        Self::AirtableLatency,
        Self::ModelCalls,
        Self::ModelCallsRefused,
        Self::ModelCallsLost,
        Self::ModelLatency,
        Self::ModelCost,
        Self::UnpricedAnswers,
        Self::PromptTokens,
        Self::CachedTokens,
        Self::OutputTokens,
        Self::ThoughtsTokens,
        Self::ToolTokens,
        Self::RunsEnded,
        Self::RunsFailed,
        Self::RunsUnbalanced,
        Self::RunsWithoutTokens,
        Self::RunsStalled,
        Self::RunsUnprojected,
        Self::Ticks,
        Self::RunTime,
        Self::LeadsScored,
        Self::LeadsSkipped,
        Self::LeadsFailed,
        Self::UnobservedCalls,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Its unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::AirtableLatency | Self::ModelLatency => "Milliseconds",
            Self::RunTime => "Seconds",
            Self::ModelCost => "None",
            Self::RequestsRefused
            | Self::RequestsUnauthorized
            | Self::MessagesGivenBack
            | Self::MessagesParked
            | Self::AirtableRequests
            | Self::AirtableThrottled
            | Self::ModelCalls
            | Self::ModelCallsRefused
            | Self::ModelCallsLost
            | Self::UnpricedAnswers
            | Self::PromptTokens
            | Self::CachedTokens
            | Self::OutputTokens
            | Self::ThoughtsTokens
            | Self::ToolTokens
            | Self::RunsEnded
            | Self::RunsFailed
            | Self::RunsUnbalanced
            | Self::RunsWithoutTokens
            | Self::RunsStalled
            | Self::RunsUnprojected
            | Self::Ticks
            | Self::LeadsScored
            | Self::LeadsSkipped
            | Self::LeadsFailed
            | Self::UnobservedCalls => "Count",
        }
    }
}

/// A request was refused with `status`.
pub fn request_refused(status: StatusCode) {
    let unauthorized = status == StatusCode::UNAUTHORIZED;
    emit(|_| {
        vec![
            (Metric::RequestsRefused, json!(1)),
            (Metric::RequestsUnauthorized, json!(u8::from(unauthorized))),
        ]
    });
}

/// A message went back to its queue.
pub fn message_requeued() {
    emit(|_| vec![(Metric::MessagesGivenBack, json!(1))]);
}

/// A message went to a dead-letter queue.
pub fn message_dead_lettered() {
    emit(|_| vec![(Metric::MessagesParked, json!(1))]);
}

/// A request to Airtable ended after `took`; `status` is that of its answer, if it has one.
pub fn airtable_request(status: Option<StatusCode>, took: Duration) {
    let throttled = status == Some(StatusCode::TOO_MANY_REQUESTS);
    emit(|_| {
        vec![
            (Metric::AirtableRequests, json!(1)),
            (Metric::AirtableThrottled, json!(u8::from(throttled))),
            (Metric::AirtableLatency, millis(took)),
        ]
    });
}

/// A call of the model ended with `outcome` after `took`.
pub fn model_call(outcome: &CallOutcome, took: Duration) {
    emit(|now| call(outcome, took, now));
}

/// A run was found stalled.
pub fn run_stalled() {
    emit(|_| vec![(Metric::RunsStalled, json!(1))]);
}

/// A run's record could not be written.
pub fn run_unprojected() {
    emit(|_| vec![(Metric::RunsUnprojected, json!(1))]);
}

/// A tick looks at the open runs.
pub fn tick() {
    emit(|_| vec![(Metric::Ticks, json!(1))]);
}

/// A run's record was written. `was_open` is whether the run was not at its end when its record
/// was written before: only then its end is counted.
pub fn run_written(summary: &Summary, was_open: bool) {
    emit(|_| run(summary, was_open));
}

fn call(outcome: &CallOutcome, took: Duration, now: Timestamp) -> Vec<(Metric, Value)> {
    let mut values = vec![(Metric::ModelCalls, json!(1)), (Metric::ModelLatency, millis(took))];
    match outcome {
        CallOutcome::Answered { usage, model, served } => {
            let price = cost(model, served.tier, usage, served.at.unwrap_or(now));
            values.extend([
                (Metric::PromptTokens, json!(usage.prompt)),
                (Metric::CachedTokens, json!(usage.cached)),
                (Metric::OutputTokens, json!(usage.output)),
                (Metric::ThoughtsTokens, json!(usage.thoughts)),
                (Metric::ToolTokens, json!(usage.tool)),
                (Metric::UnpricedAnswers, json!(u8::from(price.is_none()))),
                (Metric::ModelCost, dollars(price.unwrap_or_default().0)),
            ]);
        }
        CallOutcome::Refused => values.push((Metric::ModelCallsRefused, json!(1))),
        CallOutcome::Lost => values.push((Metric::ModelCallsLost, json!(1))),
    }
    values
}

fn run(summary: &Summary, was_open: bool) -> Vec<(Metric, Value)> {
    if !was_open || !summary.status.is_end() {
        return Vec::new();
    }
    let kinds = summary.kinds().map(|(_, kind)| kind);
    let sum = |count: fn(&crate::fold::KindSummary) -> u64| {
        json!(kinds.iter().map(|kind| count(kind)).sum::<u64>())
    };
    let without_tokens = kinds.iter().any(|kind| kind.scored > 0 && kind.tokens.total == 0);
    let ended_at = summary.ended_at.unwrap_or(summary.started_at);
    vec![
        (Metric::RunsEnded, json!(1)),
        (Metric::RunsFailed, json!(u8::from(summary.status == Status::Failed))),
        (Metric::RunsUnbalanced, json!(u8::from(summary.contradicts_itself()))),
        (Metric::RunsWithoutTokens, json!(u8::from(without_tokens))),
        (Metric::RunTime, json!(ended_at.duration_since(summary.started_at).as_secs().max(0))),
        (Metric::LeadsScored, sum(|kind| kind.leads.scored)),
        (Metric::LeadsSkipped, sum(|kind| kind.leads.skipped)),
        (Metric::LeadsFailed, sum(|kind| kind.leads.failed)),
        (Metric::UnobservedCalls, sum(|kind| kind.unobserved)),
    ]
}

fn emit(values: impl FnOnce(Timestamp) -> Vec<(Metric, Value)>) {
    let Some(sink) = SINK.get() else { return };
    let now = sink.clock.now();
    let values = values(now);
    if values.is_empty() {
        return;
    }
    let line = line(&sink.namespace, sink.service, now, &values);
    // A metric that cannot be written must not cost the work that it is about.
    if let Err(error) = (sink.write)(&line) {
        tracing::warn!(%error, "metrics could not be written");
    }
}

fn line(namespace: &str, service: &str, now: Timestamp, values: &[(Metric, Value)]) -> String {
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

fn millis(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Billionths of a dollar as dollars.
#[expect(clippy::cast_precision_loss, reason = "a metric; the record has the exact amount")]
fn dollars(billionths: u64) -> Value {
    json!(billionths as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tokens::{Tier, TokenUsage};
    use crate::fold::RunState;
    use crate::messages::{Message, MetricsMessage, Served};

    fn moment() -> Timestamp {
        "2026-11-24T03:00:00.5Z".parse().unwrap()
    }

    fn answered(model: &str, served: Served) -> CallOutcome {
        let usage = TokenUsage { prompt: 1000, output: 100, total: 1100, ..TokenUsage::default() };
        CallOutcome::Answered { usage, model: model.to_owned(), served }
    }

    #[test]
    fn a_line_is_one_object_whose_metrics_are_all_keys_of_its_root() {
        let outcome = answered("gemini-3.5-flash-lite", Served::default());
        let values = call(&outcome, Duration::from_millis(812), moment());
        let line = line("runtally", "scoring", moment(), &values);
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["_aws"]["Timestamp"], 1_795_489_200_500_u64);
        let directive = &object["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "runtally");
        assert_eq!(directive["Dimensions"], json!([["Service"]]));
        assert_eq!(object["Service"], "scoring");
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(object[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!((&object["PromptTokens"], &object["ModelLatency"]), (&json!(1000), &json!(812)));
        assert_eq!(object["ModelCost"], json!(0.000_55));
    }

    #[test]
    fn an_answer_costs_what_its_model_does_at_its_tier_and_time_or_is_counted_as_unpriced() {
        let counted = |model, served| {
            let values = call(&answered(model, served), Duration::ZERO, moment());
            let of =
                |wanted| values.iter().find(|(metric, _)| *metric == wanted).unwrap().1.clone();
            (of(Metric::ModelCost), of(Metric::UnpricedAnswers))
        };
        let served = |tier, at: &str| Served { tier, at: at.parse().ok(), asked: None };
        let argon = |tier, at| counted("gemini-4-argon", served(tier, at));
        assert_eq!(
            argon(Tier::Standard, ""),
            (json!(0.003), json!(0)),
            "at the moment of counting"
        );
        let december = "2026-12-01T00:00:00Z";
        assert_eq!(argon(Tier::Standard, december), (json!(0.006), json!(0)));
        assert_eq!(argon(Tier::Flex, december), (json!(0.003), json!(0)));
        assert_eq!(argon(Tier::Priority, december), (json!(0.0), json!(1)));
        assert_eq!(counted("gemini-9-unheard-of", Served::default()), (json!(0.0), json!(1)));
    }

    #[test]
    fn a_lost_call_counts_as_lost_and_has_no_tokens() {
        let names = |outcome| {
            let values = call(&outcome, Duration::ZERO, moment());
            values.into_iter().map(|(metric, _)| metric).collect::<Vec<_>>()
        };
        let call = [Metric::ModelCalls, Metric::ModelLatency];
        assert_eq!(names(CallOutcome::Lost), [&call[..], &[Metric::ModelCallsLost]].concat());
        assert_eq!(names(CallOutcome::Refused), [&call[..], &[Metric::ModelCallsRefused]].concat());
    }

    /// The run whose events are in the example for the finalizer.
    fn summary() -> Summary {
        let events: Value =
            serde_json::from_str(include_str!("../../../events/metrics-events.json")).unwrap();
        let events: Vec<_> = events["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| match MetricsMessage::decode(record["body"].as_str().unwrap()) {
                Ok(MetricsMessage::Event(event)) => *event,
                other => panic!("{other:?}"),
            })
            .collect();
        RunState::fold(&events).unwrap().summary()
    }

    fn counted(summary: &Summary, was_open: bool) -> Vec<(Metric, u64)> {
        let values = run(summary, was_open);
        values.into_iter().map(|(metric, value)| (metric, value.as_u64().unwrap())).collect()
    }

    #[test]
    fn a_runs_end_is_counted_when_its_record_shows_it_for_the_first_time() {
        let ended = summary();
        assert_eq!(ended.status, Status::Completed);
        let first = counted(&ended, true);
        assert!(first.contains(&(Metric::RunsEnded, 1)), "{first:?}");
        assert!(first.contains(&(Metric::LeadsScored, 1)), "{first:?}");
        assert!(first.contains(&(Metric::RunsWithoutTokens, 0)), "{first:?}");
        assert_eq!(counted(&ended, false), [], "written again, a restored record for instance");
        let running = Summary { status: Status::Running, ..ended };
        assert_eq!(counted(&running, true), []);
        let stalled = Summary { status: Status::Stalled, ..running };
        assert_eq!(counted(&stalled, true), [], "that was counted when it was found");
    }

    #[test]
    fn scores_without_tokens_and_numbers_that_do_not_add_up_are_counted() {
        let mut odd = summary();
        odd.posts.tokens = TokenUsage::default();
        odd.posts.leads.planned += 1;
        let counted = counted(&odd, true);
        assert!(counted.contains(&(Metric::RunsWithoutTokens, 1)), "{counted:?}");
        assert!(counted.contains(&(Metric::RunsUnbalanced, 1)), "{counted:?}");
    }

    #[test]
    fn a_call_that_nobody_knows_the_tokens_of_is_no_contradiction() {
        let mut unobserved = summary();
        unobserved.posts.unobserved = 2;
        let counted = counted(&unobserved, true);
        assert!(counted.contains(&(Metric::UnobservedCalls, 2)), "{counted:?}");
        assert!(counted.contains(&(Metric::RunsUnbalanced, 0)), "{counted:?}");
    }
}
