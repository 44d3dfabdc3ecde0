//! `template.yaml` against the code: what a function is given is what it asks for, and what it
//! may do is what its ports do.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod docs;
mod document;
mod observed;
mod rights;

use document::{TEMPLATE, TEXT, plain};
use regex::Regex;
use shared::adapters::aws::dynamodb::{EXPIRES_AT, FINISHED_RUNS, Index, OPEN_RUNS, PK, SK};
use shared::config::{ConfigError, Vars};
use shared::core::digest::queue_id;
use shared::core::failure::{LONGEST_DELAY, QUEUE_RECEIVES, RETRY_RECEIVES, RETRY_VISIBILITY};
use shared::core::limits::DEDUPLICATION_WINDOW;
use shared::messages::{ClientScope, Kind, Message, MetricsMessage, ScoringTask, routes};
use shared::services::airtable::{MAX_CHUNK_LANES, PLAN_LANES, Rate};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A base's id as the parameter `MasterBaseId` allows it.
const BASE: &str = "appMaster00000001";

/// The functions, the parameter of each one's secret, and what reads its variables.
const FUNCTIONS: [(&str, &str, Reading); 3] = [
    ("WebhookIntake", "WebhookSecretName", read_intake),
    ("Scoring", "ServicesSecretName", read_scoring),
    ("MetricsFinalizer", "ServicesSecretName", read_finalizer),
];

/// Where a service is: by default where its vendor has it. Another root stands in the secret, beside
/// the key that it takes, like the Vertex variables beside the account without which nothing asks
/// for them.
const BESIDE_THE_KEYS: [&str; 3] = ["AIRTABLE_API_URL", "APIFY_API_URL", "GEMINI_API_URL"];

/// What `runtally serve` alone tells its functions: on AWS every service is the real one.
const ONE_MACHINE: &str = "SIMULATED_SERVICES";

