use super::world::{BASE, World, cells, error, kind, list, path};
use bytes::Bytes;
use serde_json::{Value, json};

#[tokio::test]
async fn a_bare_body_makes_one_row_and_a_list_makes_several() {
    let world = World::new();
    let (status, row) =
        world.post(&path(""), json!({"fields": {"Run ID": "r", "Posts": 3.0}})).await;
    assert_eq!(status, 200);
    assert!(row["id"].as_str().unwrap().starts_with("rec"));
    assert_eq!(row["createdTime"], "2026-11-23T10:00:00.000Z");
    assert_eq!(row["fields"], json!({"Run ID": "r", "Posts": 3, "Success Rate": 0.5}));
    let body = json!({"records": [{"fields": {"Run ID": "s"}}, {"fields": {"Run ID": "t"}}]});
    let (_, rows) = world.post(&path(""), body).await;
    assert_eq!(rows["records"][1]["fields"]["Run ID"], "t");
    assert_eq!(world.column("Posts").len(), 3);
}

#[tokio::test]
async fn a_write_takes_at_most_ten_records_and_at_least_one() {
    let world = World::new();
    let batch = |count| json!({"records": vec![json!({"fields": {}}); count]});
    assert_eq!(world.post(&path(""), batch(10)).await.0, 200);
    for count in [0, 11] {
        let reply = world.post(&path(""), batch(count)).await;
        assert_eq!(kind(&reply), (422, "INVALID_RECORDS"));
        assert!(
            error(&reply).2.starts_with("You must provide an array of up to 10 record objects")
        );
    }
    assert_eq!(world.column("Posts").len(), 10);
}

#[tokio::test]
async fn one_bad_record_refuses_the_whole_batch() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r", "Posts": 1}));
    let body = json!({"records": [{"fields": {"Run ID": "a"}}, {"fields": {"Posts": "many"}}]});
    assert_eq!(world.post(&path(""), body).await.0, 422);
    let body = json!({
        "typecast": true,
        "records": [
            {"id": id, "fields": {"Posts": 2, "Status": "New choice"}},
            {"id": id, "fields": {"Nome": 1}},
        ],
    });
    assert_eq!(world.patch(&path(""), body).await.0, 422);
    assert_eq!(world.column("Posts"), [(json!("r"), json!(1))]);
    // Not even the choice is made.
    let body = json!({"fields": {"Status": "New choice"}});
    assert_eq!(kind(&world.post(&path(""), body).await), (422, "INVALID_MULTIPLE_CHOICE_OPTIONS"));
}

#[tokio::test]
async fn a_refused_cell_names_its_field() {
    let world = World::new();
    let cases = [
        (
            json!({"Posts": "3"}),
            "INVALID_VALUE_FOR_COLUMN",
            "Field \"Posts\" cannot accept the provided value",
        ),
        (
            json!({"Success Rate": 1}),
            "INVALID_VALUE_FOR_COLUMN",
            "Field \"Success Rate\" cannot accept a value because the field is computed",
        ),
        (json!({"Nome": 1}), "UNKNOWN_FIELD_NAME", "Unknown field name: \"Nome\""),
        (
            json!({"Status": "running"}),
            "INVALID_MULTIPLE_CHOICE_OPTIONS",
            "Insufficient permissions to create new select option \"\"running\"\"",
        ),
    ];
    for (fields, kind, message) in cases {
        let reply = world.post(&path(""), json!({"fields": fields})).await;
        assert_eq!(error(&reply), (422, kind, message));
    }
}

#[tokio::test]
async fn typecast_converts_and_makes_choices() {
    let world = World::new();
    let fields = json!({"Run ID": "r", "Posts": "3", "Status": "Stalled"});
    let reply = world.post(&path(""), json!({"fields": fields, "typecast": true})).await;
    assert_eq!(reply.1["fields"]["Posts"], 3);
    let body = json!({"fields": {"Status": "Stalled"}});
    assert_eq!(world.post(&path(""), body).await.1["fields"]["Status"], "Stalled");
}

#[tokio::test]
async fn patch_keeps_other_cells_and_put_clears_them() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r", "Posts": 1, "Active": true}));
    let one = path(&format!("/{id}"));
    let (_, row) = world.patch(&one, json!({"fields": {"Posts": 2, "Active": null}})).await;
    assert_eq!(row["fields"], json!({"Run ID": "r", "Posts": 2, "Success Rate": 0.5}));
    let (_, row) = world.put(&one, json!({"fields": {"Posts": 3}})).await;
    assert_eq!(row["fields"], json!({"Posts": 3, "Success Rate": 0.5}));
    let body = json!({"records": [{"id": id, "fields": {"Run ID": "s"}}]});
    let (_, rows) = world.put(&path(""), body).await;
    assert_eq!(rows["records"][0]["fields"], json!({"Run ID": "s", "Success Rate": 0.5}));
}

#[tokio::test]
async fn fields_may_be_named_by_id_and_the_answer_too() {
    let world = World::new();
    let tables = world.tables().await;
    let posts = tables[0]["fields"][2]["id"].as_str().unwrap();
    let body = json!({"fields": {posts: 4}, "returnFieldsByFieldId": true});
    assert_eq!(world.post(&path(""), body).await.1["fields"][posts], 4);
}

