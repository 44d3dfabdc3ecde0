//! What each role may do is what its function's seams do, on the resources they do it to.

use crate::document::Template;
use shared::adapters::actions::{
    EVENT_LOG, EVENT_LOG_INDEX, LOG, POLL, POSTPONE, READ_SECRET, SEND, TRACE,
};
use std::collections::BTreeMap;

const SECRETS: &str =
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:";

/// Actions by resource, as the template spells resources.
fn rights(rights: &[(&str, &[&[&str]])]) -> BTreeMap<String, Vec<String>> {
    let sorted = |actions: &[&[&str]]| {
        let mut actions: Vec<String> =
            actions.concat().into_iter().map(ToOwned::to_owned).collect();
        actions.sort();
        actions
    };
    rights.iter().map(|(resource, actions)| ((*resource).to_owned(), sorted(actions))).collect()
}

#[test]
fn webhook_intake_may_send_tasks_and_word_of_harvests_and_nothing_else() {
    let expected = rights(&[
        ("WebhookIntakeLogs.Arn", &[LOG]),
        ("*", &[TRACE]),
        (&format!("{SECRETS}${{WebhookSecretName}}-??????"), &[READ_SECRET]),
        ("ScoringQueue.Arn", &[SEND]),
        ("MetricsQueue.Arn", &[SEND]),
    ]);
    assert_eq!(Template::read().rights("WebhookIntakeRole"), expected);
}

#[test]
fn scoring_may_work_on_tasks_and_report_and_nothing_else() {
    let expected = rights(&[
        ("ScoringLogs.Arn", &[LOG]),
        ("*", &[TRACE]),
        (&format!("{SECRETS}${{ServicesSecretName}}-??????"), &[READ_SECRET]),
        ("ScoringQueue.Arn", &[POLL, POSTPONE, SEND]),
        ("ScoringDeadLetters.Arn", &[SEND]),
        ("MetricsQueue.Arn", &[SEND]),
    ]);
    assert_eq!(Template::read().rights("ScoringRole"), expected);
}

#[test]
fn the_metrics_finalizer_may_keep_the_log_and_send_tasks_and_nothing_else() {
    let expected = rights(&[
        ("MetricsFinalizerLogs.Arn", &[LOG]),
        ("*", &[TRACE]),
        (&format!("{SECRETS}${{ServicesSecretName}}-??????"), &[READ_SECRET]),
        ("MetricsQueue.Arn", &[POLL, POSTPONE]),
        ("MetricsDeadLetters.Arn", &[SEND]),
        ("ScoringQueue.Arn", &[SEND]),
        ("EventLog.Arn", &[EVENT_LOG]),
        ("${EventLog.Arn}/index/open-runs", &[EVENT_LOG_INDEX]),
        ("${EventLog.Arn}/index/finished-runs", &[EVENT_LOG_INDEX]),
    ]);
    assert_eq!(Template::read().rights("MetricsFinalizerRole"), expected);
}

#[test]
fn each_schedule_may_send_to_its_own_queue_alone() {
    let template = Template::read();
    assert_eq!(template.rights("TickRole"), rights(&[("MetricsQueue.Arn", &[SEND])]));
    assert_eq!(template.rights("NightlyRole"), rights(&[("ScoringQueue.Arn", &[SEND])]));
    for (schedule, role) in
        [("Tick", "TickRole"), ("NightlyPosts", "NightlyRole"), ("NightlyProfiles", "NightlyRole")]
    {
        assert_eq!(template.property(schedule, "Target/RoleArn"), format!("{role}.Arn"));
    }
}

#[test]
fn only_the_service_of_this_account_takes_a_role() {
    let template = Template::read();
    for role in template.of_kind("AWS::IAM::Role") {
        let trust = template.property(&role, "AssumeRolePolicyDocument/Statement");
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
    let template = Template::read();
    for function in template.of_kind("AWS::Serverless::Function") {
        assert_eq!(template.property(&function, "Role"), format!("{function}Role.Arn"));
        let properties = template.at(&format!("Resources/{function}/Properties"));
        assert!(properties.get("Policies").is_none(), "{function}: SAM's templates allow more");
    }
    assert_eq!(template.of_kind("AWS::IAM::Role").len(), 5, "roles without a test");
}
