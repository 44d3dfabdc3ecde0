use super::world::{BASE, World, cells, error, kind, list, path};
use serde_json::{Value, json};
use simulators::airtable::{FieldSpec, TableSpec, ViewSpec};

/// Three runs: two running, one of them active, and one completed without posts.
fn three_runs() -> World {
    let world = World::new();
    world.insert(json!({"Run ID": "b", "Posts": 2, "Status": "Running", "Active": true}));
    world.insert(json!({"Run ID": "a", "Posts": 10, "Status": "Running", "Cost": 1.5}));
    world.insert(json!({"Run ID": "C", "Status": "Completed", "Posts": 0}));
    world
}

async fn ids(world: &World, parameters: &[(&str, &str)]) -> Vec<Value> {
    cells(&world.get(&list(parameters)).await, "Run ID")
}

/// As [`ids`], where the order means nothing.
async fn sorted(world: &World, parameters: &[(&str, &str)]) -> String {
    let ids = ids(world, parameters).await;
    let mut ids: Vec<&str> = ids.iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.join(" ")
}

#[tokio::test]
async fn empty_cells_are_left_out_and_zero_is_not() {
    let world = World::new();
    let nothing = FieldSpec::formula("Nothing", Some(json!("")));
    world.airtable().add_field(BASE, "Client Run Results", nothing).unwrap();
    let id = world.insert(json!({
        "Run ID": "", "Posts": 0, "Active": false, "Status": null, "Notes": "",
    }));
    let record = json!({
        "id": id,
        "createdTime": "2026-11-23T10:00:00.000Z",
        "fields": {"Posts": 0, "Success Rate": 0.5},
    });
    assert_eq!(world.get(&path("")).await, (200, json!({"records": [record]})));
    assert_eq!(world.get(&path(&format!("/{id}"))).await, (200, record));
}

#[tokio::test]
async fn a_table_is_named_by_id_or_by_its_encoded_name() {
    let world = World::new();
    let spec = TableSpec::new("A/B & C", vec![FieldSpec::text("Run ID")]);
    let id = world.airtable().add_table(BASE, spec).unwrap();
    for name in [id.as_str(), "A%2FB%20%26%20C"] {
        assert_eq!(world.get(&format!("/v0/{BASE}/{name}")).await.0, 200, "{name}");
    }
}

#[tokio::test]
async fn only_the_fields_asked_for_are_returned() {
    let world = three_runs();
    let reply = world
        .get(&list(&[("fields[]", "Run ID"), ("fields[]", "Posts"), ("view", "Running")]))
        .await;
    assert_eq!(reply.1["records"][0]["fields"], json!({"Run ID": "b", "Posts": 2}));
    let reply = world.get(&list(&[("fields[]", "Nome")])).await;
    assert_eq!(error(&reply), (422, "UNKNOWN_FIELD_NAME", "Unknown field name: \"Nome\""));
}

#[tokio::test]
async fn a_formula_keeps_the_rows_it_is_true_for() {
    let world = three_runs();
    let with = async |formula| sorted(&world, &[("filterByFormula", formula)]).await;
    assert_eq!(with("{Status}='Running'").await, "a b");
    assert_eq!(with("AND({Status}='Running', {Active})").await, "b");
    assert_eq!(with("{Posts}=BLANK()").await, "C");
    assert_eq!(with("{Posts}").await, "a b");
    assert_eq!(with("{Success Rate}=0.5").await, "C a b");
    assert_eq!(with("").await, "C a b");
}

#[tokio::test]
async fn a_formula_can_ask_for_rows_by_id() {
    let world = three_runs();
    let rows = world.airtable().rows(BASE, "Client Run Results").unwrap();
    let formula = format!("OR(RECORD_ID()='{}',RECORD_ID()='{}')", rows[0].id, rows[2].id);
    assert_eq!(sorted(&world, &[("filterByFormula", &formula)]).await, "C b");
    let unknown = "RECORD_ID()='recUnknownRecord1'";
    assert_eq!(ids(&world, &[("filterByFormula", unknown)]).await, Vec::<Value>::new());
    // The view's own filter holds as well.
    let both = [("filterByFormula", formula.as_str()), ("view", "Running")];
    assert_eq!(ids(&world, &both).await, ["b"]);
}

