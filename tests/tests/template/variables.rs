//! Each function gets the variables that it reads, and parameters allow the values that it accepts.

use crate::document::{TEMPLATE, TEXT, plain};
use crate::queues::QUEUES;
use regex::Regex;
use shared::config::{ConfigError, Vars};
use shared::core::failure::LONGEST_DELAY;
use shared::services::airtable::{MAX_CHUNK_LANES, PLAN_LANES, Rate};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A base's id, as the parameter `MasterBaseId` allows it.
pub(crate) const BASE: &str = "appMaster00000001";

/// The functions, the parameter of each one's secret, and the reader of its variables.
pub(crate) const FUNCTIONS: [(&str, &str, Reading); 3] = [
    ("WebhookIntake", "WebhookSecretName", read_intake),
    ("Scoring", "ServicesSecretName", read_scoring),
    ("MetricsFinalizer", "ServicesSecretName", read_finalizer),
];

/// Variables with an address of a service. The default is the vendor's own. Another root is in the
/// secret, next to the service's key. The Vertex variables are next to the account, without which
/// they are not read.
const BESIDE_THE_KEYS: [&str; 3] = ["AIRTABLE_API_URL", "APIFY_API_URL", "GEMINI_API_URL"];

/// The variable that only `runtally serve` sets. On AWS every service is the real one.
const ONE_MACHINE: &str = "SIMULATED_SERVICES";

/// Reads everything that a function's `main` reads. Returns the configuration as text.
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

/// The variables of a function after a deploy without chosen values.
struct Deployed {
    function: &'static str,
    given: BTreeMap<String, Option<String>>,
    secret: BTreeSet<String>,
    reading: Reading,
}

impl Deployed {
    fn value(&self, name: &str) -> Option<String> {
        match (name, self.given.get(name)) {
            // The alternative to a key for the model.
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
            // Only some models accept each thinking level.
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

/// The benchmark does not run with the tests. If a function read another variable, the benchmark
/// would break unnoticed.
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
        // These two are read before the configuration, by the logs and by the reader of the secret.
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

/// Variables that are set although a function starts without them.
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
                // The wait for flex has an effect only with the flex tier.
                "GEMINI_TIER" if tier.is_some() => tier.map(ToOwned::to_owned),
                // By default the function checks no actor's runs; the template names the harvests'
                // actor.
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
            // The template must not refuse values that the function accepts.
            let beyond = [least.and_then(|least| least.checked_sub(1)), most.map(|most| most + 1)];
            let refused =
                beyond.map(|value| value.is_some_and(|value| !starts(&value.to_string())));
            ranges.entry(variable).or_insert(refused);
        }
    }
    assert_eq!(ranges["LANES"], [true, true]);
    assert_eq!(ranges["LEADS_PER_CALL"], [true, true]);
    assert_eq!(ranges["CALLS_AT_ONCE"], [true, true]);
    // The function has no upper bound for it, but no wave of an invocation can wait longer.
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
        // CloudFormation matches the whole value.
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
    // A message whose function was killed comes back only after this time. Before that, nothing is
    // stalled.
    let stall = 60 * bound("StallMinutes/MinValue");
    for (queue, ..) in QUEUES {
        assert!(stall >= TEMPLATE.number(queue, "VisibilityTimeout"), "{queue}");
    }
    // It is not stalled either while it waits for its next attempt.
    assert!(stall >= LONGEST_DELAY.as_secs());
    // Planning comes before a wave, and writing its rows after it.
    let call = bound("GeminiTimeoutSeconds/MaxValue");
    assert!(TEMPLATE.number("Scoring", "Timeout") >= call + 60);
    // A wave that waited for flex in vain still makes its standard calls.
    let wait = bound("GeminiFlexWaitSeconds/MaxValue");
    assert!(TEMPLATE.number("Scoring", "Timeout") >= wait + bound("GeminiTimeoutSeconds/Default"));
    // Whatever the queues do, intake itself answers, with a second to spare and before the API
    // does.
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
            // Without the secret's name, the function has only its plain variables.
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

#[test]
fn scoring_keeps_to_what_airtable_allows_one_users_tokens() {
    let number = |path: &str| TEMPLATE.number_at(&format!("Parameters/{path}"));
    assert_eq!(number("Lanes/MinValue"), 1);
    assert_eq!(number("Lanes/MaxValue"), u64::from(MAX_CHUNK_LANES));
    // A new account may have 10 executions at the same time, for all functions.
    assert!(number("ScoringConcurrency/Default") + 5 <= 10);
    // 50 requests a second over all bases, minus those of the finalizer.
    let left = 50 - Rate::FINALIZER.requests as u64;
    let each = |lanes: u32| Rate::chunk(lanes).requests as u64;
    // A plan sends requests to the master base and to its client's base.
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
