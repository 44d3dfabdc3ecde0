//! Compares `template.yaml` with the code: a function gets the variables that it reads, and may do
//! what its ports do.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod docs;
mod document;
mod observed;
mod queues;
mod rights;
mod variables;

use document::{TEMPLATE, plain};
use queues::{CUSTOMER_KEY, SCHEDULES};
use shared::adapters::aws::dynamodb::{EXPIRES_AT, FINISHED_RUNS, Index, OPEN_RUNS, PK, SK};
use shared::core::digest::queue_id;
use shared::messages::{ClientScope, Kind, Message, MetricsMessage, ScoringTask, routes};
use std::collections::BTreeSet;
use variables::{BASE, FUNCTIONS};

/// Settings with a fixed value.
const SETTINGS: [(&str, &str); 30] = [
    // Functions are Rust on the newest runtime, with traces.
    ("Globals/Function/Runtime", "provided.al2023"),
    ("Globals/Function/Tracing", "Active"),
    ("Globals/Function/Architectures", "Architecture"),
    ("Parameters/Architecture/Default", "arm64"),
    ("Resources/WebhookIntake/Metadata/BuildMethod", "rust-cargolambda"),
    ("Resources/Scoring/Metadata/BuildMethod", "rust-cargolambda"),
    ("Resources/MetricsFinalizer/Metadata/BuildMethod", "rust-cargolambda"),
    // The event log is paid by use, can be restored, is encrypted, and survives the stack.
    ("EventLog/BillingMode", "PAY_PER_REQUEST"),
    ("EventLog/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", "true"),
    ("EventLog/SSESpecification/SSEEnabled", "true"),
    ("EventLog/SSESpecification/KMSMasterKeyId", CUSTOMER_KEY),
    ("EventLog/TimeToLiveSpecification/Enabled", "EventLogForgets,true,false"),
    ("EventLog/TimeToLiveSpecification/AttributeName", EXPIRES_AT),
    ("Parameters/EventLogDays/Default", "0"),
    // A function that anybody can call has its own executions, and no loop through it continues.
    (
        "WebhookIntake/ReservedConcurrentExecutions",
        "KeepsIntakeConcurrency,IntakeConcurrency,AWS::NoValue",
    ),
    ("WebhookIntake/RecursiveLoop", "Terminate"),
    // Tasks and due records come back through the retry queue, with the trace that Lambda uses to
    // count.
    ("Scoring/RecursiveLoop", "Allow"),
    ("MetricsFinalizer/RecursiveLoop", "Allow"),
    ("Conditions/HasAlarmEmail", "AlarmEmail,none"),
    ("EventLog/DeletionProtectionEnabled", "true"),
    ("Resources/EventLog/DeletionPolicy", "Retain"),
    ("Resources/EventLog/UpdateReplacePolicy", "Retain"),
    // Lambda has at most one batch of a FIFO group in work. Events and ticks share the group, so
    // the finalizer never works on two batches of one base.
    ("MetricsQueue/FifoQueue", "true"),
    ("Tick/Target/Arn", "MetricsQueue.Arn"),
    ("Tick/Target/SqsParameters/MessageGroupId", "MasterBaseId"),
    // The API is throttled.
    ("Api/DefaultRouteSettings/ThrottlingRateLimit", "WebhookRateLimit"),
    ("Api/DefaultRouteSettings/ThrottlingBurstLimit", "WebhookRateLimit"),
    // With another prefix, the account's policy for log deliveries fills up.
    ("ApiLogs/LogGroupName", "/aws/vendedlogs/${AWS::StackName}-api"),
    (
        "Scoring/Events/Tasks/Properties/ScalingConfig",
        "MaximumConcurrency=TakesMostTasks,MostTasks,Lanes,OfOneUser,ScoringConcurrency",
    ),
    ("Conditions/TakesMostTasks", "ScoringConcurrency,auto"),
];

#[test]
fn what_is_set_once_and_for_all_stays() {
    for (path, value) in SETTINGS {
        let found = match path.split_once('/').unwrap() {
            ("Conditions" | "Globals" | "Parameters" | "Resources", _) => plain(TEMPLATE.at(path)),
            (resource, property) => TEMPLATE.property(resource, property),
        };
        assert_eq!(found, value, "{path}");
    }
    assert!(TEMPLATE.number_at("Globals/Function/MemorySize") >= 512);
    let functions = TEMPLATE.of_kind("AWS::Serverless::Function");
    assert_eq!(functions, FUNCTIONS.map(|(name, ..)| name.to_owned()));
    assert_eq!(queue_id(BASE), BASE, "scoring sends events in the group of this text");
}

#[test]
fn alarms_are_encrypted_with_a_key_that_cloudwatch_may_use() {
    let of = |path: &str| TEMPLATE.property("AlarmKey", path);
    assert_eq!(
        TEMPLATE.property("AlarmTopic", "KmsMasterKeyId"),
        "HasCustomerKey,CustomerKeyArn,AlarmKey"
    );
    assert_eq!(of("EnableKeyRotation"), "true");
    let service = "Effect=Allow,Principal=Service=cloudwatch.amazonaws.com,\
                   Action=kms:Decrypt,kms:GenerateDataKey,Resource=*";
    assert!(of("KeyPolicy/Statement").contains(service), "{}", of("KeyPolicy/Statement"));
    // Without an address there is no topic. With the operator's key, the stack's own key is not
    // paid for.
    assert_eq!(plain(TEMPLATE.at("Conditions/HasAlarmKey")), "HasAlarmEmail,HasNoCustomerKey");
}

#[test]
fn an_address_for_alarms_is_asked_for() {
    let parameter = TEMPLATE.at("Parameters/AlarmEmail");
    assert!(parameter.get("Default").is_none(), "nobody would be asked");
}