#[tokio::test]
async fn a_bad_formula_says_what_is_wrong_with_it() {
    let world = World::new();
    let start = "The formula for filtering records is invalid: ";
    for (formula, why) in [
        ("{Nome}='x'", "Unknown field names: Nome"),
        ("AND(", "Invalid formula. Please check your formula text."),
    ] {
        let reply = world.get(&list(&[("filterByFormula", formula)])).await;
        let message = format!("{start}{why}");
        assert_eq!(error(&reply), (422, "INVALID_FILTER_BY_FORMULA", message.as_str()));
    }
}

#[tokio::test]
async fn rows_are_sorted_by_fields_with_empty_cells_first() {
    let world = three_runs();
    let by = async |field, direction| {
        ids(&world, &[("sort[0][field]", field), ("sort[0][direction]", direction)]).await
    };
    assert_eq!(by("Posts", "asc").await, ["C", "b", "a"]);
    assert_eq!(by("Posts", "desc").await, ["a", "b", "C"]);
    assert_eq!(by("Run ID", "asc").await, ["a", "b", "C"]);
    assert_eq!(by("Cost", "asc").await[2], "a");
    let two =
        [("sort[1][field]", "Posts"), ("sort[1][direction]", "desc"), ("sort[0][field]", "Status")];
    assert_eq!(ids(&world, &two).await, ["a", "b", "C"]);
    let reply = world.get(&list(&[("sort[0][field]", "Nome")])).await;
    assert_eq!(kind(&reply), (422, "UNKNOWN_FIELD_NAME"));
}

#[tokio::test]
async fn a_view_restricts_rows_and_orders_them_but_hides_no_field() {
    let world = three_runs();
    assert_eq!(ids(&world, &[("view", "All")]).await, ["b", "a", "C"]);
    assert_eq!(ids(&world, &[("view", "Running")]).await, ["b", "a"]);
    let reply = world.get(&list(&[("view", "Running")])).await;
    assert_eq!(reply.1["records"][0]["fields"]["Active"], true);
    let reply = world.get(&list(&[("view", "Gone")])).await;
    assert_eq!(kind(&reply), (422, "VIEW_NAME_NOT_FOUND"));
    let reply = world.get(&list(&[("view", "viwUnknownView001")])).await;
    assert_eq!(kind(&reply), (422, "VIEW_ID_NOT_FOUND"));
}

#[tokio::test]
async fn a_view_follows_a_renamed_field_and_outlives_a_deleted_one() {
    let world = three_runs();
    let airtable = world.airtable();
    airtable.rename_field(BASE, "Client Run Results", "Status", "State").unwrap();
    assert_eq!(ids(&world, &[("view", "Running")]).await, ["b", "a"]);
    airtable.delete_field(BASE, "Client Run Results", "State").unwrap();
    assert_eq!(ids(&world, &[("view", "Running")]).await, ["b", "a", "C"]);
    let spec = ViewSpec::filtered("Big", "{Posts}>5");
    airtable.add_view(BASE, "Client Run Results", spec).unwrap();
    assert_eq!(ids(&world, &[("view", "Big")]).await, ["a"]);
}

#[tokio::test]
async fn cells_can_be_named_by_field_id() {
    let world = World::new();
    world.insert(json!({"Run ID": "r"}));
    let tables = world.tables().await;
    let id = tables[0]["primaryFieldId"].as_str().unwrap();
    let reply = world.get(&list(&[("returnFieldsByFieldId", "true"), ("fields[]", id)])).await;
    assert_eq!(reply.1["records"][0]["fields"], json!({id: "r"}));
}

