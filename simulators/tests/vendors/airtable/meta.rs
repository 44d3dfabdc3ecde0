use super::world::{BASE, OTHER_BASE, World, error, kind};
use serde_json::{Value, json};
use simulators::airtable::{FieldSpec, TableSpec, ViewSpec};

fn tables() -> String {
    format!("/v0/meta/bases/{BASE}/tables")
}

/// Replaces every id by its prefix.
fn without_ids(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() == 17 && !text.contains(' ') => json!(&text[..3]),
        Value::Array(items) => items.iter().map(without_ids).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), without_ids(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[tokio::test]
async fn the_schema_lists_tables_with_fields_and_views() {
    let world = World::new();
    let fields = vec![
        FieldSpec::text("Name"),
        FieldSpec::single_select("Status", &["Active"]),
        FieldSpec::formula("Sum", Some(json!(3))),
    ];
    let spec = TableSpec::new("Clients", fields).with_view(ViewSpec::all("Everyone"));
    world.airtable().add_table(OTHER_BASE, spec).unwrap();
    let path = format!("/v0/meta/bases/{OTHER_BASE}/tables?include%5B%5D=visibleFieldIds");
    let (status, schema) = world.get(&path).await;
    assert_eq!(status, 200);
    let choice = json!({"id": "sel", "name": "Active"});
    let view = json!({
        "id": "viw", "name": "Everyone", "type": "grid", "visibleFieldIds": ["fld", "fld", "fld"],
    });
    let table = json!({
        "id": "tbl",
        "name": "Clients",
        "primaryFieldId": "fld",
        "fields": [
            {"id": "fld", "name": "Name", "type": "singleLineText"},
            {"id": "fld", "name": "Status", "type": "singleSelect", "options": {"choices": [choice]}},
            {"id": "fld", "name": "Sum", "type": "formula", "options": {"isValid": true}},
        ],
        "views": [view],
    });
    assert_eq!(without_ids(&schema), json!({"tables": [table]}));
}

#[tokio::test]
async fn a_table_can_be_made_with_fields_of_every_type_that_can_be() {
    let world = World::new();
    let fields = json!([
        {"name": "Name", "type": "singleLineText", "description": "who"},
        {"name": "Text", "type": "multilineText"},
        {"name": "Rich", "type": "richText"},
        {"name": "Mail", "type": "email"},
        {"name": "Web", "type": "url"},
        {"name": "Phone", "type": "phoneNumber"},
        {"name": "Count", "type": "number", "options": {"precision": 0}},
        {"name": "Cost", "type": "currency", "options": {"precision": 2, "symbol": "$"}},
        {"name": "Share", "type": "percent", "options": {"precision": 2}},
        {"name": "Done", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
        {"name": "One", "type": "singleSelect", "options": {"choices": [{"name": "a"}]}},
        {"name": "Any", "type": "multipleSelects", "options": {"choices": [{"name": "a"}]}},
        {"name": "Day", "type": "date", "options": {"dateFormat": {"name": "iso"}}},
        {"name": "At", "type": "dateTime", "options": {
            "timeZone": "utc", "dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"},
        }},
        {"name": "Files", "type": "multipleAttachments"},
    ]);
    let body = json!({"name": "Everything", "description": "d", "fields": fields});
    let (status, table) = world.post(&tables(), body).await;
    assert_eq!(status, 200, "{table}");
    assert_eq!(table["fields"].as_array().unwrap().len(), 15);
    assert_eq!(table["description"], "d");
    let file = json!([{"url": "https://example.com/a.png"}]);
    let row = json!({"fields": {"Name": "n", "Any": ["a"], "Files": file}});
    let (_, row) = world.post(&format!("/v0/{BASE}/Everything"), row).await;
    assert_eq!(row["fields"]["Files"][0]["filename"], "a.png");
}

#[tokio::test]
async fn a_table_needs_a_free_name_and_a_primary_field_of_a_plain_type() {
    let world = World::new();
    let name = json!({"name": "Name", "type": "singleLineText"});
    let done = json!({"name": "Done", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}});
    let cases = [
        (json!({"name": "client run RESULTS", "fields": [name]}), "DUPLICATE_TABLE_NAME"),
        (json!({"name": "T", "fields": [done]}), "INVALID_PRIMARY_FIELD"),
        (json!({"name": "T", "fields": []}), "INVALID_PRIMARY_FIELD"),
        (json!({"name": "T", "fields": [name, name]}), "DUPLICATE_OR_EMPTY_FIELD_NAME"),
        (json!({"name": "T"}), "INVALID_REQUEST_MISSING_FIELDS"),
        (json!({"name": "T", "fields": [name], "views": []}), "INVALID_REQUEST_UNKNOWN"),
    ];
    for (body, wanted) in cases {
        let shown = body.to_string();
        assert_eq!(kind(&world.post(&tables(), body).await), (422, wanted), "{shown}");
    }
}