#[test]
fn what_can_have_tags_has_the_stacks_name() {
    for kind in [
        "AWS::CloudWatch::Alarm",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    ] {
        for resource in TEMPLATE.of_kind(kind) {
            let tags = TEMPLATE.property(&resource, "Tags");
            assert_eq!(tags, "Key=Application,Value=AWS::StackName", "{resource}");
        }
    }
    let tags = "Application=AWS::StackName";
    assert_eq!(plain(TEMPLATE.at("Globals/Function/Tags")), tags);
    assert_eq!(TEMPLATE.property("Api", "Tags"), tags);
}

#[test]
fn code_signing_and_a_key_of_the_operators_reach_every_function_and_log() {
    for function in TEMPLATE.of_kind("AWS::Serverless::Function") {
        let signing = TEMPLATE.property(&function, "CodeSigningConfigArn");
        assert_eq!(signing, "HasCodeSigning,CodeSigningConfigArn,AWS::NoValue", "{function}");
    }
    assert_eq!(plain(TEMPLATE.at("Globals/Function/KmsKeyArn")), CUSTOMER_KEY);
    for group in TEMPLATE.of_kind("AWS::Logs::LogGroup") {
        assert_eq!(TEMPLATE.property(&group, "KmsKeyId"), CUSTOMER_KEY, "{group}");
    }
}

#[test]
fn a_gradual_deploy_names_functions_and_alarms_that_exist() {
    let script = include_str!("../../../deploy/canary.py");
    let functions = TEMPLATE.of_kind("AWS::Serverless::Function");
    let alarms = TEMPLATE.of_kind("AWS::CloudWatch::Alarm");
    for function in functions {
        let line = script.lines().find(|line| line.starts_with(&format!("    \"{function}\": [")));
        let line = line.unwrap_or_else(|| panic!("{function} is not in deploy/canary.py"));
        let names = line.split('"').skip(3).step_by(2);
        for name in names {
            assert!(alarms.iter().any(|alarm| alarm == name), "{function}: no alarm {name}");
        }
    }
}

/// A schedule's message at two scheduled times.
fn scheduled(schedule: &str) -> [String; 2] {
    let input = TEMPLATE.property(schedule, "Target/Input");
    ["2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z"]
        .map(|time| input.replace("<aws.scheduler.scheduled-time>", time))
}

#[test]
fn scheduled_messages_can_be_read_and_differ_from_time_to_time() {
    let schedules = TEMPLATE.of_kind("AWS::Scheduler::Schedule");
    assert_eq!(schedules, ["Tick", "NightlyPosts", "NightlyProfiles"]);
    for schedule in schedules {
        let (dead_letters, alarm) = SCHEDULES;
        let given_up = TEMPLATE.property(&schedule, "Target/DeadLetterConfig/Arn");
        assert_eq!(given_up, format!("{dead_letters}.Arn"), "{schedule}");
        let watched = TEMPLATE.property(alarm, "Dimensions");
        assert!(watched.ends_with(&format!("Value={dead_letters}.QueueName")), "{watched}");
        // The queue deduplicates by content: the same body would be dropped within five minutes.
        let [first, second] = scheduled(&schedule);
        assert_ne!(first, second, "{schedule}");
        let target = TEMPLATE.property(&schedule, "Target/Arn");
        let queue = target.strip_suffix(".Arn").unwrap();
        assert_eq!(TEMPLATE.property(queue, "ContentBasedDeduplication"), "true");
    }
    let [tick, _] = scheduled("Tick");
    assert_eq!(MetricsMessage::decode(&tick), Ok(MetricsMessage::Tick));
    for (schedule, kind) in [("NightlyPosts", Kind::Post), ("NightlyProfiles", Kind::Profile)] {
        let [night, _] = scheduled(schedule);
        let Ok(ScoringTask::ScoreWaiting(task)) = ScoringTask::decode(&night) else {
            panic!("{night}")
        };
        assert_eq!((&task.clients, task.kind), (&ClientScope::All, kind));
        assert_eq!(task.run().unwrap().as_str(), "261124-030000", "the scheduled time's run");
        let group = TEMPLATE.property(schedule, "Target/SqsParameters/MessageGroupId");
        assert_eq!(group, routes::all_clients_group());
    }
}

#[test]
fn the_event_log_has_the_keys_and_indexes_that_the_code_asks_for() {
    let log = |path: &str| TEMPLATE.property("EventLog", path);
    let schema = |hash: &str, range: &str| {
        format!("AttributeName={hash},KeyType=HASH,AttributeName={range},KeyType=RANGE")
    };
    assert_eq!(log("KeySchema"), schema(PK, SK));
    let indexes = [OPEN_RUNS, FINISHED_RUNS].map(|Index { name, hash, range, keys_only }| {
        let projection = if keys_only { "KEYS_ONLY" } else { "ALL" };
        let schema = schema(hash, range);
        format!("IndexName={name},KeySchema={schema},Projection=ProjectionType={projection}")
    });
    assert_eq!(log("GlobalSecondaryIndexes"), indexes.join(","));
    let keys = [OPEN_RUNS, FINISHED_RUNS].map(|index| [index.hash, index.range]);
    let keys: BTreeSet<&str> = keys.into_iter().flatten().chain([PK, SK]).collect();
    let texts = keys.iter().map(|key| format!("AttributeName={key},AttributeType=S"));
    let defined = log("AttributeDefinitions");
    let defined = defined.split(",AttributeName=").map(|one| match one {
        first if first.starts_with("AttributeName=") => first.to_owned(),
        later => format!("AttributeName={later}"),
    });
    assert_eq!(defined.collect::<BTreeSet<_>>(), texts.collect());
}