#[tokio::test]
async fn text_cells_need_a_zone_and_a_locale() {
    let world = three_runs();
    let reply = world.get(&list(&[("cellFormat", "string")])).await;
    assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"));
    let format =
        [("cellFormat", "string"), ("timeZone", "utc"), ("userLocale", "en"), ("view", "All")];
    let reply = world.get(&list(&format)).await;
    assert_eq!(cells(&reply, "Active"), [json!("checked"), Value::Null, Value::Null]);
    assert_eq!(cells(&reply, "Cost"), [Value::Null, json!("$1.50"), Value::Null]);
    // Zone and locale stay in the query string of a POST.
    let body = json!({"cellFormat": "string", "view": "All"});
    let with_zone = path("/listRecords?timeZone=utc&userLocale=en");
    assert_eq!(cells(&world.post(&with_zone, body).await, "Active")[0], "checked");
    let body = json!({"cellFormat": "string", "timeZone": "utc", "userLocale": "en"});
    let reply = world.post(&path("/listRecords"), body).await;
    assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"));
}

#[tokio::test]
async fn a_listing_by_post_takes_its_parameters_from_the_body() {
    let world = three_runs();
    let body = json!({
        "fields": ["Run ID"],
        "filterByFormula": "{Posts}>0",
        "sort": [{"field": "Posts", "direction": "desc"}],
        "maxRecords": 1,
        "recordMetadata": ["commentCount"],
    });
    let reply = world.post(&path("/listRecords"), body).await;
    assert_eq!(cells(&reply, "Run ID"), ["a"]);
    assert_eq!(reply.1["records"][0]["fields"], json!({"Run ID": "a"}));
    assert_eq!(reply.1["records"][0]["commentCount"], 0);
}

#[tokio::test]
async fn bad_parameters_are_refused_and_unknown_ones_in_a_url_let_be() {
    let world = World::new();
    for parameter in [
        ("pageSize", "0"),
        ("pageSize", "101"),
        ("pageSize", "x"),
        ("maxRecords", "0"),
        ("cellFormat", "html"),
        ("sort[0][direction]", "asc"),
        ("recordMetadata[]", "likes"),
        ("returnFieldsByFieldId", "maybe"),
    ] {
        let reply = world.get(&list(&[parameter])).await;
        assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"), "{parameter:?}");
    }
    assert_eq!(world.get(&list(&[("colour", "blue")])).await.0, 200);
    for body in [json!({"colour": "blue"}), json!({"pageSize": 101}), json!({"sort": "Posts"})] {
        let reply = world.post(&path("/listRecords"), body).await;
        assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"));
    }
}

#[tokio::test]
async fn getting_a_row_ignores_the_table_but_takes_no_list_parameters() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r"}));
    let reply = world.get(&format!("/v0/{BASE}/Anything/{id}")).await;
    assert_eq!(reply.1["fields"]["Run ID"], "r");
    let reply = world.get(&path(&format!("/{id}?fields%5B%5D=Posts"))).await;
    assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"));
}

#[tokio::test]
async fn without_view_or_sort_the_order_means_nothing() {
    let world = World::new();
    let names: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    for name in &names {
        world.insert(json!({"Run ID": name}));
    }
    assert_ne!(ids(&world, &[]).await, names);
    assert_eq!(ids(&world, &[("view", "All")]).await, names);
}

#[tokio::test]
async fn linked_rows_read_as_their_names_in_formulas() {
    let world = three_runs();
    let airtable = world.airtable();
    let rows = airtable.rows(BASE, "Client Run Results").unwrap();
    let tables = world.tables().await;
    let linked = tables[0]["id"].as_str().unwrap();
    let fields = vec![FieldSpec::text("Run ID"), FieldSpec::links("Runs", linked)];
    airtable.add_table(BASE, TableSpec::new("Notes", fields)).unwrap();
    let row = json!({"Run ID": "n", "Runs": [rows[0].id, rows[1].id]});
    airtable.insert(BASE, "Notes", super::world::object(row)).unwrap();
    let reply =
        world.get(&format!("/v0/{BASE}/Notes?filterByFormula=%7BRuns%7D%3D%27b,%20a%27")).await;
    assert_eq!(cells(&reply, "Runs"), [json!([rows[0].id, rows[1].id])]);
    airtable.delete_record(BASE, "Client Run Results", &rows[0].id).unwrap();
    let reply = world.get(&format!("/v0/{BASE}/Notes")).await;
    assert_eq!(cells(&reply, "Runs"), [json!([rows[1].id])]);
}
