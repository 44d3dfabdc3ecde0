//! One function per measured event, called where the event happens. The functions do nothing until
//! [`init`] is called, so nothing is printed on a single machine and in tests.

use super::emf::{emit, service};
pub use super::emf::{init, init_to};
pub use super::metric::Metric;
use crate::core::prices::cost;
use crate::fold::{Status, Summary};
use crate::messages::CallOutcome;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

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

/// The function that sends requests to Airtable at every tick, even if there is nothing to do.
const FINALIZER: &str = "metrics-finalizer";

/// A request to Airtable ended after `took`. `status` is the status of its answer, if there is one.
/// The finalizer's requests are counted only if they are throttled, because every hour in which a
/// metric is sent costs money.
pub fn airtable_request(status: Option<StatusCode>, took: Duration) {
    let throttled = status == Some(StatusCode::TOO_MANY_REQUESTS);
    if service() == Some(FINALIZER) && !throttled {
        return;
    }
    emit(|_| {
        vec![
            (Metric::AirtableRequests, json!(1)),
            (Metric::AirtableThrottled, json!(u8::from(throttled))),
            (Metric::AirtableLatency, millis(took)),
        ]
    });
}

/// A call to the model ended with `outcome` after `took`.
pub fn model_call(outcome: &CallOutcome, took: Duration) {
    emit(|now| call(outcome, took, now));
}

/// The model answers no call until a person tops up its credit or replaces its key.
pub fn model_halted() {
    emit(|_| vec![(Metric::ModelHalted, json!(1))]);
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

/// A run's record was written. `was_open` says whether the run was open at the previous write. Only
/// then is its end counted.
pub fn run_written(summary: &Summary, was_open: bool) {
    emit(|_| run(summary, was_open));
}

fn call(outcome: &CallOutcome, took: Duration, now: Timestamp) -> Vec<(Metric, Value)> {
    let mut values = vec![(Metric::ModelCalls, json!(1)), (Metric::ModelLatency, millis(took))];
    match outcome {
        CallOutcome::Answered { usage, model, served } => {
            let price = cost(model, served.terms(now), usage);
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
        (Metric::RunsUnbalanced, json!(u8::from(summary.contradicts_itself() || without_tokens))),
        (Metric::RunsCostIncomplete, json!(u8::from(summary.cost_is_at_least()))),
        (Metric::RunsWithoutTokens, json!(u8::from(without_tokens))),
        (Metric::RunTime, json!(ended_at.duration_since(summary.started_at).as_secs().max(0))),
        (Metric::LeadsScored, sum(|kind| kind.leads.scored)),
        (Metric::LeadsSkipped, sum(|kind| kind.leads.skipped)),
        (Metric::LeadsFailed, sum(|kind| kind.leads.failed)),
        (Metric::UnobservedCalls, sum(|kind| kind.unobserved)),
    ]
}

fn millis(time: Duration) -> Value {
    json!(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Converts billionths of a dollar to dollars.
#[expect(clippy::cast_precision_loss, reason = "a metric; the record has the exact amount")]
fn dollars(billionths: u64) -> Value {
    json!(billionths as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::super::emf::line;
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
        let served = |tier, at: &str| Served { tier, at: at.parse().ok(), ..Served::default() };
        let argon = |tier, at| counted("gemini-4-argon", served(tier, at));
        assert_eq!(
            argon(Tier::Standard, ""),
            (json!(0.003), json!(0)),
            "at the moment of counting"
        );
        let december = "2026-12-01T00:00:00Z";
        assert_eq!(argon(Tier::Standard, december), (json!(0.006), json!(0)));
        assert_eq!(argon(Tier::Flex, december), (json!(0.003), json!(0)));
        assert_eq!(argon(Tier::OffPeak, december), (json!(0.0), json!(1)));
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
