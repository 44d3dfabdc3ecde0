//! Monitoring: logs that expire, alarms that say what to do, a dashboard of existing metrics.

use crate::document::{TEMPLATE, plain, sources};
use shared::messages::MAX_PLAN_LEADS;
use shared::services::airtable::Rate;
use shared::telemetry::metrics::Metric;
use std::collections::{BTreeMap, BTreeSet};

/// An alarm: its name and metric; the source of the metric (a queue, a function or one of our
/// services); the threshold above which it goes off, or below which for [`TICKS`]; the number of
/// periods and their seconds.
type Alarm = (&'static str, &'static str, &'static str, u64, (u64, u64));

/// For something that should never happen.
const ONCE: (u64, u64) = (1, 300);
/// For something that lasts. Ticks, and the attempts at a message, are at most ten minutes apart,
/// so each period has one.
const LASTING: (u64, u64) = (3, 900);
/// The alarm that goes off if no data comes.
const TICKS: &str = "TicksAlarm";

const VISIBLE: &str = "ApproximateNumberOfMessagesVisible";
const AGE: &str = "ApproximateAgeOfOldestMessage";

const ALARMS: [Alarm; 18] = [
    ("ScoringDeadLettersAlarm", VISIBLE, "ScoringDeadLetters.QueueName", 0, ONCE),
    ("MetricsDeadLettersAlarm", VISIBLE, "MetricsDeadLetters.QueueName", 0, ONCE),
    ("RetryDeadLettersAlarm", VISIBLE, "RetryDeadLetters.QueueName", 0, ONCE),
    ("ScheduleDeadLettersAlarm", VISIBLE, "ScheduleDeadLetters.QueueName", 0, ONCE),
    ("RetryAgeAlarm", AGE, "RetryQueue.QueueName", 2700, ONCE),
    ("ScoringAgeAlarm", AGE, "ScoringQueue.QueueName", 21_600, ONCE),
    ("MetricsAgeAlarm", AGE, "MetricsQueue.QueueName", 1200, ONCE),
    // A webhook with a wrong token comes four times within the period, doctor's probe comes once.
    ("ApiClientErrorsAlarm", "4xx", "Api", 3, (1, 900)),
    // Callers see every failure of intake, throttling too.
    ("ApiServerErrorsAlarm", "5xx", "Api", 0, ONCE),
    ("ScoringErrorsAlarm", "Errors", "Scoring", 0, ONCE),
    ("MetricsFinalizerErrorsAlarm", "Errors", "MetricsFinalizer", 0, ONCE),
    ("RunStalledAlarm", "RunsStalled", "metrics-finalizer", 0, ONCE),
    ("RunsUnprojectedAlarm", "RunsUnprojected", "metrics-finalizer", 0, LASTING),
    (TICKS, "Ticks", "metrics-finalizer", 1, (2, 900)),
    ("RunFailedAlarm", "RunsFailed", "metrics-finalizer", 0, ONCE),
    ("CostIncompleteAlarm", "RunsCostIncomplete", "metrics-finalizer", 0, ONCE),
    ("UnbalancedRecordAlarm", "RunsUnbalanced", "metrics-finalizer", 0, ONCE),
    ("ModelHaltedAlarm", "ModelHalted", "scoring", 0, (1, 60)),
];

#[test]
fn every_alarm_watches_a_metric_that_exists_and_says_what_to_do() {
    let names: BTreeSet<String> = ALARMS.map(|(name, ..)| name.to_owned()).into();
    let found: BTreeSet<String> = TEMPLATE.of_kind("AWS::CloudWatch::Alarm").into_iter().collect();
    assert_eq!(found, names);
    let emitted = emitted_by_service();
    for (name, metric, whose, threshold, over) in ALARMS {
        let of = |path: &str| TEMPLATE.property(name, path);
        assert_eq!(of("MetricName"), metric, "{name}");
        assert!(of("Dimensions").ends_with(&format!("Value={whose}")), "{name}");
        assert_eq!(TEMPLATE.number(name, "Threshold"), threshold, "{name}");
        let periods = TEMPLATE.number(name, "EvaluationPeriods");
        assert_eq!((periods, TEMPLATE.number(name, "Period")), over, "{name}");
        assert_eq!(of("AlarmActions"), "HasAlarmEmail,AlarmTopic,AWS::NoValue", "{name}");
        let what_to_do = of("AlarmDescription");
        assert!((60..1024).contains(&what_to_do.len()), "{name}: {what_to_do}");
        let (operator, missing) = match name {
            TICKS => ("LessThanThreshold", "breaching"),
            _ => ("GreaterThanThreshold", "notBreaching"),
        };
        assert_eq!(of("ComparisonOperator"), operator, "{name}");
        assert_eq!(of("TreatMissingData"), missing, "{name}");
        match of("Namespace").as_str() {
            "AWS/SQS" | "AWS/Lambda" | "AWS/ApiGateway" => {}
            "AWS::StackName" => {
                assert_eq!(of("Dimensions"), format!("Name=Service,Value={whose}"), "{name}");
                let by = emitted.get(whose).unwrap_or_else(|| panic!("{name}: no {whose}"));
                assert!(by.contains(metric), "{whose} never counts {metric}");
                assert_eq!(of("Statistic"), "Sum", "{name}");
            }
            namespace => panic!("{name} watches {namespace}"),
        }
    }
}

#[test]
fn the_largest_run_of_a_client_sets_off_no_alarm_by_its_length() {
    let lanes = TEMPLATE.number_at("Parameters/Lanes/Default");
    // Chunks of 500 leads, one after the other in each lane.
    let chunks = MAX_PLAN_LEADS as u64 / 500 / lanes;
    // A wave of ten leads waits for the model and is written in one request. Under a token limit
    // waves do not overlap. A chunk reads its leads in five requests and rests for a second.
    let (waves, model) = (50, 10);
    let airtable = (waves + 5) / Rate::chunk(lanes.try_into().unwrap()).requests as u64 + 1;
    let longest = chunks * (waves * model + airtable);
    let allowed = TEMPLATE.number("ScoringAgeAlarm", "Threshold");
    assert!(longest + 3600 < allowed, "{longest} s, and an hour for others before it");
}

/// The crates of the functions. A crate's name is the service of its metrics.
const SERVICES: [&str; 3] = ["webhook-intake", "scoring", "metrics-finalizer"];

/// What each function can count, according to its code: the calls of `metrics_emf` in its crate and
/// in the modules of `shared` that it uses.
fn emitted_by_service() -> BTreeMap<&'static str, BTreeSet<String>> {
    let shared = sources("shared/src");
    let metrics_emf = &shared["telemetry/metrics.rs"];
    let in_shared = shared.iter().filter_map(|(file, text)| {
        // `services/airtable/client.rs` is used as `shared::services::airtable`.
        let (room, rest) = file.split_once('/').unwrap_or((file, ""));
        let module = match rest.split(['/', '.']).next() {
            Some(inner) if matches!(room, "services" | "core") => format!("{room}::{inner}"),
            _ => room.trim_end_matches(".rs").to_owned(),
        };
        (room != "telemetry").then_some((module, text))
    });
    let in_shared: Vec<_> = in_shared.filter(|(_, text)| text.contains("metrics::")).collect();
    let emitted = SERVICES.map(|service| {
        let own = sources(&format!("functions/{service}/src"));
        let own = own.into_values().collect::<String>();
        assert!(own.contains(&format!("start::start(\"{service}\"")), "{service} has a name");
        let used =
            in_shared.iter().filter(|(module, _)| own.contains(&format!("shared::{module}")));
        let texts = used.map(|(_, text)| text.as_str()).chain([own.as_str()]);
        (service, texts.flat_map(|text| emitted_in(text, metrics_emf)).collect())
    });
    emitted.into()
}