/// Reads all that a function's `main` reads; the configuration, as it is printed.
type Reading = fn(&dyn Fn(&'static str) -> Option<String>) -> Result<String, ConfigError>;

fn read_intake(read: &dyn Fn(&'static str) -> Option<String>) -> Result<String, ConfigError> {
    webhook_intake::queue_urls(&Vars::new(read))?;
    webhook_intake::Config::read(read).map(|config| format!("{config:?}"))
}

fn read_scoring(read: &dyn Fn(&'static str) -> Option<String>) -> Result<String, ConfigError> {
    scoring::queue_urls(&Vars::new(read))?;
    scoring::Config::read(read).map(|config| format!("{config:?}"))
}

fn read_finalizer(read: &dyn Fn(&'static str) -> Option<String>) -> Result<String, ConfigError> {
    metrics_finalizer::queue_urls(&Vars::new(read))?;
    metrics_finalizer::event_log_table(&Vars::new(read))?;
    metrics_finalizer::event_log_retention(&Vars::new(read))?;
    metrics_finalizer::Config::read(read).map(|config| format!("{config:?}"))
}

/// The variables that the secret's description promises.
fn in_secret(parameter: &str) -> BTreeSet<String> {
    let description = plain(TEMPLATE.at(&format!("Parameters/{parameter}/Description")));
    description
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.contains('_') && *word == word.to_uppercase())
        .map(ToOwned::to_owned)
        .collect()
}

/// What a function is given by a deploy in which nobody chose anything.
struct Deployed {
    function: &'static str,
    given: BTreeMap<String, Option<String>>,
    secret: BTreeSet<String>,
    reading: Reading,
}

impl Deployed {
    fn value(&self, name: &str) -> Option<String> {
        match (name, self.given.get(name)) {
            // The other way to reach the model, instead of a key.
            ("VERTEX_SERVICE_ACCOUNT", _) => None,
            ("MASTER_BASE_ID", _) => Some(BASE.to_owned()),
            (_, Some(default)) => default.clone().or_else(|| Some("x".repeat(16))),
            (_, None) => self.secret.contains(name).then(|| "x".repeat(16)),
        }
    }

    /// Whether the function starts with `value` in `variable`.
    fn starts_with(&self, variable: &str, value: &str) -> bool {
        let other = |name: &str| match name {
            name if name == variable => Some(value.to_owned()),
            // Not every model takes every thinking level.
            "GEMINI_MODEL" if variable == "GEMINI_THINKING" => Some("gemini-4-hydrogen".to_owned()),
            _ => None,
        };
        (self.reading)(&|name| other(name).or_else(|| self.value(name))).is_ok()
    }
}

fn deployed() -> [Deployed; 3] {
    FUNCTIONS.map(|(function, secret, reading)| {
        let (given, secret) = (TEMPLATE.defaults(function), in_secret(secret));
        Deployed { function, given, secret, reading }
    })
}

/// The benchmark is not run with the tests: without a variable that a function asks for it would stop working
/// unseen.
#[test]
fn the_benchmark_of_cold_starts_gives_every_queue_and_table_that_the_functions_ask_for() {
    let benchmark = include_str!("../../../functions/webhook-intake/benches/cold_start.rs");
    for function in ["WebhookIntake", "Scoring", "MetricsFinalizer"] {
        for name in TEMPLATE.variables(function).into_keys() {
            let is_asked = name.ends_with("_QUEUE_URL")
                || name.ends_with("_DEAD_LETTERS_URL")
                || name.ends_with("_TABLE");
            assert!(!is_asked || benchmark.contains(&format!("(\"{name}\"")), "{function}: {name}");
        }
    }
}

#[test]
fn each_function_is_given_every_variable_it_asks_for_and_no_other() {
    for deployed in deployed() {
        let Deployed { function, given, secret, reading } = &deployed;
        // These two are read before the configuration, by the logs and the secret's reader.
        let first = ["RUST_LOG".to_owned(), "SECRET_ID".to_owned()];
        let asked = RefCell::new(BTreeSet::from(first));
        let read = |name: &'static str| {
            asked.borrow_mut().insert(name.to_owned());
            deployed.value(name)
        };
        shared::telemetry::logs::metrics_namespace(&Vars::new(read));
        let started = reading(&read);
        assert!(started.is_ok(), "{function} would not start: {started:?}");
        let asked = asked.into_inner();
        let superfluous: Vec<_> = given.keys().filter(|name| !asked.contains(*name)).collect();
        assert!(superfluous.is_empty(), "{function} never reads {superfluous:?}");
        let known = |name: &String| {
            given.contains_key(name)
                || secret.contains(name)
                || BESIDE_THE_KEYS.contains(&name.as_str())
                || name == ONE_MACHINE
        };
        let unsaid: Vec<_> = asked.iter().filter(|name| !known(name)).collect();
        assert!(unsaid.is_empty(), "{function} reads {unsaid:?}, which nobody can configure");
        let open: Vec<_> = given.keys().filter(|name| secret.contains(*name)).collect();
        assert!(open.is_empty(), "{function} has the secrets {open:?} in plain variables");
    }
    for by_lambda in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(!TEMPLATE.variables("Scoring").contains_key(by_lambda), "{by_lambda}");
    }
}

/// Variables that a function starts without, and that are given all the same.
const OVERRIDES: [&str; 16] = [
    "APIFY_ACTORS",
    "CALLS_AT_ONCE",
    "DAILY_TOKEN_LIMIT",
    "EVENT_LOG_DAYS",
    "GEMINI_FLEX_WAIT_SECONDS",
    "GEMINI_MODEL",
    "GEMINI_THINKING",
    "GEMINI_TIER",
    "GEMINI_TIMEOUT_SECONDS",
    "LANES",
    "LEADS_PER_CALL",
    "METRICS_NAMESPACE",
    "PROJECT_SECONDS",
    "RUST_LOG",
    "STALL_MINUTES",
    "VERIFY_DAYS",
];

#[test]
fn parameters_that_nobody_chose_are_what_the_functions_take_by_themselves() {
    for deployed in deployed() {
        let read = |tier: Option<&str>, with_overrides: bool| {
            (deployed.reading)(&|name| match name {
                // How long flex is waited for shows only where flex is chosen.
                "GEMINI_TIER" if tier.is_some() => tier.map(ToOwned::to_owned),
                // The function looks for no actor's runs; the template names the harvests'.
                "APIFY_ACTORS" => Some("somebody~actor".to_owned()),
                name if OVERRIDES.contains(&name) && !with_overrides => None,
                name => deployed.value(name),
            })
        };
        for tier in [None, Some("flex")] {
            assert_eq!(read(tier, true), read(tier, false), "{}", deployed.function);
        }
    }
}

#[test]
fn a_parameter_allows_what_its_function_takes() {
    let mut ranges = BTreeMap::new();
    for deployed in deployed() {
        let function = deployed.function;
        for (variable, parameter) in TEMPLATE.variables(function) {
            let Some(rules) = TEMPLATE.at("Parameters").get(&parameter) else { continue };
            let starts = |value: &str| deployed.starts_with(&variable, value);
            let allowed = rules.get("AllowedValues").and_then(|values| values.as_sequence());
            let bound = |name: &str| rules.get(name).map(|bound| bound.as_u64().unwrap());
            let (least, most) = (bound("MinValue"), bound("MaxValue"));
            let bounds = [least, most].into_iter().flatten().map(|bound| bound.to_string());
            for value in allowed.into_iter().flatten().map(plain).chain(bounds) {
                assert!(starts(&value), "{function} does not start with {variable}={value}");
            }
            // What the function itself refuses is not refused a step earlier by the template.
            let beyond = [least.and_then(|least| least.checked_sub(1)), most.map(|most| most + 1)];
            let refused =
                beyond.map(|value| value.is_some_and(|value| !starts(&value.to_string())));
            ranges.entry(variable).or_insert(refused);
        }
    }
    assert_eq!(ranges["LANES"], [true, true]);
    assert_eq!(ranges["LEADS_PER_CALL"], [true, true]);
    assert_eq!(ranges["CALLS_AT_ONCE"], [true, true]);
    // The function has no upper bound for it; no wave of an invocation can wait for longer.
    assert_eq!(ranges["GEMINI_FLEX_WAIT_SECONDS"], [true, false]);
}

#[test]
fn parameters_of_text_refuse_before_a_deploy_what_would_fail_in_it() {
    for (parameter, taken, refused) in [
        ("MasterBaseId", &[BASE][..], &["", "tblMaster00000001"][..]),
        ("NightlyTimezone", &["UTC", "Australia/Sydney", "Etc/GMT+10"], &["", "Sydney time"]),
        (
            "AlarmEmail",
            &["none", "ops@example.org"],
            &["", "ops", "ops@example", "a b@example.org"],
        ),
        (
            "CustomerKeyArn",
            &["", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
            &["alias/mine", "arn:aws:kms:eu-west-1:123456789012:alias/mine"],
        ),
        (
            "CodeSigningConfigArn",
            &[
                "",
                "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0",
            ],
            &["csc-0123456789abcdef0"],
        ),
        ("ApifyActors", &["", "harvestapi~linkedin-profile-posts", "a~b, c/d"], &["a;b", "a\nb"]),
    ] {
        let pattern = TEMPLATE.at(&format!("Parameters/{parameter}/AllowedPattern"));
        // CloudFormation matches the whole of a value.
        let pattern = Regex::new(&format!("^(?:{})$", plain(pattern))).unwrap();
        for value in taken {
            assert!(pattern.is_match(value), "{parameter} does not take {value:?}");
        }
        for value in refused {
            assert!(!pattern.is_match(value), "{parameter} takes {value:?}");
        }
    }
}

#[test]
fn parameters_of_time_keep_to_what_lambda_and_the_queues_take() {
    let bound = |path: &str| TEMPLATE.number_at(&format!("Parameters/{path}"));
    // A message whose function was killed comes back only then; until then nothing has stalled.
    let stall = 60 * bound("StallMinutes/MinValue");
    for (queue, ..) in QUEUES {
        assert!(stall >= TEMPLATE.number(queue, "VisibilityTimeout"), "{queue}");
    }
    // Nor has it while it waits for its next attempt.
    assert!(stall >= LONGEST_DELAY.as_secs());
    // Before a wave there is planning, after it its rows are written.
    let call = bound("GeminiTimeoutSeconds/MaxValue");
    assert!(TEMPLATE.number("Scoring", "Timeout") >= call + 60);
    // A wave that waited for flex in vain still makes its standard calls.
    let wait = bound("GeminiFlexWaitSeconds/MaxValue");
    assert!(TEMPLATE.number("Scoring", "Timeout") >= wait + bound("GeminiTimeoutSeconds/Default"));
    // Whatever the queues do, intake itself answers, with a second to spare and before the API does.
    let timeout = TEMPLATE.number("WebhookIntake", "Timeout");
    assert!((webhook_intake::QUEUE_TIME.as_secs() + 2..30).contains(&timeout), "{timeout}");
}

#[test]
fn a_variable_that_is_a_parameter_has_its_name() {
    for (function, secret, _) in FUNCTIONS {
        for (variable, of) in TEMPLATE.variables(function) {
            if of == secret || TEMPLATE.at("Parameters").get(&of).is_none() {
                continue;
            }
            let name: String = variable
                .split('_')
                .map(|word| word[..1].to_owned() + &word[1..].to_lowercase())
                .collect();
            assert_eq!(of, name, "{function}: {variable}");
        }
    }
}

#[test]
fn a_function_does_not_start_without_a_variable_of_the_template() {
    for deployed in deployed() {
        let Deployed { function, given, secret, reading } = &deployed;
        for missing in given.keys().filter(|name| !OVERRIDES.contains(&name.as_str())) {
            // Without the secret's name the function has only its plain variables.
            let lacks =
                |name: &str| name == missing || missing == "SECRET_ID" && secret.contains(name);
            let started = reading(&|name| (!lacks(name)).then(|| deployed.value(name)).flatten());
            assert!(started.is_err(), "{function} starts without {missing}");
        }
    }
}

#[test]
fn secrets_are_read_from_secrets_manager_and_stand_nowhere_in_the_template() {
    for (function, secret, _) in FUNCTIONS {
        assert_eq!(TEMPLATE.variables(function)["SECRET_ID"], secret);
    }
    assert!(!TEXT.contains("{{resolve:"), "a resolved secret is a plain variable");
    let webhook = ["WEBHOOK_TOKEN", "WEBHOOK_TOKEN_PREVIOUS"].map(ToOwned::to_owned);
    assert_eq!(in_secret("WebhookSecretName"), webhook.into());
}

/// What is set once and for all.
const SETTINGS: [(&str, &str); 30] = [
    // Functions are Rust on the newest runtime, with traces.
    ("Globals/Function/Runtime", "provided.al2023"),
    ("Globals/Function/Tracing", "Active"),
    ("Globals/Function/Architectures", "Architecture"),
    ("Parameters/Architecture/Default", "arm64"),
    ("Resources/WebhookIntake/Metadata/BuildMethod", "rust-cargolambda"),
    ("Resources/Scoring/Metadata/BuildMethod", "rust-cargolambda"),
    ("Resources/MetricsFinalizer/Metadata/BuildMethod", "rust-cargolambda"),
    // The event log is paid by use, restorable and encrypted, and outlives the stack.
    ("EventLog/BillingMode", "PAY_PER_REQUEST"),
    ("EventLog/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", "true"),
    ("EventLog/SSESpecification/SSEEnabled", "true"),
    ("EventLog/SSESpecification/KMSMasterKeyId", CUSTOMER_KEY),
    ("EventLog/TimeToLiveSpecification/Enabled", "EventLogForgets,true,false"),
    ("EventLog/TimeToLiveSpecification/AttributeName", EXPIRES_AT),
    ("Parameters/EventLogDays/Default", "0"),
    // A function that everybody may call has executions of its own, and no loop through it goes on.
    (
        "WebhookIntake/ReservedConcurrentExecutions",
        "KeepsIntakeConcurrency,IntakeConcurrency,AWS::NoValue",
    ),
    ("WebhookIntake/RecursiveLoop", "Terminate"),
    // Tasks and due records come back through the retry queue, with the trace by which Lambda counts.
    ("Scoring/RecursiveLoop", "Allow"),
    ("MetricsFinalizer/RecursiveLoop", "Allow"),
    ("Conditions/HasAlarmEmail", "AlarmEmail,none"),
    ("EventLog/DeletionProtectionEnabled", "true"),
    ("Resources/EventLog/DeletionPolicy", "Retain"),
    ("Resources/EventLog/UpdateReplacePolicy", "Retain"),
    // Lambda has at most one batch of a FIFO group in work; events and ticks share the group, so
    // that the finalizer never works on two batches of one base.
    ("MetricsQueue/FifoQueue", "true"),
    ("Tick/Target/Arn", "MetricsQueue.Arn"),
    ("Tick/Target/SqsParameters/MessageGroupId", "MasterBaseId"),
    // The API is throttled.
    ("Api/DefaultRouteSettings/ThrottlingRateLimit", "WebhookRateLimit"),
    ("Api/DefaultRouteSettings/ThrottlingBurstLimit", "WebhookRateLimit"),
    // Outside this prefix the account's policy of log deliveries fills up.
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

/// A key of the operator's, where there is one.
const CUSTOMER_KEY: &str = "HasCustomerKey,CustomerKeyArn,AWS::NoValue";
/// SQS's own encryption, where there is none.
const OWN_ENCRYPTION: &str = "HasCustomerKey,false,true";

/// Queue, its dead-letter queue, the function that it feeds and the name of the mapping.
const QUEUES: [(&str, &str, &str, &str); 2] = [
    ("ScoringQueue", "ScoringDeadLetters", "Scoring", "Tasks"),
    ("MetricsQueue", "MetricsDeadLetters", "MetricsFinalizer", "Metrics"),
];

#[test]
fn queues_are_fifo_hold_messages_for_two_weeks_and_outlast_an_outage() {
    for (queue, dead_letters, function, _) in QUEUES {
        for name in [queue, dead_letters] {
            for (property, value) in [
                ("FifoQueue", "true"),
                ("ContentBasedDeduplication", "true"),
                ("DeduplicationScope", "messageGroup"),
                ("FifoThroughputLimit", "perMessageGroupId"),
                ("SqsManagedSseEnabled", OWN_ENCRYPTION),
                ("MessageRetentionPeriod", "1209600"),
            ] {
                assert_eq!(TEMPLATE.property(name, property), value, "{name}: {property}");
            }
        }
        assert_eq!(
            TEMPLATE.property(queue, "RedrivePolicy/deadLetterTargetArn"),
            format!("{dead_letters}.Arn")
        );
        // The function dead-letters a message at its last delivery, with the reason; this is the net.
        let receives = TEMPLATE.number(queue, "RedrivePolicy/maxReceiveCount");
        assert_eq!(receives, u64::from(QUEUE_RECEIVES), "{queue}");
        let timeout = TEMPLATE.number(function, "Timeout");
        assert!(TEMPLATE.number(queue, "VisibilityTimeout") >= 6 * timeout, "{queue}");
    }
}

#[test]
fn the_retry_queue_delays_each_message_by_itself_and_ends_no_chain_of_attempts() {
    let of = |queue: &str, path: &str| TEMPLATE.property(queue, path);
    for name in ["RetryQueue", "RetryDeadLetters"] {
        // A FIFO queue has one delay for all its messages.
        let properties = TEMPLATE.at(&format!("Resources/{name}/Properties"));
        for of_fifo in ["FifoQueue", "ContentBasedDeduplication", "DelaySeconds"] {
            assert!(properties.get(of_fifo).is_none(), "{name}: {of_fifo}");
        }
        assert_eq!(of(name, "MessageRetentionPeriod"), "1209600");
    }
    assert_eq!(of("RetryQueue", "RedrivePolicy/deadLetterTargetArn"), "RetryDeadLetters.Arn");
    let receives = TEMPLATE.number("RetryQueue", "RedrivePolicy/maxReceiveCount");
    assert_eq!(receives, u64::from(RETRY_RECEIVES));
    let visibility = TEMPLATE.number("RetryQueue", "VisibilityTimeout");
    assert_eq!(visibility, RETRY_VISIBILITY.as_secs());
    // Lambda demands the one; for the other a message that was passed on twice is dropped.
    assert!(visibility > TEMPLATE.number("Scoring", "Timeout"));
    assert!(visibility < DEDUPLICATION_WINDOW.as_secs());
    // A function that does not start is waited for as long as on the FIFO queues.
    let patience = |queue: &str| {
        TEMPLATE.number(queue, "VisibilityTimeout")
            * TEMPLATE.number(queue, "RedrivePolicy/maxReceiveCount")
    };
    assert!(patience("RetryQueue") >= patience("ScoringQueue"));
    assert_eq!(of("Scoring", "RecursiveLoop"), "Allow");
}

#[test]
fn every_queue_is_encrypted_and_takes_encrypted_connections_only() {
    let queues = TEMPLATE.of_kind("AWS::SQS::Queue");
    assert_eq!(queues.len(), 7);
    for queue in queues {
        assert_eq!(TEMPLATE.property(&queue, "SqsManagedSseEnabled"), OWN_ENCRYPTION, "{queue}");
        assert_eq!(TEMPLATE.property(&queue, "KmsMasterKeyId"), CUSTOMER_KEY, "{queue}");
        let policy = format!("{queue}Policy");
        assert_eq!(TEMPLATE.property(&policy, "Queues"), queue);
        assert_eq!(
            TEMPLATE.property(&policy, "PolicyDocument/Statement"),
            format!(
                "Sid=EncryptedConnectionsOnly,Effect=Deny,Principal=*,Action=sqs:*,\
                 Resource={queue}.Arn,Condition=Bool=aws:SecureTransport=false"
            )
        );
        // No other queue's dead letters come to it, unless it is there for them.
        let is_dead = queue.ends_with("DeadLetters") && queue != SCHEDULES.0;
        let redrive = if is_dead { "allowAll" } else { "denyAll" };
        let allowed = TEMPLATE.property(&queue, "RedriveAllowPolicy/redrivePermission");
        assert_eq!(allowed, redrive, "{queue}");
    }
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
    // There is no topic without an address; with a key of the operator's, this one is not paid for.
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

#[test]
fn every_mapping_reports_the_messages_that_failed() {
    let retries = ("RetryQueue", "RetryDeadLetters", "Scoring", "Retries");
    for (queue, _, function, mapping) in QUEUES.into_iter().chain([retries]) {
        let of = |path: &str| TEMPLATE.property(function, &format!("Events/{mapping}/{path}"));
        assert_eq!(of("Type"), "SQS");
        assert_eq!(of("Properties/Queue"), format!("{queue}.Arn"));
        assert_eq!(of("Properties/FunctionResponseTypes"), "ReportBatchItemFailures");
        assert!((1..=10).contains(&of("Properties/BatchSize").parse::<u64>().unwrap()));
    }
}

#[test]
fn scoring_keeps_to_what_airtable_allows_one_users_tokens() {
    let number = |path: &str| TEMPLATE.number_at(&format!("Parameters/{path}"));
    assert_eq!(number("Lanes/MinValue"), 1);
    assert_eq!(number("Lanes/MaxValue"), u64::from(MAX_CHUNK_LANES));
    // A new account may have 10 executions at a time, for the other functions too.
    assert!(number("ScoringConcurrency/Default") + 5 <= 10);
    // 50 requests a second over all bases, of which the finalizer makes its own.
    let left = 50 - Rate::FINALIZER.requests as u64;
    let each = |lanes: u32| Rate::chunk(lanes).requests as u64;
    // A plan asks the master base and its client's.
    let asked = |tasks: u64, lanes: u32| {
        let plans = u64::from(PLAN_LANES).min(tasks);
        let each_plan = each(lanes).max(2 * Rate::PLAN.requests as u64);
        plans * each_plan + (tasks - plans) * each(lanes)
    };
    let default = number("ScoringConcurrency/Default");
    assert!(asked(default, 1) <= left, "by default, with whatever Lanes");
    let allowed = TEMPLATE.at("Parameters/ScoringConcurrency/AllowedPattern");
    assert_eq!(plain(allowed), "auto|[2-9]|1[0-9]|2[0-4]");
    assert!(asked(12, 1) <= left, "what the description promises");
    for lanes in 1..=MAX_CHUNK_LANES {
        let most = TEMPLATE.number_at(&format!("Mappings/MostTasks/{lanes}/OfOneUser"));
        assert!(asked(most, lanes) <= left, "auto, Lanes {lanes}");
        assert!(asked(most + 1, lanes) > left, "auto leaves nothing unused, Lanes {lanes}");
        assert!(lanes == 1 || asked(24, lanes) <= left, "the most that can be set, Lanes {lanes}");
    }
}

/// What takes the messages of schedules that their queue did not take, and its alarm.
const SCHEDULES: (&str, &str) = ("ScheduleDeadLetters", "ScheduleDeadLettersAlarm");

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
        // The queue deduplicates by content: the same body within five minutes would vanish.
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
