use crate::world::{BASE, OTHER_BASE, World, kind, path};
use serde_json::{Value, json};
use simulators::airtable::{EditError, FieldKind, FieldSpec, TableSpec};

const TABLE: &str = "Client Run Results";

#[tokio::test]
async fn an_operator_makes_a_base_fills_and_reads_it() {
    let world = World::new();
    let table = json!({
        "base": OTHER_BASE,
        "baseName": "Ada's leads",
        "name": "Leads",
        "fields": [
            {"name": "Name", "type": "singleLineText"},
            {"name": "Sum", "type": "formula", "options": {"value": 3}},
        ],
        "views": [{"name": "Named", "filter": "{Name}"}],
    });
    let reply = world.post("/_sim/tables", table.clone()).await;
    assert_eq!((reply.0, &reply.1["views"][0]["name"]), (200, &json!("Named")));
    assert_eq!(world.post("/_sim/tables", table).await.0, 422);
    let rows: Vec<Value> = (0..12).map(|n| json!({"fields": {"Name": format!("n{n}")}})).collect();
    let body = json!({"base": OTHER_BASE, "table": "Leads", "records": rows});
    let reply = world.post("/_sim/records", body).await;
    assert_eq!(reply.1["ids"].as_array().unwrap().len(), 12);
    let reply = world.get(&format!("/_sim/bases/{OTHER_BASE}/tables/Leads")).await;
    let first = &reply.1["records"][0];
    assert_eq!(first["id"].as_str().unwrap().len(), 17);
    assert_eq!(first["createdTime"], "2026-11-23T10:00:00Z");
    assert_eq!(first["fields"], json!({"Name": "n0", "Sum": 3}));
    let reply = world.get("/_sim/bases").await;
    assert_eq!(reply.1["bases"][1]["name"], "Ada's leads");
    assert_eq!(reply.1["bases"][1]["tables"], json!(["Leads"]));
}

#[tokio::test]
async fn an_operator_edits_and_deletes_rows() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r", "Posts": 1}));
    let row = json!({"base": BASE, "table": TABLE, "id": id, "fields": {"Posts": 9}});
    assert_eq!(world.patch("/_sim/records", row).await.0, 200);
    assert_eq!(world.column("Posts"), [(json!("r"), json!(9))]);
    let row = json!({"base": BASE, "table": TABLE, "id": id, "fields": {"Posts": "9"}});
    assert_eq!(world.patch("/_sim/records", row).await.0, 422);
    let request = http::Request::delete("/_sim/records")
        .body(json!({"base": BASE, "table": TABLE, "id": id}).to_string().into())
        .unwrap();
    assert_eq!(world.raw(request).await.0, 200);
    assert_eq!(world.column("Posts"), []);
}

#[tokio::test]
async fn an_operator_renames_deletes_and_retypes_fields() {
    let world = World::new();
    world.insert(json!({"Run ID": "r", "Posts": 1, "Notes": "n"}));
    let edit = async |action: Value| {
        let mut body = json!({"base": BASE, "table": TABLE});
        body.as_object_mut().unwrap().extend(action.as_object().unwrap().clone());
        world.post("/_sim/fields", body).await.0
    };
    assert_eq!(edit(json!({"action": "rename", "field": "Posts", "name": "Items"})).await, 200);
    assert_eq!(world.column("Items"), [(json!("r"), json!(1))]);
    assert_eq!(edit(json!({"action": "delete", "field": "Notes"})).await, 200);
    let reply = world.post(&path(""), json!({"fields": {"Notes": "n"}})).await;
    assert_eq!(kind(&reply), (422, "UNKNOWN_FIELD_NAME"));
    let text = json!({"type": "singleLineText"});
    assert_eq!(edit(json!({"action": "retype", "field": "Items", "kind": text})).await, 200);
    assert_eq!(world.column("Items"), [(json!("r"), json!("1"))]);
    let spec = json!({"name": "New", "type": "url"});
    assert_eq!(edit(json!({"action": "add", "spec": spec})).await, 200);
    assert_eq!(edit(json!({"action": "delete", "field": "Gone"})).await, 404);
    assert_eq!(edit(json!({"action": "delete", "field": "Run ID"})).await, 422);
    assert_eq!(edit(json!({"action": "paint"})).await, 400);
    let view = json!({"base": BASE, "table": TABLE, "action": "delete", "view": "Running"});
    assert_eq!(world.post("/_sim/views", view.clone()).await.0, 200);
    assert_eq!(world.post("/_sim/views", view).await.0, 404);
}

#[test]
fn a_retyped_field_keeps_what_can_be_converted() {
    let world = World::new();
    for notes in ["12", "many", "Done"] {
        world.insert(json!({"Run ID": notes, "Notes": notes}));
    }
    let retype = |spec: FieldSpec| {
        world.airtable().retype_field(BASE, TABLE, "Notes", spec.kind).unwrap();
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
    let field = airtable.retype_field(BASE, TABLE, "Gone", FieldKind::Url).unwrap_err();
    assert_eq!(field.to_string(), "there is no field \"Gone\"");
    let refused = airtable.edit(BASE, TABLE, "recUnknownRecord1", Default::default()).unwrap_err();
    assert!(refused.to_string().contains("recUnknownRecord1"));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_says_so() {
    let world = World::new();
    assert_eq!(world.post("/_sim/nothing", json!({})).await.0, 404);
    assert_eq!(world.get(&format!("/_sim/bases/{BASE}/tables/Gone")).await.0, 404);
}