/// The metrics that `text` counts through its calls of `metrics_emf`.
fn emitted_in(text: &str, metrics_emf: &str) -> BTreeSet<String> {
    let calls = text.split("metrics::").skip(1);
    let names = calls.map(|call| call.split('(').next().unwrap());
    names.flat_map(|name| emitted_by(name, metrics_emf)).collect()
}

/// The metrics that a function of `metrics_emf` counts, directly or through another one.
fn emitted_by(function: &str, metrics_emf: &str) -> BTreeSet<String> {
    let Some((_, body)) = metrics_emf.split_once(&format!("fn {function}(")) else {
        return BTreeSet::new();
    };
    let body = body.split("\n}\n").next().unwrap();
    let names = Metric::ALL.iter().map(|metric| metric.name());
    let own = names.filter(|name| body.contains(&format!("(Metric::{name}, ")));
    let others = ["call", "run"].into_iter().filter(|other| body.contains(&format!(" {other}(")));
    own.chain(others.flat_map(|other| emitted_by(other, metrics_emf))).collect()
}

#[test]
fn no_metric_is_counted_by_nobody() {
    let emitted: BTreeSet<String> = emitted_by_service().into_values().flatten().collect();
    let all: BTreeSet<String> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert_eq!(emitted, all);
}

/// The dashboard's metrics: namespace, name, and the dimension's name and value.
fn shown_on_the_dashboard() -> Vec<[String; 4]> {
    let body = TEMPLATE.property("Dashboard", "DashboardBody");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let mut shown: Vec<[String; 4]> = Vec::new();
    for widget in body["widgets"].as_array().unwrap() {
        let first = shown.len();
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let texts = metric.as_array().unwrap().iter().filter_map(|part| part.as_str());
            let texts: Vec<&str> = texts.collect();
            // A dot repeats the value of the previous line, three dots repeat all of it.
            let before = shown[first..].last();
            let full = match texts.as_slice() {
                ["..."] => before.unwrap().clone(),
                [_, _, _, _] => std::array::from_fn(|place| match texts[place] {
                    "." => before.unwrap()[place].clone(),
                    text => text.to_owned(),
                }),
                other => panic!("{other:?}"),
            };
            shown.push(full);
        }
    }
    shown
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let emitted = emitted_by_service();
    let mut shown = BTreeSet::new();
    for [namespace, name, dimension, value] in shown_on_the_dashboard() {
        match (namespace.as_str(), dimension.as_str()) {
            ("${AWS::StackName}", "Service") => {
                let by = emitted.get(value.as_str()).unwrap_or_else(|| panic!("no {value}"));
                assert!(by.contains(&name), "{value} never counts {name}");
                shown.insert(name);
            }
            ("AWS/SQS", "QueueName") | ("AWS/Lambda", "FunctionName") => {}
            other => panic!("{other:?}"),
        }
    }
    for name in [
        "RunsEnded",
        "RunsUnprojected",
        "Ticks",
        "MessagesGivenBack",
        "LeadsScored",
        "PromptTokens",
        "ThoughtsTokens",
        "ModelCost",
        "UnpricedAnswers",
        "AirtableRequests",
        "AirtableThrottled",
        "AirtableLatency",
        "ModelLatency",
    ] {
        assert!(shown.contains(name), "{name} is not shown");
    }
}

