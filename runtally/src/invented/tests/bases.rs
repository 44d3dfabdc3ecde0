//! Bases are furnished according to the system's schema.

use super::support::{cell, furnished};
use crate::invented::master::HUMAN_FIELDS;
use crate::invented::{InventedClient, Size, World};
use serde_json::{Value, json};
use shared::schema::{FieldType, clients, leads, post_instructions, run_record};

#[test]
fn the_master_base_lists_the_clients_and_keeps_run_records() {
    let world = World::invent(Size::default());
    let airtable = furnished(&world);
    let base = world.master_base.as_str();
    let rows = airtable.rows(base, clients::TABLE).unwrap();
    let statuses: Vec<&str> = rows.iter().map(|row| cell(row, clients::STATUS)).collect();
    assert_eq!(statuses, [clients::ACTIVE, clients::ACTIVE, clients::INACTIVE]);
    for (row, client) in rows.iter().zip(&world.clients) {
        assert_eq!(cell(row, clients::CLIENT_ID), client.id.as_str());
        assert_eq!(cell(row, clients::BASE_ID), client.base.as_str());
        assert!(cell(row, clients::SERVICE_LEVEL).starts_with("2-"));
    }
    let sample = |field: &shared::schema::Field| match field.field_type {
        FieldType::Text | FieldType::LongText => json!("text"),
        FieldType::Number => json!(7),
        FieldType::Currency => json!(0.0123),
        FieldType::Percent => json!(0.5),
        FieldType::DateTime => json!("2026-11-20T00:00:00.000Z"),
        FieldType::Checkbox => json!(true),
        FieldType::SingleSelect(choices) => json!(choices[0]),
    };
    let record =
        run_record::FIELDS.iter().map(|field| (field.name.to_owned(), sample(field))).collect();
    airtable.insert(base, run_record::TABLE, record).unwrap();
    let [notes, invoiced, formula] = HUMAN_FIELDS;
    let mine = json!({notes: "mine", invoiced: true}).as_object().unwrap().clone();
    airtable.insert(base, run_record::TABLE, mine).unwrap();
    let computed = json!({formula: 1}).as_object().unwrap().clone();
    assert!(airtable.insert(base, run_record::TABLE, computed).is_err());
}

#[test]
fn the_second_clients_base_lacks_optional_fields() {
    let world = World::invent(Size::default());
    let airtable = furnished(&world);
    let takes = |client: &InventedClient, field: &str, value: Value| {
        let cells = json!({field: value}).as_object().unwrap().clone();
        airtable.insert(client.base.as_str(), leads::TABLE, cells).is_ok()
    };
    let [first, second] = &world.clients[..] else { panic!("two clients") };
    for field in leads::POST_FIELDS.iter().filter(|field| !field.optional) {
        assert!(takes(first, field.name, Value::Null) && takes(second, field.name, Value::Null));
    }
    let optional: Vec<&str> =
        leads::POST_FIELDS.iter().filter(|field| field.optional).map(|field| field.name).collect();
    assert!(optional.iter().all(|field| takes(first, field, Value::Null)));
    assert!(optional.iter().any(|field| takes(second, field, Value::Null)));
    assert!(optional.iter().any(|field| !takes(second, field, Value::Null)));
    assert!(takes(first, leads::POSTS_ACTIONED, json!(true)));
    assert!(!takes(second, leads::POSTS_ACTIONED, json!(true)));
    let texts = airtable.rows(second.base.as_str(), post_instructions::TABLE).unwrap();
    assert_eq!(cell(&texts[0], post_instructions::COMPONENT_ID), "OUTPUT_FORMAT");
}
