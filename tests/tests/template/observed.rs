//! What is observed: logs that end, alarms that say what to do, a dashboard of metrics that exist.

use crate::document::{Template, plain};
use shared::metrics_emf::Metric;
use std::collections::BTreeSet;

/// The alarms: the metric of each, whose it is, and above what it goes off.
const ALARMS: [(&str, &str, &str, u64); 16] = [
    (
        "ScoringDeadLettersAlarm",
        "ApproximateNumberOfMessagesVisible",
        "ScoringDeadLetters.QueueName",
        0,
    ),
    (
        "MetricsDeadLettersAlarm",
        "ApproximateNumberOfMessagesVisible",
        "MetricsDeadLetters.QueueName",
        0,
    ),
    ("ScoringAgeAlarm", "ApproximateAgeOfOldestMessage", "ScoringQueue.QueueName", 3600),
    ("MetricsAgeAlarm", "ApproximateAgeOfOldestMessage", "MetricsQueue.QueueName", 1200),
    ("WebhookIntakeErrorsAlarm", "Errors", "WebhookIntake", 0),
    ("ScoringErrorsAlarm", "Errors", "Scoring", 0),
    ("MetricsFinalizerErrorsAlarm", "Errors", "MetricsFinalizer", 0),
    ("WebhookIntakeThrottlesAlarm", "Throttles", "WebhookIntake", 0),
    ("ScoringThrottlesAlarm", "Throttles", "Scoring", 0),
    ("MetricsFinalizerThrottlesAlarm", "Throttles", "MetricsFinalizer", 0),
    ("RunStalledAlarm", "RunsStalled", "metrics-finalizer", 0),
    ("RunWithoutTokensAlarm", "RunsWithoutTokens", "metrics-finalizer", 0),
    ("UnobservedCallsAlarm", "UnobservedCalls", "metrics-finalizer", 0),
    ("UnbalancedRecordAlarm", "RunsUnbalanced", "metrics-finalizer", 0),
    ("ModelWithoutPriceAlarm", "UnpricedAnswers", "scoring", 0),
    ("WebhookUnauthorizedAlarm", "RequestsUnauthorized", "webhook-intake", 0),
];

fn own_metrics() -> BTreeSet<String> {
    Metric::ALL.iter().map(|metric| metric.name()).collect()
}

#[test]
fn every_alarm_watches_a_metric_that_exists_and_says_what_to_do() {
    let template = Template::read();
    let names: BTreeSet<String> = ALARMS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let found: BTreeSet<String> = template.of_kind("AWS::CloudWatch::Alarm").into_iter().collect();
    assert_eq!(found, names);
    for (alarm, metric, whose, threshold) in ALARMS {
        let of = |path: &str| template.property(alarm, path);
        assert_eq!(of("MetricName"), metric, "{alarm}");
        assert!(of("Dimensions").contains(&format!("Value={whose}")), "{alarm}");
        assert_eq!(template.number(alarm, "Threshold"), threshold, "{alarm}");
        assert_eq!(of("ComparisonOperator"), "GreaterThanThreshold", "{alarm}");
        assert_eq!(of("TreatMissingData"), "notBreaching", "{alarm}");
        assert_eq!(of("AlarmActions"), "HasAlarmEmail,AlarmTopic,AWS::NoValue", "{alarm}");
        let what_to_do = of("AlarmDescription");
        assert!((60..1024).contains(&what_to_do.len()), "{alarm}: {what_to_do}");
        match of("Namespace").as_str() {
            "AWS/SQS" | "AWS/Lambda" => {}
            "AWS::StackName" => assert!(own_metrics().contains(metric), "nobody counts {metric}"),
            namespace => panic!("{alarm} watches {namespace}"),
        }
    }
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let template = Template::read();
    let body = template.property("Dashboard", "DashboardBody");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let metrics: Vec<&serde_json::Value> = body["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap())
        .collect();
    let mut namespace = "";
    let mut shown = BTreeSet::new();
    for metric in metrics {
        match metric[0].as_str().unwrap() {
            "." | "..." => {}
            other => namespace = other,
        }
        if namespace == "${AWS::StackName}"
            && let Some(name) = metric[1].as_str().filter(|name| *name != ".")
        {
            assert!(own_metrics().contains(name), "nobody counts {name}");
            shown.insert(name);
        }
    }
    for name in [
        "RunsEnded",
        "LeadsScored",
        "PromptTokens",
        "ThoughtsTokens",
        "ModelCost",
        "UnpricedAnswers",
    ] {
        assert!(shown.contains(name), "{name} is not shown");
    }
    for name in ["AirtableRequests", "AirtableThrottled", "AirtableLatency", "ModelLatency"] {
        assert!(shown.contains(name), "{name} is not shown");
    }
}

#[test]
fn each_function_and_the_api_log_into_a_group_of_their_own_that_forgets() {
    let template = Template::read();
    let functions = template.of_kind("AWS::Serverless::Function");
    let mut groups: BTreeSet<String> = functions
        .iter()
        .map(|function| template.property(function, "LoggingConfig/LogGroup"))
        .collect();
    assert_eq!(groups.len(), functions.len());
    let api = template.property("Api", "AccessLogSettings/DestinationArn");
    groups.insert(api.strip_suffix(".Arn").unwrap().to_owned());
    for group in &groups {
        assert_eq!(template.property(group, "RetentionInDays"), "LogRetentionDays");
    }
    let all: BTreeSet<String> = template.of_kind("AWS::Logs::LogGroup").into_iter().collect();
    assert_eq!(groups, all);
}

#[test]
fn the_api_is_throttled_and_logs_no_header_and_no_query() {
    let template = Template::read();
    for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
        let value = template.property("Api", &format!("DefaultRouteSettings/{limit}"));
        assert_eq!(value, "WebhookRateLimit");
    }
    let format = template.property("Api", "AccessLogSettings/Format");
    serde_json::from_str::<serde_json::Value>(&format).unwrap();
    assert!(!format.contains("query") && !format.contains("header"), "{format}");
    let routes = template.at("Resources/WebhookIntake/Properties/Events").as_mapping().unwrap();
    let routes: Vec<String> =
        routes.values().map(|route| plain(&route["Properties"]["Path"])).collect();
    assert_eq!(routes, ["/webhooks/apify", "/runs"]);
}

#[test]
fn what_an_operator_needs_after_a_deploy_is_in_the_outputs() {
    let template = Template::read();
    let outputs: Vec<String> =
        template.at("Outputs").as_mapping().unwrap().keys().map(plain).collect();
    for output in [
        "WebhookUrl",
        "RunsUrl",
        "ScoringQueueUrl",
        "ScoringDeadLettersUrl",
        "MetricsQueueUrl",
        "MetricsDeadLettersUrl",
        "EventLogTable",
        "DashboardUrl",
    ] {
        assert!(outputs.iter().any(|name| name == output), "{output}");
    }
}