#[test]
fn each_function_and_the_api_log_into_a_group_of_their_own_that_forgets() {
    let functions = TEMPLATE.of_kind("AWS::Serverless::Function");
    let mut groups: BTreeSet<String> = functions
        .iter()
        .map(|function| TEMPLATE.property(function, "LoggingConfig/LogGroup"))
        .collect();
    assert_eq!(groups.len(), functions.len());
    let api = TEMPLATE.property("Api", "AccessLogSettings/DestinationArn");
    groups.insert(api.strip_suffix(".Arn").unwrap().to_owned());
    for group in &groups {
        assert_eq!(TEMPLATE.property(group, "RetentionInDays"), "LogRetentionDays");
    }
    let all: BTreeSet<String> = TEMPLATE.of_kind("AWS::Logs::LogGroup").into_iter().collect();
    assert_eq!(groups, all);
}

#[test]
fn the_api_logs_no_header_and_no_query() {
    let format = TEMPLATE.property("Api", "AccessLogSettings/Format");
    serde_json::from_str::<serde_json::Value>(&format).unwrap();
    assert!(!format.contains("query") && !format.contains("header"), "{format}");
    let routes = TEMPLATE.at("Resources/WebhookIntake/Properties/Events").as_mapping().unwrap();
    let routes: Vec<String> =
        routes.values().map(|route| plain(&route["Properties"]["Path"])).collect();
    assert_eq!(routes, ["/webhooks/apify", "/runs"]);
}

#[test]
fn what_an_operator_needs_after_a_deploy_is_in_the_outputs() {
    let outputs: Vec<String> = TEMPLATE.keys("Outputs").collect();
    for output in [
        "WebhookUrl",
        "RunsUrl",
        "WebhookIntakeFunction",
        "ScoringFunction",
        "MetricsFinalizerFunction",
        "ScoringQueueUrl",
        "ScoringDeadLettersUrl",
        "MetricsQueueUrl",
        "MetricsDeadLettersUrl",
        "RetryQueueUrl",
        "RetryDeadLettersUrl",
        "EventLogTable",
        "DashboardUrl",
        "ScheduleDeadLettersUrl",
    ] {
        assert!(outputs.iter().any(|name| name == output), "{output}");
    }
}
