use super::world::{World, error, kind, path};
use serde_json::{Value, json};

async fn upsert(world: &World, merge_on: Value, records: Value) -> (u16, Value) {
    let body = json!({"performUpsert": {"fieldsToMergeOn": merge_on}, "records": records});
    world.patch(&path(""), body).await
}

#[tokio::test]
async fn an_upsert_updates_the_match_and_creates_the_rest() {
    let world = World::new();
    let known = world.insert(json!({"Run ID": "r", "Client ID": "a", "Posts": 1, "Active": true}));
    let records = json!([
        {"fields": {"Run ID": "r", "Client ID": "b", "Posts": 3}},
        {"fields": {"Run ID": "r", "Client ID": "a", "Posts": 2}},
    ]);
    let (status, reply) = upsert(&world, json!(["Run ID", "Client ID"]), records).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["updatedRecords"], json!([known]));
    assert_eq!(reply["createdRecords"], json!([reply["records"][0]["id"]]));
    assert_eq!(reply["records"][1]["id"], json!(known));
    assert_eq!(reply["records"][1]["fields"]["Active"], true);
    let posts = [(json!("r"), json!(2)), (json!("r"), json!(3))];
    assert_eq!(world.column("Posts"), posts);
}

#[tokio::test]
async fn a_match_that_changes_nothing_counts_as_updated() {
    let world = World::new();
    let known = world.insert(json!({"Run ID": "r"}));
    let (_, reply) = upsert(&world, json!(["Run ID"]), json!([{"fields": {"Run ID": "r"}}])).await;
    assert_eq!(reply["updatedRecords"], json!([known]));
    assert_eq!(reply["createdRecords"], json!([]));
}

#[tokio::test]
async fn more_than_one_match_refuses_the_whole_request() {
    let world = World::new();
    world.insert(json!({"Run ID": "r"}));
    world.insert(json!({"Run ID": "r"}));
    let records = json!([{"fields": {"Run ID": "new"}}, {"fields": {"Run ID": "r", "Posts": 1}}]);
    let reply = upsert(&world, json!(["Run ID"]), records).await;
    assert_eq!(kind(&reply), (422, "INVALID_RECORDS"));
    assert_eq!(world.column("Posts"), [(json!("r"), Value::Null), (json!("r"), Value::Null)]);
}

#[tokio::test]
async fn every_record_must_carry_every_merge_field() {
    let world = World::new();
    let records = json!([{"fields": {"Run ID": "r"}}]);
    let reply = upsert(&world, json!(["Run ID", "Client ID"]), records).await;
    assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"));
    assert!(error(&reply).2.contains("Client ID"));
}

#[tokio::test]
async fn an_empty_merge_value_makes_a_row_each_time() {
    let world = World::new();
    for _ in 0..2 {
        let records = json!([{"fields": {"Run ID": null, "Posts": 1}}]);
        let (_, reply) = upsert(&world, json!(["Run ID"]), records).await;
        assert_eq!(reply["createdRecords"].as_array().unwrap().len(), 1);
    }
    assert_eq!(world.column("Posts").len(), 2);
}

#[tokio::test]
async fn a_record_with_an_id_is_updated_and_its_merge_fields_do_not_matter() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r"}));
    let records = json!([{"id": id, "fields": {"Posts": 5}}]);
    let (_, reply) = upsert(&world, json!(["Run ID"]), records).await;
    assert_eq!(reply["updatedRecords"], json!([id]));
    assert_eq!(world.column("Posts"), [(json!("r"), json!(5))]);
    let records = json!([{"id": "recUnknownRecord1", "fields": {"Run ID": "r"}}]);
    let reply = upsert(&world, json!(["Run ID"]), records).await;
    assert_eq!(kind(&reply), (422, "ROW_DOES_NOT_EXIST"));
}

#[tokio::test]
async fn a_new_key_twice_in_one_request_makes_two_rows() {
    let world = World::new();
    let records = json!([{"fields": {"Run ID": "r"}}, {"fields": {"Run ID": "r"}}]);
    let (_, reply) = upsert(&world, json!(["Run ID"]), records).await;
    assert_eq!(reply["createdRecords"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn merge_keys_compare_exactly() {
    let world = World::new();
    world.insert(json!({"Run ID": "r", "Posts": 1}));
    let text = upsert(&world, json!(["Run ID"]), json!([{"fields": {"Run ID": "R"}}])).await;
    assert_eq!(text.1["createdRecords"].as_array().unwrap().len(), 1);
    let number = upsert(&world, json!(["Posts"]), json!([{"fields": {"Posts": 1.0}}])).await;
    assert_eq!(number.1["createdRecords"], json!([]));
}

#[tokio::test]
async fn only_one_to_three_fields_of_some_types_can_be_merged_on() {
    let world = World::new();
    for merge_on in [
        json!([]),
        json!(["Run ID", "Client ID", "Posts", "Notes"]),
        json!(["Start Time"]),
        json!(["Cost"]),
        json!(["Active"]),
        json!(["Success Rate"]),
        json!("Run ID"),
    ] {
        let shown = merge_on.to_string();
        let reply = upsert(&world, merge_on, json!([{"fields": {"Run ID": "r"}}])).await;
        assert_eq!(kind(&reply), (422, "INVALID_REQUEST_UNKNOWN"), "{shown}");
    }
    let reply = upsert(&world, json!(["Nome"]), json!([{"fields": {}}])).await;
    assert_eq!(kind(&reply), (422, "UNKNOWN_FIELD_NAME"));
    let keys = json!(["Run ID", "Status", "Notes"]);
    let fields = json!({"Run ID": "r", "Status": "Running", "Notes": "n"});
    assert_eq!(upsert(&world, keys, json!([{"fields": fields}])).await.0, 200);
}

#[tokio::test]
async fn an_upsert_by_put_clears_what_it_does_not_mention() {
    let world = World::new();
    world.insert(json!({"Run ID": "r", "Posts": 1, "Notes": "n"}));
    let body = json!({
        "performUpsert": {"fieldsToMergeOn": ["Run ID"]},
        "records": [{"fields": {"Run ID": "r", "Posts": 2}}],
    });
    assert_eq!(world.put(&path(""), body).await.0, 200);
    assert_eq!(world.column("Notes"), [(json!("r"), Value::Null)]);
}
