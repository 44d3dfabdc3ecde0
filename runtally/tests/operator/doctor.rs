//! `runtally doctor`.

use crate::world::{BASE, MASTER, World, spec};
use serde_json::{Value, json};
use shared::ports::{NewDeadLetter, Queue, QueueName};
use shared::schema::{
    CLIENT_BASE, MASTER_BASE, PROFILES_ONLY_BASE, Table, clients, leads, post_attributes,
    post_instructions, run_record,
};
use simulators::airtable::{Airtable, AirtableOptions, FieldSpec, Scope, TableSpec, Token};
use simulators::{Clock, NoStore, Simulated, serve};
use std::sync::Arc;
use tokio::net::TcpListener;

fn of_level(answer: &Value, level: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = answer["checks"].as_array().unwrap().iter();
    let of_level = checks.filter(|check| check["level"] == level);
    of_level.map(|check| text(&check["what"]) + ": " + &text(&check["message"])).collect()
}

/// How a field differs from the schema.
#[derive(Clone, Copy)]
enum Damage {
    Missing,
    /// Its type is date.
    Date,
    /// Its last choice is missing.
    Short(&'static [&'static str]),
}

use Damage::{Date, Missing, Short};

/// Fields whose damage alone is wrong. A base may lack the field Run Type.
const WRONG_FIELDS: [(&str, &str, Damage); 9] = [
    (run_record::TABLE, run_record::POST_TOKENS, Missing),
    (run_record::TABLE, run_record::START_TIME, Date),
    (run_record::TABLE, run_record::STATUS, Short(&run_record::STATUSES)),
    (run_record::TABLE, run_record::RUN_TYPE, Short(&run_record::RUN_TYPES)),
    (leads::TABLE, leads::TOP_POST, Missing),
    (leads::TABLE, leads::AI_SCORE, Missing),
    (leads::TABLE, leads::SCORING_STATUS, Short(&leads::SCORING_STATUSES)),
    (leads::TABLE, leads::POSTS_HARVEST_STATUS, Short(&leads::HARVEST_STATUSES)),
    (leads::TABLE, leads::POSTS_JSON_STATUS, Short(&leads::JSON_STATUSES)),
];

/// Fields whose damage is wrong only together, or deserves only a warning.
const OTHER_FIELDS: [(&str, &str, Damage); 3] = [
    (leads::TABLE, leads::RAW_PROFILE, Missing),
    (leads::TABLE, leads::PROFILE_JSON, Missing),
    (post_attributes::TABLE, post_attributes::CATEGORY, Short(&post_attributes::CATEGORIES)),
];

fn says((table, field, damage): (&str, &str, Damage)) -> String {
    match damage {
        Missing => format!("table {table:?} has no field {field:?}"),
        Date => format!("field {field:?} of table {table:?} is of the type date"),
        Short(choices) => {
            let last = choices[choices.len() - 1];
            format!("field {field:?} of table {table:?} lacks the choice {last:?}")
        }
    }
}