async fn table_id(world: &World) -> String {
    world.tables().await[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_field_is_made_with_the_options_of_its_type() {
    let world = World::new();
    let fields = format!("{}/{}/fields", tables(), table_id(&world).await);
    let body = json!({"name": "Tokens", "type": "number", "options": {"precision": 0}});
    let (status, field) = world.post(&fields, body).await;
    assert_eq!(status, 200, "{field}");
    assert_eq!(
        without_ids(&field),
        json!({"id": "fld", "name": "Tokens", "type": "number", "options": {"precision": 0}})
    );
    let cases = [
        (json!({"name": "Tokens", "type": "url"}), "DUPLICATE_OR_EMPTY_FIELD_NAME"),
        (json!({"name": "N", "type": "number"}), "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE"),
        (
            json!({"name": "N", "type": "number", "options": {"precision": 9}}),
            "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE",
        ),
        (json!({"name": "N", "type": "createdTime"}), "UNSUPPORTED_FIELD_TYPE_FOR_CREATE"),
        (
            json!({"name": "N", "type": "formula", "options": {}}),
            "UNSUPPORTED_FIELD_TYPE_FOR_CREATE",
        ),
        (json!({"name": "N", "type": "url", "colour": 1}), "INVALID_REQUEST_UNKNOWN"),
    ];
    for (body, wanted) in cases {
        let shown = body.to_string();
        assert_eq!(kind(&world.post(&fields, body).await), (422, wanted), "{shown}");
    }
}

#[tokio::test]
async fn only_the_name_and_description_of_a_field_can_be_changed() {
    let world = World::new();
    world.insert(json!({"Run ID": "r", "Posts": 3}));
    let table = table_id(&world).await;
    let schema = world.tables().await;
    let field = schema[0]["fields"][2]["id"].as_str().unwrap();
    let path = format!("{}/{table}/fields/{field}", tables());
    let (_, changed) = world.patch(&path, json!({"name": "Items", "description": "d"})).await;
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Items"), &json!("d")));
    assert_eq!(world.column("Items"), [(json!("r"), json!(3))]);
    for body in [json!({"type": "url"}), json!({"options": {"precision": 1}}), json!({})] {
        assert_eq!(kind(&world.patch(&path, body).await), (422, "INVALID_REQUEST_UNKNOWN"));
    }
    let reply = world.patch(&path, json!({"name": "Run ID"})).await;
    assert_eq!(error(&reply).1, "DUPLICATE_OR_EMPTY_FIELD_NAME");
    let unknown = format!("{}/{table}/fields/fldUnknownField01", tables());
    assert_eq!(world.patch(&unknown, json!({"name": "X"})).await.0, 403);
}

#[tokio::test]
async fn the_token_check_names_a_user_and_scopes() {
    let world = World::new();
    let (status, reply) = world.get("/v0/meta/whoami").await;
    assert_eq!(status, 200);
    assert!(reply["id"].as_str().unwrap().starts_with("usr"));
    assert_eq!(reply["scopes"].as_array().unwrap().len(), 4);
}
