//! `runtally doctor`.

use crate::world::{BASE, MASTER, World, spec};
use serde_json::{Value, json};
use shared::ports::{NewDeadLetter, Queue, QueueName};
use shared::schema::{
    CLIENT_BASE, MASTER_BASE, PROFILES_ONLY_BASE, clients, leads, post_attributes,
    post_instructions, run_record,
};
use simulators::airtable::{Airtable, AirtableOptions, FieldSpec, Scope, TableSpec, Token};
use simulators::{Clock, NoStore, Simulated, serve};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// The checks of a level, as `what: says`.
fn of_level(answer: &Value, level: &str) -> Vec<String> {
    let checks = answer["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["level"] == level)
        .map(|check| {
            format!("{}: {}", check["what"].as_str().unwrap(), check["says"].as_str().unwrap())
        })
        .collect()
}

/// A table with some of its fields made otherwise, or not at all.
fn changed(table: TableSpec, change: impl Fn(FieldSpec) -> Option<FieldSpec>) -> TableSpec {
    TableSpec { fields: table.fields.into_iter().filter_map(change).collect(), ..table }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_system_has_nothing_wrong() {
    let world = World::sound().await;
    let answer = world.runtally(&["doctor", "--json", "--url", &world.url()]).await;
    let checks = answer.json();
    assert_eq!(of_level(&checks, "wrong"), [""; 0]);
    assert_eq!(of_level(&checks, "warning"), [""; 0]);
    assert_eq!((answer.code, &checks["wrong"], &checks["warnings"]), (0, &json!(0), &json!(0)));
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
    assert_eq!(spent, 0, "a doctor costs nothing");
    let asked = world.airtable().requests_by_base();
    let of_client = asked.iter().find(|(base, _)| base == BASE).unwrap().1;
    assert_eq!(of_client, 3, "the schema and the two tables of the prompt, whatever is checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn nineteen_things_that_are_wrong_are_all_named_within_ten_seconds() {
    let mut world = World::empty().await;
    // 1 a field of the run record is missing, 2 one has another type, 3 a select lacks a choice,
    // 4 and so does one that a base may lack altogether.
    for table in &MASTER_BASE {
        world.make(
            MASTER,
            changed(spec(table), |field| match field.name.as_str() {
                run_record::BALANCE => Some(field),
                run_record::POST_TOKENS => None,
                run_record::START_TIME => Some(FieldSpec::date(run_record::START_TIME)),
                run_record::STATUS if table.name == run_record::TABLE => {
                    Some(FieldSpec::single_select(run_record::STATUS, &run_record::STATUSES[..4]))
                }
                run_record::RUN_TYPE => Some(FieldSpec::single_select(
                    run_record::RUN_TYPE,
                    &run_record::RUN_TYPES[..1],
                )),
                _ => Some(field),
            }),
        );
    }
    // 5 the leads lack a field of posts, 6 one of profiles, 7 any place for profiles, and a choice
    // of 8 the profiles' status, 9 the harvest's, 10 the posts'.
    let [leads_table, _, attributes, _] = &CLIENT_BASE;
    let leads_table = changed(spec(leads_table), |field| {
        let without_last = |choices: &[&str]| {
            Some(FieldSpec::single_select(&field.name, &choices[..choices.len() - 1]))
        };
        match field.name.as_str() {
            leads::TOP_POST | leads::AI_SCORE | leads::RAW_PROFILE | leads::PROFILE_JSON => None,
            leads::SCORING_STATUS => without_last(&leads::SCORING_STATUSES),
            leads::POSTS_HARVEST_STATUS => without_last(&leads::HARVEST_STATUSES),
            leads::POSTS_JSON_STATUS => without_last(&leads::JSON_STATUSES),
            _ => Some(field),
        }
    });
    world.make(BASE, leads_table);
    // 11 the prompt's table is not there, 12 nor is the profiles', 13 no criterion is active; and
    // none can take anything from a score.
    let one_category =
        FieldSpec::single_select(post_attributes::CATEGORY, &[post_attributes::POSITIVE]);
    let attributes = changed(spec(attributes), |field| {
        Some(if field.name == post_attributes::CATEGORY { one_category.clone() } else { field })
    });
    world.make(BASE, attributes);
    world.add_client("Guy-Wilson", BASE);
    // 14 a base that does not exist, 15 a client without one, 16 one that is listed twice.
    world.add_client("Nobody", "appNobody00000001");
    world.add_client("Baseless", "");
    world.add_client("Nobody", "appNobody00000001");
    world.start().await;
    // 17 Apify's token, 18 the model, 19 the webhook's token; and a dead letter on top.
    world.variables.insert("APIFY_TOKEN", "apify_api_wrong".to_owned());
    world.variables.insert("GEMINI_MODEL", "gemini-9-unheard-of".to_owned());
    world.variables.insert("WEBHOOK_TOKEN", "another-token".to_owned());
    let letter = NewDeadLetter {
        group: "g".into(),
        message_id: "m".into(),
        body: "{}".into(),
        reason: "unreadable".into(),
    };
    world.system().queue.dead_letter(QueueName::Scoring, letter).await.unwrap();

    let started = Instant::now();
    let answer = world.runtally(&["doctor", "--json", "--url", &world.url()]).await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(answer.code, 1);
    let checks = answer.json();
    assert_eq!(checks["wrong"], 19, "nothing is named twice: {checks:#}");
    let named = of_level(&checks, "wrong").join("\n");
    for thing in [
        r#"table "Client Run Results" has no field "Post Scoring Tokens""#,
        r#"field "Start Time" of table "Client Run Results" is of the type date"#,
        r#"field "Status" of table "Client Run Results" lacks the choice "Failed""#,
        r#"field "Run Type" of table "Client Run Results" lacks the choice "Standalone""#,
        r#"table "Leads" has no field "Top Scoring Post""#,
        r#"table "Leads" has no field "AI Score""#,
        r#"table "Leads" has neither "Raw Profile Data" nor "Profile Full JSON""#,
        r#"field "Scoring Status" of table "Leads" lacks the choice "Failed – Parse Error""#,
        r#"field "Posts Harvest Status" of table "Leads" lacks the choice "No Posts""#,
        r#"field "Posts JSON Status" of table "Leads" lacks the choice "Failed""#,
        r#"there is no table "Post Scoring Instructions""#,
        r#"there is no table "Scoring Attributes""#,
        r#"table "Post Scoring Attributes" has no active criterion"#,
        "base appNobody00000001 of client \"Nobody\"",
        r#"client "Baseless": "" is not an Airtable base id"#,
        r#"client "Nobody" is there more than once"#,
        "Apify token: Apify does not accept it (status 401)",
        "model gemini-9-unheard-of: MODEL_CONFIG",
        "it does not know our token",
    ] {
        assert!(named.contains(thing), "{thing} is not in\n{named}");
    }
    let warned = of_level(&checks, "warning").join("\n");
    for thing in [
        "price of gemini-9-unheard-of",
        "scoring dead letters: 1",
        r#"field "Category" of table "Post Scoring Attributes" lacks the choice "Negative Scoring Factor""#,
    ] {
        assert!(warned.contains(thing), "{thing} is not in\n{warned}");
    }
    let all = checks["checks"].as_array().unwrap();
    let bad = |check: &&Value| check["level"] == "wrong" || check["level"] == "warning";
    assert!(all.iter().filter(bad).all(|check| check["do"].is_string()), "each says what to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_profile_scoring_alone_needs_nothing_for_posts() {
    let world = World::empty().await;
    for table in &MASTER_BASE {
        world.make(MASTER, spec(table));
    }
    let [leads_table, attributes] = &PROFILES_ONLY_BASE;
    world.make(BASE, spec(leads_table));
    let row = json!({clients::CLIENT_ID: "Basic", clients::CLIENT_NAME: "Basic",
        clients::STATUS: clients::ACTIVE, clients::BASE_ID: BASE,
        clients::SERVICE_LEVEL: "1-Lead scoring"});
    world.insert(MASTER, clients::TABLE, row);
    let of_base = |level: &str, answer: &Value| -> Vec<String> {
        of_level(answer, level).into_iter().filter(|line| line.contains(BASE)).collect()
    };
    let checks = world.runtally(&["doctor", "--json"]).await.json();
    let name = format!("base {BASE} of client \"Basic\"");
    assert_eq!(
        of_base("wrong", &checks),
        [format!("{name}: there is no table \"Scoring Attributes\"")]
    );
    world.make(BASE, spec(attributes));
    let checks = world.runtally(&["doctor", "--json"]).await.json();
    assert_eq!(of_base("wrong", &checks), [""; 0]);
    assert_eq!(of_base("warning", &checks), [""; 0]);
    let info = format!("{name}: its service level has profile scoring only");
    assert_eq!(of_base("info", &checks), [info]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_its_scopes_is_told_which_it_lacks() {
    let mut world = World::sound().await;
    let token = Token { scopes: vec![Scope::ReadRecords], ..Token::full("patLimited") };
    let options = AirtableOptions { tokens: vec![token], ..AirtableOptions::default() };
    let airtable = Airtable::new(options, Clock::system(), Arc::new(NoStore), 1).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, Arc::new(Simulated::new(airtable, 1))));
    world.variables.insert("AIRTABLE_API_URL", url);
    world.variables.insert("AIRTABLE_TOKEN", "patLimited".to_owned());
    let answer = world.runtally(&["doctor", "--json"]).await;
    let wrong = of_level(&answer.json(), "wrong");
    assert_eq!(answer.code, 1);
    assert_eq!(wrong.len(), 3, "{wrong:#?}");
    assert!(wrong[0].ends_with("it lacks the scope data.records:write"), "{wrong:#?}");
    assert!(wrong[1].ends_with("it lacks the scope schema.bases:read"), "{wrong:#?}");
    assert!(wrong[2].starts_with("master base"), "{wrong:#?}");

    world.variables.insert("AIRTABLE_TOKEN", "patUnknown".to_owned());
    let answer = world.runtally(&["doctor", "--json"]).await;
    let wrong = of_level(&answer.json(), "wrong");
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert!(wrong[0].starts_with("Airtable token: Airtable denies the token"), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_named_and_the_others_are_checked_all_the_same() {
    let mut world = World::sound().await;
    for (variable, url) in [
        ("AIRTABLE_API_URL", "http://127.0.0.1:9"),
        ("APIFY_API_URL", "http://127.0.0.1:9/v2"),
        ("GEMINI_API_URL", "http://127.0.0.1:9"),
    ] {
        world.variables.insert(variable, url.to_owned());
    }
    let started = Instant::now();
    let answer = world.runtally(&["doctor", "--json", "--url", "http://127.0.0.1:9"]).await;
    assert!(started.elapsed() < Duration::from_secs(10));
    let checks = answer.json();
    let wrong = of_level(&checks, "wrong");
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
    assert!(of_level(&checks, "ok").iter().any(|line| line.starts_with("event log")));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_line_by_line_and_a_missing_setting_is_named() {
    let mut world = World::sound().await;
    world.variables.insert("WEBHOOK_TOKEN", String::new());
    world.variables.insert("GEMINI_API_KEY", String::new());
    let answer = world.runtally(&["doctor"]).await;
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
    assert!(answer.out.contains(&format!("table {:?}: 1 clients are served", clients::TABLE)));
}
