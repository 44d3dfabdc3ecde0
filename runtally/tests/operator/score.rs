//! `runtally score`.

use crate::world::{BASE, CLIENT, World};
use serde_json::{Value, json};
use shared::schema::{clients, leads, run_record};

/// A world in which the posts of a lead wait: they were scored, and then somebody cleared the date.
async fn with_a_waiting_lead() -> World {
    let world = World::sound().await;
    let lead = world.add_lead("jane");
    world.run(&world.harvest(&[("jane", "We shipped it.")])).await;
    let table = (BASE, leads::TABLE);
    world.airtable().put_cell(table, &lead, leads::DATE_POSTS_SCORED, Value::Null).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_prints_the_plan_and_its_price_and_does_nothing() {
    let world = with_a_waiting_lead().await;
    let gemini = world.services.gemini.service();
    let (billed, records) = (gemini.billed().len(), world.records());
    let (code, told) = world.json(&format!("score --client {CLIENT} --dry-run")).await;
    assert_eq!(code, 0, "{told:#}");
    let plan = &told["clients"][0];
    assert_eq!(
        (&plan["leads"], &plan["to_score"], &plan["beyond_limit"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert!(plan["tokens"].as_u64().unwrap() > 0 && plan["cost_usd"].as_f64().unwrap() > 0.0);
    assert_eq!((&told["tokens"], &told["cost_usd"]), (&plan["tokens"], &plan["cost_usd"]));
    let people = world.runtally("score --all --dry-run").await;
    assert_eq!(people.code, 0, "{}", people.errors);
    assert!(people.out.contains("1 lead would be scored with about"), "{}", people.out);
    world.settle().await;
    assert_eq!((gemini.billed().len(), world.records()), (billed, records));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_scored_when_somebody_agrees_to_the_price() {
    let world = with_a_waiting_lead().await;
    let refused = world.runtally(&format!("score --client {CLIENT}")).await;
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("1 lead would be scored"), "the price: {}", refused.out);
    assert!(refused.errors.contains("hint: use --yes"), "{}", refused.errors);
    let (code, told) = world.json(&format!("score --client {CLIENT} --yes")).await;
    assert_eq!(code, 0, "{told:#}");
    world.settle().await;
    let of_run = |run: &Value| {
        let records = world.records();
        records.iter().find(|row| row.fields[run_record::RUN_ID] == *run).cloned()
    };
    let record = of_run(&told["run"]).unwrap().fields;
    assert_eq!(record[run_record::STATUS], "Completed", "{record:#?}");
    assert_eq!(record[run_record::POSTS_SCORED], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_limit_is_in_the_price_and_a_client_that_is_not_served_is_named() {
    let world = with_a_waiting_lead().await;
    let rows = world.airtable().rows(crate::world::MASTER, clients::TABLE).unwrap();
    let table = (crate::world::MASTER, clients::TABLE);
    world.airtable().put_cell(table, &rows[0].id, clients::POST_TOKEN_LIMIT, json!(1)).unwrap();
    let (_, told) = world.json(&format!("score --client {CLIENT} --dry-run")).await;
    let plan = &told["clients"][0];
    assert_eq!((&plan["to_score"], &plan["beyond_limit"]), (&json!(0), &json!(1)), "{told:#}");
    let (code, told) = world.json("score --client Nobody --dry-run").await;
    assert_eq!(code, 1);
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains("client \"Nobody\" is not in the table"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_that_nothing_waits_and_whose_price_is_not_known() {
    let world = World::sound().await;
    let (code, told) = world.json(&format!("score --client {CLIENT}")).await;
    let said = (code, &told["queued"], &told["dry_run"], &told["clients"][0]["leads"]);
    assert_eq!(said, (0, &json!(false), &json!(false), &json!(0)), "{told:#}");
    world.add_client("Away", "appNowhere0000001");
    for option in ["", " --dry-run"] {
        let (code, told) = world.json(&format!("score --all{option}")).await;
        assert_eq!(code, 1, "what waits for one of them is not known: {told:#}");
        let clients = told["clients"].as_array().unwrap();
        let away = clients.iter().find(|client| client["client"] == "Away").unwrap();
        assert!(away["reason"].is_string() && clients.len() == 2, "{told:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_two_rows_is_priced_once_and_one_without_an_id_is_named_by_its_row() {
    let world = with_a_waiting_lead().await;
    world.add_client(CLIENT, BASE);
    world.add_client("", BASE);
    let (code, told) = world.json("score --all --dry-run").await;
    assert_eq!(code, 1, "{told:#}");
    let clients = told["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 2, "{told:#}");
    let priced = clients.iter().find(|client| client["client"] == CLIENT).unwrap();
    assert_eq!(priced["leads"], 1, "{told:#}");
    let other = clients.iter().find(|client| client["client"] != CLIENT).unwrap();
    assert!(other["client"].as_str().unwrap().starts_with("rec"), "{told:#}");
    let reason = other["reason"].as_str().unwrap();
    assert!(
        reason.contains("\"Client ID\"")
            && reason.contains("holds a value that is not a client id"),
        "{reason}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_clients_are_found_as_scoring_finds_them_or_the_missing_field_is_named() {
    for (name, message) in [("status ", None), ("State", Some("Unknown field name: \"Status\""))] {
        let world = with_a_waiting_lead().await;
        let (master, table) = (crate::world::MASTER, clients::TABLE);
        world.airtable().rename_field(master, table, clients::STATUS, name).unwrap();
        let (code, told) = world.json("score --all --dry-run").await;
        match message {
            None => assert_eq!((code, &told["clients"][0]["to_score"]), (0, &json!(1)), "{told:#}"),
            Some(message) => {
                assert_eq!(code, 1, "{told:#}");
                let says = told["error"]["message"].as_str().unwrap();
                assert!(says.contains(message), "{says}");
            }
        }
        let setup = world.runtally("setup").await;
        let gap = "table \"Clients\" has no field \"Status\"";
        let hint = if message.is_none() { gap } else { "\"Status\"" };
        assert!(setup.out.contains(hint), "{} {}", setup.out, setup.errors);
    }
}
