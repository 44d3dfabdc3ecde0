use super::world::{BASE, OTHER_BASE, World, object};
use serde_json::{Value, json};
use simulators::airtable::{EditError, FieldSpec, TableSpec, ViewSpec};

const TABLE: &str = "Client Run Results";

#[tokio::test]
async fn an_operator_sees_a_table_in_the_order_it_was_made() {
    let world = World::new();
    let airtable = world.airtable();
    let fields = vec![FieldSpec::text("Name"), FieldSpec::formula("Sum", Some(json!(3)))];
    let table = TableSpec::new("Leads", fields).with_view(ViewSpec::filtered("Named", "{Name}"));
    airtable.add_table(OTHER_BASE, table.clone()).unwrap();
    airtable.add_base(OTHER_BASE, "Ada's leads").unwrap();
    assert!(airtable.add_table(OTHER_BASE, table).is_err());
    let rows = (0..12).map(|n| object(json!({"Name": format!("n{n}")}))).collect();
    assert_eq!(airtable.insert_all(OTHER_BASE, "Leads", rows).unwrap().len(), 12);
    let reply = world.get(&format!("/_sim/bases/{OTHER_BASE}/tables/Leads")).await;
    assert_eq!(reply.1["table"]["views"][0]["name"], "Named");
    let first = &reply.1["records"][0];
    assert_eq!(first["id"].as_str().unwrap().len(), 17);
    assert_eq!(first["createdTime"], "2026-11-23T10:00:00Z");
    assert_eq!(first["fields"], json!({"Name": "n0", "Sum": 3}));
    let reply = world.get("/_sim/bases").await;
    assert_eq!(reply.1["bases"][1]["name"], "Ada's leads");
    assert_eq!(reply.1["bases"][1]["tables"], json!(["Leads"]));
}

#[tokio::test]
async fn an_operator_adds_rows_beside_the_limits() {
    let world = World::new();
    let rows: Vec<Value> = (0..12).map(|n| json!({"Run ID": format!("r{n}")})).collect();
    let body = json!({"base": BASE, "table": TABLE, "rows": rows});
    assert_eq!(world.post("/_sim/rows", body).await.0, 200);
    assert_eq!(world.column("Run ID").len(), 12);
    let body = json!({"base": BASE, "table": TABLE, "rows": [{"No Such Field": 1}]});
    assert_eq!(world.post("/_sim/rows", body).await.0, 404);
}

#[test]
fn an_edit_is_checked_as_the_api_checks_it() {
    let world = World::new();
    let airtable = world.airtable();
    let id = world.insert(json!({"Run ID": "r", "Posts": 1}));
    airtable.edit(BASE, TABLE, &id, object(json!({"Posts": 9}))).unwrap();
    assert!(airtable.edit(BASE, TABLE, &id, object(json!({"Posts": "9"}))).is_err());
    assert_eq!(world.column("Posts"), [(json!("r"), json!(9))]);
    airtable.delete_record(BASE, TABLE, &id).unwrap();
    assert_eq!(world.column("Posts"), []);
}

#[test]
fn a_retyped_field_keeps_what_can_be_converted() {
    let world = World::new();
    for notes in ["12", "many", "Done"] {
        world.insert(json!({"Run ID": notes, "Notes": notes}));
    }
    let retype = |spec: FieldSpec| {
        world.airtable().retype_field(BASE, TABLE, "Notes", spec).unwrap();
        world.column("Notes").into_iter().map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    assert_eq!(
        retype(FieldSpec::single_select("", &[])),
        [json!("12"), json!("many"), json!("Done")]
    );
    assert_eq!(retype(FieldSpec::number("", 0)), [json!(12), Value::Null, Value::Null]);
    assert_eq!(retype(FieldSpec::formula("", Some(json!(1)))), [json!(1), json!(1), json!(1)]);
    assert_eq!(retype(FieldSpec::text("")), [Value::Null, Value::Null, Value::Null]);
}

#[test]
fn an_edit_that_cannot_be_made_says_why() {
    let world = World::new();
    let airtable = world.airtable();
    let spec = TableSpec::new("T", vec![FieldSpec::text("A")]);
    assert_eq!(airtable.add_table("base", spec), Err(EditError::BadBaseId("base".to_owned())));
    let missing = airtable.rows(BASE, "Gone").unwrap_err();
    assert_eq!(missing.to_string(), format!("base {BASE} has no table \"Gone\""));
    let field = airtable.retype_field(BASE, TABLE, "Gone", FieldSpec::url("")).unwrap_err();
    assert_eq!(field.to_string(), "there is no field \"Gone\"");
    assert!(airtable.delete_field(BASE, TABLE, "Run ID").is_err(), "the primary field");
    let refused = airtable.edit(BASE, TABLE, "recUnknownRecord1", Default::default()).unwrap_err();
    assert!(refused.to_string().contains("recUnknownRecord1"));
}