#[tokio::test]
async fn an_update_of_a_missing_row_names_it() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r", "Posts": 1}));
    let body = json!({"records": [
        {"id": id, "fields": {"Posts": 2}},
        {"id": "recUnknownRecord1", "fields": {}},
    ]});
    let reply = world.patch(&path(""), body).await;
    let message = "Record ID recUnknownRecord1 does not exist in this table";
    assert_eq!(error(&reply), (422, "ROW_DOES_NOT_EXIST", message));
    assert_eq!(world.column("Posts"), [(json!("r"), json!(1))]);
    for record in
        [json!({"fields": {}}), json!({"id": "r1", "fields": {}}), json!({"id": id}), json!(1)]
    {
        let reply = world.patch(&path(""), json!({"records": [record]})).await;
        assert_eq!(kind(&reply), (422, "INVALID_RECORDS"));
    }
}

#[tokio::test]
async fn rows_are_deleted_one_or_ten_at_a_time() {
    let world = World::new();
    let ids: Vec<String> = (0..3).map(|_| world.insert(json!({}))).collect();
    let reply = world.delete(&path(&format!("/{}", ids[0]))).await;
    assert_eq!(reply, (200, json!({"id": ids[0], "deleted": true})));
    let both = path(&format!("?records%5B%5D={}&records%5B%5D={}", ids[1], ids[2]));
    let deleted = |id: &String| json!({"id": id, "deleted": true});
    let reply = world.delete(&both).await;
    assert_eq!(reply, (200, json!({"records": [deleted(&ids[1]), deleted(&ids[2])]})));
    assert_eq!(world.column("Posts"), []);
}

#[tokio::test]
async fn a_delete_of_several_rows_is_all_or_nothing() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r"}));
    let reply = world.delete(&path(&format!("?records[]={id}&records[]=recUnknownRecord1"))).await;
    assert_eq!(kind(&reply), (422, "ROW_DOES_NOT_EXIST"));
    let eleven = vec![format!("records[]={id}"); 11].join("&");
    assert_eq!(kind(&world.delete(&path(&format!("?{eleven}"))).await), (422, "INVALID_RECORDS"));
    assert_eq!(kind(&world.delete(&path("")).await), (422, "INVALID_RECORDS"));
    assert_eq!(world.column("Posts").len(), 1);
}

#[tokio::test]
async fn bodies_are_checked_key_by_key() {
    let world = World::new();
    let cases = [
        (json!({"fields": {}, "colour": 1}), "INVALID_REQUEST_UNKNOWN"),
        (json!({"fields": {}, "records": []}), "INVALID_REQUEST_UNKNOWN"),
        (json!({"fields": {}, "typecast": "yes"}), "INVALID_REQUEST_UNKNOWN"),
        (json!([]), "INVALID_REQUEST_UNKNOWN"),
        (json!({}), "INVALID_REQUEST_MISSING_FIELDS"),
        (json!({"records": [{"fields": {}, "id": "recUnknownRecord1"}]}), "INVALID_RECORDS"),
        (json!({"records": {}}), "INVALID_RECORDS"),
    ];
    for (body, wanted) in cases {
        let shown = body.to_string();
        assert_eq!(kind(&world.post(&path(""), body).await), (422, wanted), "{shown}");
    }
    assert_eq!(world.column("Posts"), []);
}

#[tokio::test]
async fn a_body_must_be_json_and_say_so() {
    let world = World::new();
    for (kind_of_body, text) in [("application/json", "{"), ("text/plain", "{\"fields\":{}}")] {
        let request = http::Request::post(path(""))
            .header("authorization", format!("Bearer {}", super::world::SECRET))
            .header("content-type", kind_of_body)
            .body(Bytes::from(text))
            .unwrap();
        assert_eq!(kind(&world.raw(request).await), (422, "INVALID_REQUEST_BODY"), "{text}");
    }
}

#[tokio::test]
async fn links_must_name_rows_of_the_linked_table() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r"}));
    let tables = world.tables().await;
    let table = tables[0]["id"].as_str().unwrap();
    let options = json!({"linkedTableId": table});
    let field = json!({"name": "Parent", "type": "multipleRecordLinks", "options": options});
    let fields = format!("/v0/meta/bases/{BASE}/tables/{table}/fields");
    assert_eq!(world.post(&fields, field).await.0, 200);
    let write =
        async |links: Value| world.post(&path(""), json!({"fields": {"Parent": links}})).await;
    assert_eq!(write(json!([id])).await.1["fields"]["Parent"], json!([id]));
    assert_eq!(kind(&write(json!(["recUnknownRecord1"])).await), (422, "ROW_DOES_NOT_EXIST"));
    assert_eq!(kind(&write(json!(["r"])).await), (422, "INVALID_VALUE_FOR_COLUMN"));
}

#[tokio::test]
async fn writing_what_a_cell_holds_already_is_no_change() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r", "Posts": 1}));
    let changed = async || {
        let formula = "DATETIME_DIFF(LAST_MODIFIED_TIME(), CREATED_TIME(), 'seconds')=60";
        cells(&world.get(&list(&[("filterByFormula", formula)])).await, "Run ID").len()
    };
    world.pass(60_000);
    let one = path(&format!("/{id}"));
    world.patch(&one, json!({"fields": {"Posts": 1}})).await;
    assert_eq!(changed().await, 0);
    world.patch(&one, json!({"fields": {"Posts": 2}})).await;
    assert_eq!(changed().await, 1);
}
