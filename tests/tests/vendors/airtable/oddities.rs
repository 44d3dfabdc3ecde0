use super::world::{BASE, World, error, path};
use serde_json::{Value, json};
use simulators::AnswerRule;
use std::time::Duration;

const TABLE: &str = "Client Run Results";

#[tokio::test]
async fn a_locked_field_is_refused_by_name_and_the_rest_can_be_written() {
    let world = World::new();
    let id = world.insert(json!({"Run ID": "r"}));
    let lock = json!({"base": BASE, "table": TABLE, "field": "Cost", "locked": true});
    assert_eq!(world.post("/_sim/locks", lock).await.0, 200);
    let write = |cells: Value| json!({"records": [{"id": id, "fields": cells}]});
    let reply = world.patch(&path(""), write(json!({"Cost": 1, "Posts": 2}))).await;
    let (status, kind, message) = error(&reply);
    assert_eq!((status, kind), (403, "INVALID_PERMISSIONS"));
    assert!(message.contains("the field \"Cost\" (fld"), "{message}");
    assert_eq!(world.column("Posts")[0].1, Value::Null, "nothing of it is written");
    assert_eq!(world.patch(&path(""), write(json!({"Posts": 2}))).await.0, 200);
    world.airtable().lock_field((BASE, TABLE), "Cost", false).unwrap();
    assert_eq!(world.patch(&path(""), write(json!({"Cost": 1}))).await.0, 200);
}

#[tokio::test]
async fn a_cell_can_hold_an_error_and_formulas_about_it_leave_its_row_out() {
    let world = World::new();
    for run in ["a", "b"] {
        world.insert(json!({"Run ID": run}));
    }
    let rows = world.get(&path("")).await.1["records"].take();
    let error = json!({"error": "#ERROR!"});
    let cell = json!({"base": BASE, "table": TABLE, "record": rows[0]["id"], "field": "Notes",
        "value": error});
    assert_eq!(world.post("/_sim/cells", cell).await.0, 200);
    let rows = world.get(&path("")).await.1["records"].take();
    assert_eq!(rows[0]["fields"]["Notes"], error);
    let asked = json!({"filterByFormula": "{Notes}=''"});
    let found = world.post(&path("/listRecords"), asked).await.1["records"].take();
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_renamed_choice_takes_its_cells_along_and_its_old_name_is_refused() {
    let world = World::new();
    world.insert(json!({"Run ID": "a", "Status": "Completed"}));
    let renamed = json!({"base": BASE, "table": TABLE, "field": "Status", "from": "Completed",
        "to": "Done"});
    assert_eq!(world.post("/_sim/choices", renamed).await.0, 200);
    assert_eq!(world.column("Status"), [(json!("a"), json!("Done"))]);
    let row = json!({"fields": {"Run ID": "b", "Status": "Completed"}});
    assert_eq!(error(&world.post(&path(""), row).await).1, "INVALID_MULTIPLE_CHOICE_OPTIONS");
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_given_in_place_of_the_services_own_for_some_requests_or_some_time() {
    let world = World::new();
    world.insert(json!({"Run ID": "a"}));
    let denied = json!({"error": {"type": "UNAUTHORIZED"}});
    let for_time = json!({"status": 401, "body": denied, "path": "/Client Run", "seconds": 10});
    assert_eq!(world.post("/_sim/answers", for_time).await.0, 200);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(world.get(&path("")).await, (401, denied), "the time begins with the first request");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(world.get(&path("")).await.0, 200);
    let offset = json!({"error": {"type": "INVALID_OFFSET_VALUE"}});
    world.simulated.answers().add(AnswerRule {
        text: None,
        status: 422,
        body: offset.clone(),
        kind: Some("list".to_owned()),
        path: None,
        holds: Some("\"offset\"".to_owned()),
        next: Some(1),
        seconds: None,
    });
    let (listing, further) = (path("/listRecords"), json!({"offset": "no offset"}));
    assert_eq!(world.post(&listing, json!({})).await.0, 200);
    assert_eq!(world.post(&listing, further.clone()).await, (422, offset));
    let own = world.post(&listing, further).await;
    assert_eq!(own.1["error"]["message"], "The value of offset is invalid");
}