/// Clients with their bases, and what is wrong with each.
const BAD_CLIENTS: [(&str, &str, &str); 3] = [
    ("Nobody", "appNobody00000001", "base appNobody00000001 of client \"Nobody\""),
    ("Baseless", "", r#"client "Baseless": "" is not an Airtable base id"#),
    ("Nobody", "appNobody00000001", r#"client "Nobody" is in the table more than once"#),
];

const BAD_VARIABLES: [(&str, &str, &str); 3] = [
    ("APIFY_TOKEN", "apify_api_wrong", "Apify token: Apify does not accept it (status 401)"),
    ("GEMINI_MODEL", "gemini-9-unheard-of", "model gemini-9-unheard-of: MODEL_CONFIG"),
    ("WEBHOOK_TOKEN", "another-webhook-token", "it does not know our token"),
];

/// Tables that are missing or lack what a client needs.
const BAD_TABLES: [&str; 4] = [
    r#"table "Leads" has neither "Raw Profile Data" nor "Profile Full JSON""#,
    r#"there is no table "Post Scoring Instructions""#,
    r#"there is no table "Scoring Attributes""#,
    r#"table "Post Scoring Attributes" has no active criterion"#,
];

fn damaged(table: &Table) -> TableSpec {
    let mut made = spec(table);
    for (_, field, damage) in
        WRONG_FIELDS.into_iter().chain(OTHER_FIELDS).filter(|(name, ..)| *name == table.name)
    {
        made.fields.retain(|known| known.name != field);
        made.fields.extend(match damage {
            Missing => None,
            Date => Some(FieldSpec::date(field)),
            Short(choices) => Some(FieldSpec::single_select(field, &choices[..choices.len() - 1])),
        });
    }
    made
}

/// A system with everything wrong that the tables above list, and with a dead letter.
async fn damaged_world() -> World {
    let mut world = World::empty().await;
    for table in &MASTER_BASE {
        world.make(MASTER, damaged(table));
    }
    let [leads, _, attributes, _] = &CLIENT_BASE;
    world.make(BASE, damaged(leads));
    world.make(BASE, damaged(attributes));
    world.add_client("Guy-Wilson", BASE);
    for (id, base, _) in BAD_CLIENTS {
        world.add_client(id, base);
    }
    world.start().await;
    world.variables.extend(BAD_VARIABLES.map(|(name, value, _)| (name, value.to_owned())));
    let letter = NewDeadLetter {
        group: "g".into(),
        message_id: "m".into(),
        body: "{}".into(),
        reason: "unreadable".into(),
    };
    world.system().queue.dead_letter(QueueName::Scoring, letter).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_system_has_nothing_wrong() {
    let world = World::sound().await;
    let (code, checks) = world.doctor().await;
    assert_eq!(of_level(&checks, "wrong"), [""; 0]);
    assert_eq!(of_level(&checks, "warning"), [""; 0]);
    assert_eq!((code, &checks["wrong"], &checks["warnings"]), (0, &json!(0), &json!(0)));
    let ok = of_level(&checks, "ok");
    for expected in [
        "Airtable token",
        "Apify token",
        "model gemini",
        "price of",
        "scoring queue",
        "event log",
        "deduplication",
    ] {
        assert!(ok.iter().any(|line| line.starts_with(expected)), "{expected} in {ok:#?}");
    }
    assert!(ok.iter().any(|line| line.ends_with("it knows our token")), "{ok:#?}");
    let spent = world.services.gemini.service().billed_totals().answers;
    assert_eq!(spent, 1, "a doctor costs one call of one token");
    let asked = world.airtable().requests_by_base();
    let of_client = asked.iter().find(|(base, _)| base == BASE).unwrap().1;
    assert_eq!(
        of_client, 4,
        "the schema, the two tables of the prompt, and whether it is writable"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_things_that_are_wrong_is_named_once_with_what_to_do() {
    let world = damaged_world().await;
    let (code, checks) = world.doctor().await;
    assert_eq!(code, 1);
    let wrong = of_level(&checks, "wrong").join("\n");
    let others = BAD_CLIENTS.map(|(_, _, says)| says).into_iter();
    let others = others.chain(BAD_VARIABLES.map(|(_, _, says)| says)).chain(BAD_TABLES);
    let all: Vec<String> =
        WRONG_FIELDS.map(says).into_iter().chain(others.map(str::to_owned)).collect();
    for says in &all {
        assert!(wrong.contains(says.as_str()), "{says} is not in\n{wrong}");
    }
    assert_eq!(checks["wrong"], all.len(), "nothing is named twice: {checks:#}");
    let warned = of_level(&checks, "warning").join("\n");
    for says in [
        "price of gemini-9-unheard-of",
        "scoring dead letters: 1",
        r#"field "Category" of table "Post Scoring Attributes" lacks the choice "Negative Scoring Factor""#,
    ] {
        assert!(warned.contains(says), "{says} is not in\n{warned}");
    }
    let all = checks["checks"].as_array().unwrap();
    let bad = |check: &&Value| check["level"] == "wrong" || check["level"] == "warning";
    assert!(all.iter().filter(bad).all(|check| check["hint"].is_string()), "each says what to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_credit_is_told_from_one_that_is_away() {
    let world = World::empty().await;
    world.services.gemini.service().set_credit(false);
    let (_, checks) = world.json("doctor").await;
    let model = |check: &&Value| check.to_string().contains("prepayment credits are depleted");
    let check = checks["checks"].as_array().unwrap().iter().find(model).expect("the model's check");
    assert_eq!(check["level"], "wrong");
    assert!(check["hint"].as_str().unwrap().starts_with("top up"), "{check}");
    assert!(check.to_string().contains("NO_CREDIT"), "{check}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_profile_scoring_only_needs_nothing_for_posts() {
    let world = World::empty().await;
    for table in &MASTER_BASE {
        world.make(MASTER, spec(table));
    }
    let [leads_table, attributes] = &PROFILES_ONLY_BASE;
    world.make(BASE, spec(leads_table));
    world.add_client_of_level("Basic", BASE, "1-Lead scoring");
    let of_base = |level: &str, answer: &Value| -> Vec<String> {
        of_level(answer, level).into_iter().filter(|line| line.contains(BASE)).collect()
    };
    let (_, checks) = world.json("doctor").await;
    let name = format!("base {BASE} of client \"Basic\"");
    assert_eq!(
        of_base("wrong", &checks),
        [format!("{name}: there is no table \"Scoring Attributes\"")]
    );
    world.make(BASE, spec(attributes));
    let (_, checks) = world.json("doctor").await;
    assert_eq!(of_base("wrong", &checks), [""; 0]);
    assert_eq!(of_base("warning", &checks), [""; 0]);
    let info = format!("{name}: its service level has profile scoring only");
    assert_eq!(of_base("info", &checks), [info]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_may_not_do_is_tried_and_named() {
    let mut world = World::sound().await;
    let token = Token { scopes: vec![Scope::ReadRecords], ..Token::full("patLimited") };
    world.variables.insert("AIRTABLE_API_URL", served(airtable_with(token)).await);
    world.variables.insert("AIRTABLE_TOKEN", "patLimited".to_owned());
    let (code, checks) = world.json("doctor").await;
    let wrong = of_level(&checks, "wrong");
    assert_eq!(code, 1);
    assert_eq!(wrong.len(), 2, "of a personal token no scope is told: {wrong:#?}");
    assert!(wrong[0].contains("Airtable denies reading the schema"), "{wrong:#?}");
    assert!(wrong[1].contains("rows of \"Client Run Results\" cannot be written"), "{wrong:#?}");
    let ok = of_level(&checks, "ok").join("\n");
    assert!(!ok.contains("scope") && !ok.contains("is not denied"), "nothing is claimed: {ok}");

    world.variables.insert("AIRTABLE_TOKEN", "patUnknown".to_owned());
    let (_, checks) = world.json("doctor").await;
    let wrong = of_level(&checks, "wrong");
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(wrong[0].starts_with("Airtable token: Airtable denies the token"), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_reads_everything_and_cannot_write_is_named_before_anything_is_scored() {
    let mut world = World::sound().await;
    let scopes = vec![Scope::ReadRecords, Scope::ReadSchema];
    let airtable = airtable_with(Token { scopes, ..Token::full("patReadsOnly") });
    for (base, tables) in [(MASTER, &MASTER_BASE[..]), (BASE, &CLIENT_BASE[..])] {
        airtable.add_base(base, base).unwrap();
        for table in tables {
            airtable.add_table(base, spec(table)).unwrap();
        }
    }
    let client = world.airtable().rows(MASTER, clients::TABLE).unwrap().remove(0);
    airtable.insert(MASTER, clients::TABLE, client.fields).unwrap();
    world.variables.insert("AIRTABLE_API_URL", served(airtable).await);
    world.variables.insert("AIRTABLE_TOKEN", "patReadsOnly".to_owned());
    let (code, checks) = world.json("doctor").await;
    assert_eq!(code, 1);
    let mut wrong = of_level(&checks, "wrong");
    wrong.retain(|line| line.contains("cannot be written"));
    assert_eq!(wrong.len(), 2, "{checks:#}");
    assert!(wrong[0].contains("rows of \"Client Run Results\""), "{wrong:#?}");
    assert!(wrong[1].contains("rows of \"Leads\""), "{wrong:#?}");
    let paid = world.services.gemini.service().billed_totals();
    assert!(paid.answers <= 1, "nothing but the doctor's own call of one token: {paid:?}");
}

fn airtable_with(token: Token) -> Airtable {
    let options = AirtableOptions { tokens: vec![token], ..AirtableOptions::default() };
    Airtable::new(options, Clock::system(), Arc::new(NoStore), 1).unwrap()
}

/// Serves an Airtable as long as the test runs. Returns its URL.
async fn served(airtable: Airtable) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, Arc::new(Simulated::new(airtable, 1))));
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_cells_of_clients_are_named_with_their_records() {
    let world = World::sound().await;
    let rows = world.airtable().rows(MASTER, clients::TABLE).unwrap();
    let put = |field: &str, value: Value| {
        world.airtable().put_cell((MASTER, clients::TABLE), &rows[0].id, field, value).unwrap();
    };
    put(clients::CLIENT_ID, json!("Guy-Wilson "));
    put(clients::POST_TOKEN_LIMIT, json!({"specialValue": "NaN"}));
    let (_, checks) = world.json("doctor").await;
    let warned = of_level(&checks, "warning").join("\n");
    for words in
        ["with white space around it", "the field \"Post Scoring Token Limit\"", &rows[0].id]
    {
        assert!(warned.contains(words), "{words} is not in\n{warned}");
    }
    put(clients::SERVICE_LEVEL, json!({"error": "#ERROR!"}));
    let (_, checks) = world.json("doctor").await;
    let wrong = of_level(&checks, "wrong").join("\n");
    assert!(wrong.contains("\"Guy-Wilson\" is not served: the field \"Service Level\""), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_named_and_the_others_are_still_checked() {
    let mut world = World::sound().await;
    for (variable, url) in [
        ("AIRTABLE_API_URL", "http://127.0.0.1:9"),
        ("APIFY_API_URL", "http://127.0.0.1:9/v2"),
        ("GEMINI_API_URL", "http://127.0.0.1:9"),
    ] {
        world.variables.insert(variable, url.to_owned());
    }
    let (_, checks) = world.json("doctor --url http://127.0.0.1:9").await;
    let wrong = of_level(&checks, "wrong");
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
    assert!(of_level(&checks, "ok").iter().any(|line| line.starts_with("event log")));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_one_line_per_check_and_a_missing_setting_is_named() {
    let mut world = World::sound().await;
    world.variables.insert("WEBHOOK_TOKEN", String::new());
    world.variables.insert("GEMINI_API_KEY", String::new());
    let answer = world.runtally("doctor").await;
    assert_eq!(answer.code, 1);
    let lines: Vec<&str> = answer.out.lines().filter(|line| line.starts_with("wrong")).collect();
    assert_eq!(lines.len(), 2, "{}", answer.out);
    assert_eq!(
        lines[0],
        "wrong    webhook-intake: WEBHOOK_TOKEN is not set: the bearer token that Apify's webhooks carry → set WEBHOOK_TOKEN"
    );
    assert!(answer.out.ends_with("2 wrong, 0 with a warning.\n"), "{}", answer.out);
    let (tables, fields) = (post_instructions::TABLE, post_attributes::TABLE);
    assert!(!answer.out.contains(tables) && !answer.out.contains(fields), "a line per base");
    assert!(answer.out.contains(&format!("table {:?}: 1 client is served", clients::TABLE)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wrong_while_services_only_limit_the_requests() {
    let world = World::sound().await;
    let limited = json!({"fault": "too_many_requests", "probability": 1});
    let limited = || serde_json::from_value(limited.clone()).unwrap();
    world.services.airtable.faults().add(limited());
    world.services.apify.faults().add(limited());
    world.services.gemini.faults().add(limited());
    let (code, checks) = world.doctor().await;
    assert_eq!(of_level(&checks, "wrong"), [""; 0]);
    let warned = of_level(&checks, "warning");
    for service in ["Airtable token", "Apify token", "model gemini"] {
        let is_named = |line: &&String| line.starts_with(service) && line.contains("limit");
        assert!(warned.iter().any(|line| is_named(&line)), "{service}: {warned:#?}");
    }
    assert_eq!((code, &checks["wrong"]), (0, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_limits_its_requests_is_not_waited_for() {
    let world = World::sound().await;
    let limited = json!({"fault": "too_many_requests", "next": 1, "kind": "schema"});
    world.services.airtable.faults().add(serde_json::from_value(limited).unwrap());
    let (code, checks) = world.doctor().await;
    assert_eq!((code, of_level(&checks, "wrong")), (0, vec![]), "{checks:#}");
    let warned = of_level(&checks, "warning");
    assert!(
        warned[0].starts_with(&format!("master base {MASTER}: not checked now")),
        "{warned:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_apifys_token_may_read_is_tried() {
    let world = World::sound().await;
    world.harvest(&[("jane", "We shipped it.")]);
    let (_, checks) = world.json("doctor").await;
    let ok = of_level(&checks, "ok").join("\n");
    assert!(ok.contains("it may read what a run was given, and what it found"), "{ok}");
    let denied = json!({"status": 403, "body": {"error": {"type": "insufficient-permissions"}},
        "path": "/datasets/"});
    world.services.apify.answers().add(serde_json::from_value(denied).unwrap());
    let (code, checks) = world.json("doctor").await;
    let says = "Apify token: it may not read datasets (status 403)".to_owned();
    assert_eq!((code, of_level(&checks, "wrong")), (1, vec![says]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_at_which_something_else_answers_is_wrong() {
    let world = World::sound().await;
    let nothing = json!({"status": 404, "body": {"error": "no such page"}, "path": "/actor-runs"});
    world.services.apify.answers().add(serde_json::from_value(nothing).unwrap());
    let (code, checks) = world.json("doctor --url nonsense").await;
    let url = &world.services.apify_url;
    let apify = format!("Apify token: what answers at {url}/ is not Apify: it has no list of runs");
    let webhook = "webhook nonsense/webhooks/apify: it is not a URL".to_owned();
    assert_eq!((code, of_level(&checks, "wrong")), (1, vec![apify, webhook]));
}
