//! `runtally setup`.

use crate::world::{BASE, CLIENT, MASTER, World, cells, spec};
use serde_json::{Value, json};
use shared::schema::{
    CLIENT_BASE, MASTER_BASE, PROFILES_ONLY_BASE, Table, leads, post_attributes, post_instructions,
    run_record,
};
use simulators::airtable::{FieldSpec, TableSpec};

#[tokio::test(flavor = "multi_thread")]
async fn empty_bases_are_set_up_pass_the_doctor_and_a_run_completes() {
    let mut world = World::empty().await;
    // First it only shows what it would do.
    let tables = |base: &str, wanted: &[Table]| -> Vec<Value> {
        let made = |table: &Table| json!({"base": base, "table": table.name, "fields": table.fields().count()});
        wanted.iter().map(made).collect()
    };
    let expected = json!({"schema_version": 1, "applied": false, "made": tables(MASTER, &MASTER_BASE), "by_hand": [],
        "notes": []});
    assert_eq!(world.json("setup").await, (0, expected));
    assert!(world.airtable().rows(MASTER, run_record::TABLE).is_err(), "nothing is made yet");

    let (code, made) = world.json("setup --apply").await;
    assert_eq!((code, &made["applied"]), (0, &json!(true)));
    world.add_client(CLIENT, BASE);
    let (_, made) = world.json("setup --apply").await;
    assert_eq!(made["made"], json!(tables(BASE, &CLIENT_BASE)));
    let note = made["notes"][0].as_str().unwrap();
    assert!(note.contains(leads::WAITING_VIEW) && note.contains("not needed"), "{note}");
    // The second time there is nothing to do.
    let again = world.runtally("setup").await;
    assert_eq!(again.code, 0);
    assert!(again.out.ends_with("There is nothing to make.\n"), "{}", again.out);

    world.add_rubric();
    world.start().await;
    let (code, checks) = world.doctor().await;
    assert_eq!((code, &checks["warnings"]), (0, &json!(0)), "{checks:#}");
    world.add_lead("jane");
    world.run(&world.harvest(&[("jane", "We shipped it.")])).await;
    let record = world.record().fields;
    assert_eq!(record[run_record::STATUS], "Completed", "{record:#?}");
    assert_eq!(record[run_record::POSTS_SCORED], 1);
    assert_eq!(record[run_record::BALANCE], "balanced");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_is_never_changed_and_what_only_a_person_can_change_is_named() {
    let world = World::empty().await;
    let [list, records, _] = &MASTER_BASE;
    world.make(MASTER, spec(list));
    let odd = TableSpec {
        fields: vec![
            FieldSpec::text(run_record::RUN_ID),
            FieldSpec::checkbox(run_record::POST_TOKENS),
            FieldSpec::single_select(run_record::STATUS, &["Running"]),
        ],
        ..spec(records)
    };
    world.make(MASTER, odd);
    let row = world.insert(MASTER, run_record::TABLE, json!({run_record::RUN_ID: "kept"}));
    let (code, answer) = world.json("setup --apply").await;
    assert_eq!(code, 1, "a person has something to do");
    let steps = answer["by_hand"].as_array().unwrap().iter();
    let fields: Vec<&Value> = steps.map(|step| &step["field"]).collect();
    assert_eq!(fields, [run_record::STATUS, run_record::POST_TOKENS]);
    let kept = world.records();
    assert_eq!(
        (kept.len(), kept[0].id == row, &kept[0].fields),
        (1, true, &cells(json!({run_record::RUN_ID: "kept"})))
    );
    let counts = world.services.airtable.requests();
    let kinds: Vec<&str> = counts.iter().map(|count| count.kind).collect();
    assert!(!kinds.contains(&"update_field"), "{kinds:?}");
    let completed = cells(json!({run_record::STATUS: "Completed"}));
    let answer = world.airtable().insert(MASTER, run_record::TABLE, completed);
    assert!(answer.is_err(), "no choice is added to a select that is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_profile_scoring_only_gets_no_table_for_posts() {
    let world = World::empty().await;
    world.runtally("setup --apply").await;
    world.add_client_of_level("Basic", BASE, "1-Lead scoring");
    let (_, made) = world.json("setup --apply").await;
    let tables = PROFILES_ONLY_BASE
        .map(|table| json!({"base": BASE, "table": table.name, "fields": table.fields().count()}));
    assert_eq!((&made["made"], &made["notes"]), (&json!(tables), &json!([])));
    // A client with posts in the same base needs the other tables, too.
    world.add_client(CLIENT, BASE);
    let (_, made) = world.json("setup --apply").await;
    let lacking = made["made"].as_array().unwrap().iter();
    let tables: Vec<&str> = lacking
        .filter(|step| step.get("fields").is_some())
        .map(|step| step["table"].as_str().unwrap())
        .collect();
    assert_eq!(tables, [post_instructions::TABLE, post_attributes::TABLE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_base_can_be_set_up_before_it_is_listed() {
    let world = World::empty().await;
    let answer = world.runtally(&format!("setup --apply --client-base {BASE}")).await;
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.errors);
    assert!(world.airtable().rows(BASE, leads::TABLE).is_ok());
    let wrong = world.runtally("setup --client-base guy").await;
    assert_eq!(wrong.code, 2, "{}", wrong.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_base_cannot_be_read_keeps_no_other_from_being_set_up() {
    let world = World::empty().await;
    world.json("setup --apply").await;
    world.add_client("Away", "appNowhere0000001");
    world.add_client("Mistyped", "app?");
    world.add_client(CLIENT, BASE);
    let (code, made) = world.json("setup --apply --starter-rubric").await;
    assert_eq!(code, 1, "a person has something to do");
    assert!(world.airtable().rows(BASE, leads::TABLE).is_ok(), "{made:#}");
    let by_hand = made["by_hand"].as_array().unwrap();
    let [mistyped, away] = by_hand.as_slice() else { panic!("{by_hand:#?}") };
    assert_eq!(away["base"], "appNowhere0000001");
    assert!(mistyped["message"].as_str().unwrap().contains(r#"client "Mistyped" has no usable"#));
    for trouble in by_hand {
        assert!(!trouble["hint"].as_str().unwrap().is_empty(), "{trouble}");
    }
    let people = world.runtally("setup").await;
    assert!(people.out.contains("by hand  appNowhere0000001: "), "{}", people.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_or_field_whose_name_only_looks_right_gets_no_double() {
    let world = World::empty().await;
    let [list, records, ..] = &MASTER_BASE;
    world.make(MASTER, spec(list));
    world.make(MASTER, TableSpec { name: format!("{} ", records.name), ..spec(records) });
    let (code, made) = world.json("setup --apply").await;
    assert_eq!(code, 1);
    assert!(world.airtable().rows(MASTER, run_record::TABLE).is_err(), "no second table is made");
    let step = &made["by_hand"][0];
    let hint = r#"rename "Client Run Results " to "Client Run Results" in Airtable"#;
    assert_eq!((&step["table"], &step["hint"]), (&json!(run_record::TABLE), &json!(hint)));
    let (_, doctor) = world.json("doctor").await;
    let checks = doctor["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["level"] == "wrong" && check["hint"] == hint));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_base_gets_a_working_example_rubric_and_a_lead_is_scored_with_it() {
    let mut world = World::empty().await;
    world.json("setup --apply").await;
    world.add_client(CLIENT, BASE);
    let (code, shown) = world.json("setup --starter-rubric").await;
    let rows = |table: &str, rows: u64| json!({"base": BASE, "table": table, "rows": rows});
    let added = json!([
        rows("Post Scoring Instructions", 4),
        rows("Post Scoring Attributes", 4),
        rows("Scoring Attributes", 5)
    ]);
    assert_eq!((code, &shown["starter_rubric"]), (0, &added), "{shown:#}");
    assert!(world.airtable().rows(BASE, post_attributes::TABLE).is_err(), "it is only shown");

    let (code, made) = world.json("setup --apply --starter-rubric").await;
    assert_eq!((code, &made["starter_rubric"]), (0, &added), "{made:#}");
    // What a person wrote never changes.
    let table = (BASE, post_attributes::TABLE);
    let first = world.airtable().rows(table.0, table.1).unwrap().remove(0);
    world.airtable().put_cell(table, &first.id, post_attributes::NAME, json!("Ours")).unwrap();
    let (_, again) = world.json("setup --apply --starter-rubric").await;
    assert_eq!(again["starter_rubric"][1], rows("Post Scoring Attributes", 0));
    let kept = world.airtable().rows(table.0, table.1).unwrap();
    assert!(kept.len() == 4 && kept.iter().any(|row| row.fields[post_attributes::NAME] == "Ours"));

    world.start().await;
    let (code, checks) = world.doctor().await;
    assert_eq!((code, &checks["warnings"]), (0, &json!(0)), "{checks:#}");
    let lead = world.add_lead("jane");
    let profile = json!({leads::RAW_PROFILE: "Jane is head of operations of a mill with 90 people. She stopped \
        three reports by hand and measured what that saved.",
        leads::SCORING_STATUS: leads::TO_BE_SCORED});
    world.airtable().edit(BASE, leads::TABLE, &lead, cells(profile)).unwrap();
    world.run(&world.harvest(&[("jane", "We stopped copying figures by hand.")])).await;
    assert_eq!(world.record().fields[run_record::POSTS_SCORED], 1);
    let (code, told) = world.json(&format!("score --client {CLIENT} --kind profile --yes")).await;
    assert_eq!(code, 0, "{told:#}");
    world.settle().await;
    let row = world.airtable().rows(BASE, leads::TABLE).unwrap().remove(0);
    assert_eq!(row.fields[leads::SCORING_STATUS], leads::SCORED, "{row:#?}");
    assert!(row.fields[leads::POSTS_SCORE].is_number() && row.fields[leads::AI_SCORE].is_number());
}
