//! Each role may do exactly what its function's ports do, on their resources.

use crate::document::{TEMPLATE, sources};
use shared::adapters::actions::{
    EVENT_LOG, EVENT_LOG_INDEX, LOG, POLL, READ_SECRET, REQUEUE, SEND, TRACE,
};
use std::collections::BTreeMap;

const SECRETS: &str =
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:";

/// Actions by resource, in the template's notation.
fn rights(rights: &[(&str, &[&[&str]])]) -> BTreeMap<String, Vec<String>> {
    let sorted = |actions: &[&[&str]]| {
        let mut actions: Vec<String> =
            actions.concat().into_iter().map(ToOwned::to_owned).collect();
        actions.sort();
        actions
    };
    rights.iter().map(|(resource, actions)| ((*resource).to_owned(), sorted(actions))).collect()
}

/// What a function's crate does with the queues, according to its code, by queue.
fn queue_rights(service: &str) -> BTreeMap<&'static str, Vec<&'static [&'static str]>> {
    let code: String = sources(&format!("functions/{service}/src")).into_values().collect();
    let mut rights: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, queue, dead_letters) in [
        ("Scoring", "ScoringQueue.Arn", "ScoringDeadLetters.Arn"),
        ("Metrics", "MetricsQueue.Arn", "MetricsDeadLetters.Arn"),
        ("Retry", "RetryQueue.Arn", "RetryDeadLetters.Arn"),
    ] {
        // `Tasks` receives from these two and sends to all, because it passes on waiting tasks.
        let has_tasks = code.contains("Tasks::new(&app.queue, ");
        let is_batch = code.contains(&format!("Batch::new(&app.queue, QueueName::{name})"));
        if is_batch || has_tasks && name != "Metrics" {
            rights.entry(queue).or_default().extend([POLL, REQUEUE]);
            rights.entry(dead_letters).or_default().push(SEND);
        }
        let sends = ["send(QueueName::", "send(app, QueueName::"];
        let waits = name == "Retry" && code.contains("queue.let_wait(");
        let sends = sends.iter().any(|send| code.contains(&format!("{send}{name}, ")));
        if sends || waits || has_tasks {
            rights.entry(queue).or_default().push(SEND);
        }
    }
    rights
}

#[test]
fn a_function_may_do_what_its_code_does_and_nothing_else() {
    let finalizers: [(&str, &[&[&str]]); 3] = [
        ("EventLog.Arn", &[EVENT_LOG]),
        ("${EventLog.Arn}/index/open-runs", &[EVENT_LOG_INDEX]),
        ("${EventLog.Arn}/index/finished-runs", &[EVENT_LOG_INDEX]),
    ];
    for (service, function, secret, log) in [
        ("webhook-intake", "WebhookIntake", "WebhookSecretName", &[][..]),
        ("scoring", "Scoring", "ServicesSecretName", &[]),
        ("metrics-finalizer", "MetricsFinalizer", "ServicesSecretName", &finalizers),
    ] {
        let (logs, secret) =
            (format!("{function}Logs.Arn"), format!("{SECRETS}${{{secret}}}-??????"));
        let queues = queue_rights(service);
        let own: [(&str, &[&[&str]]); 3] =
            [(&logs, &[LOG]), ("*", &[TRACE]), (&secret, &[READ_SECRET])];
        let queues = queues.iter().map(|(queue, actions)| (*queue, actions.as_slice()));
        let all: Vec<(&str, &[&[&str]])> =
            own.into_iter().chain(queues).chain(log.to_vec()).collect();
        assert_eq!(TEMPLATE.rights(&format!("{function}Role")), rights(&all), "{function}");
    }
}

#[test]
fn intake_reaches_no_more_than_it_should() {
    // A function may do what its code does. This says what the function that faces the internet
    // should do.
    let expected =
        BTreeMap::from([("MetricsQueue.Arn", vec![SEND]), ("ScoringQueue.Arn", vec![SEND])]);
    assert_eq!(queue_rights("webhook-intake"), expected);
}

#[test]
fn each_schedule_may_send_to_its_own_queue_and_the_dead_letters_alone() {
    for (role, queue) in [("TickRole", "MetricsQueue.Arn"), ("NightlyRole", "ScoringQueue.Arn")] {
        let dead_letters = ("ScheduleDeadLetters.Arn", &[SEND][..]);
        assert_eq!(TEMPLATE.rights(role), rights(&[(queue, &[SEND]), dead_letters]));
    }
    for (schedule, role) in
        [("Tick", "TickRole"), ("NightlyPosts", "NightlyRole"), ("NightlyProfiles", "NightlyRole")]
    {
        assert_eq!(TEMPLATE.property(schedule, "Target/RoleArn"), format!("{role}.Arn"));
    }
}

#[test]
fn a_key_of_the_operators_is_used_by_every_role_and_by_nobody_without_one() {
    for role in TEMPLATE.of_kind("AWS::IAM::Role") {
        let with_key = TEMPLATE.rights_if(&role, Some("HasCustomerKey"));
        let keys: Vec<&str> = with_key.keys().map(String::as_str).collect();
        assert_eq!(keys, ["CustomerKeyArn"], "{role}");
        // To read from an encrypted queue and to send to it.
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            let actions = &with_key["CustomerKeyArn"];
            assert!(
                actions.iter().any(|own| own.trim_end_matches('*') == action),
                "{role}: {action}"
            );
        }
        assert!(!TEMPLATE.rights(&role).contains_key("CustomerKeyArn"), "{role}");
    }
}

#[test]
fn only_the_service_of_this_account_takes_a_role() {
    for role in TEMPLATE.of_kind("AWS::IAM::Role") {
        let trust = TEMPLATE.property(&role, "AssumeRolePolicyDocument/Statement");
        let service = if role == "TickRole" || role == "NightlyRole" {
            assert!(
                trust.ends_with("Condition=StringEquals=aws:SourceAccount=AWS::AccountId"),
                "{role}: {trust}"
            );
            "scheduler"
        } else {
            "lambda"
        };
        assert!(trust.contains(&format!("Principal=Service={service}.amazonaws.com,")), "{trust}");
    }
}

#[test]
fn no_function_has_another_role_than_its_own() {
    for function in TEMPLATE.of_kind("AWS::Serverless::Function") {
        assert_eq!(TEMPLATE.property(&function, "Role"), format!("{function}Role.Arn"));
        let properties = TEMPLATE.at(&format!("Resources/{function}/Properties"));
        assert!(properties.get("Policies").is_none(), "{function}: SAM's templates allow more");
    }
    assert_eq!(TEMPLATE.of_kind("AWS::IAM::Role").len(), 5, "roles without a test");
}
