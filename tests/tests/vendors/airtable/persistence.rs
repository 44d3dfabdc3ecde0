use super::world::{BASE, World, list, object, path, runs, unlimited};
use crate::common::MemoryStore;
use serde_json::{Value, json};
use simulators::airtable::{Airtable, FieldSpec, LoadError, TableSpec};
use simulators::{Clock, Store};
use std::sync::Arc;

const TABLE: &str = "Client Run Results";

fn filled() -> (Arc<MemoryStore>, World) {
    let store = Arc::new(MemoryStore::default());
    let world = restarted(&store);
    world.airtable().add_table(BASE, runs()).unwrap();
    world.insert(json!({"Run ID": "a", "Status": "Running", "Posts": 1}));
    (store, world)
}

fn restarted(store: &Arc<MemoryStore>) -> World {
    World::on(unlimited(), Arc::clone(store) as Arc<dyn Store>)
}

#[tokio::test]
async fn a_restart_restores_bases_tables_and_rows() {
    let (store, world) = filled();
    let body = json!({"records": [{"fields": {"Run ID": "b"}}, {"fields": {"Run ID": "c"}}]});
    world.post(&path(""), body).await;
    let rows = world.airtable().rows(BASE, TABLE).unwrap();
    world.patch(&path(&format!("/{}", rows[1].id)), json!({"fields": {"Posts": 7}})).await;
    world.delete(&path(&format!("/{}", rows[2].id))).await;
    let body = json!({"fields": {"Run ID": "d", "Status": "New"}, "typecast": true});
    world.post(&path(""), body).await;
    let again = restarted(&store);
    assert_eq!(again.airtable().rows(BASE, TABLE), world.airtable().rows(BASE, TABLE));
    let schema = format!("/v0/meta/bases/{BASE}/tables");
    assert_eq!(again.get(&schema).await, world.get(&schema).await);
    let view = list(&[("view", "Running")]);
    assert_eq!(again.get(&view).await, world.get(&view).await);
}

#[tokio::test]
async fn a_restart_restores_what_a_person_edited() {
    let (store, world) = filled();
    let airtable = world.airtable();
    airtable.add_base(BASE, "Master").unwrap();
    airtable.rename_field(BASE, TABLE, "Posts", "Items").unwrap();
    airtable.delete_field(BASE, TABLE, "Status").unwrap();
    let again = restarted(&store);
    assert_eq!(again.column("Items"), [(json!("a"), json!(1))]);
    assert_eq!(again.column("Status"), [(json!("a"), Value::Null)]);
    assert_eq!(again.get("/v0/meta/bases").await, world.get("/v0/meta/bases").await);
}

#[test]
fn a_restart_restores_cells_without_those_of_a_deleted_field() {
    let (store, world) = filled();
    let airtable = world.airtable();
    airtable.delete_field(BASE, TABLE, "Status").unwrap();
    let mut rows = store.all().into_iter().filter(|(key, _)| key.starts_with("airtable/record/"));
    assert!(rows.all(|(_, text)| !text.contains("Running")));
    airtable.retype_field(BASE, TABLE, "Posts", FieldSpec::text("")).unwrap();
    assert_eq!(restarted(&store).column("Posts"), [(json!("a"), json!("1"))]);
}

#[test]
fn a_restart_restores_links_without_those_to_deleted_rows() {
    let (store, world) = filled();
    let airtable = world.airtable();
    let target = airtable.rows(BASE, TABLE).unwrap().remove(0).id;
    let other = TableSpec::new("Other", vec![FieldSpec::text("Run ID")]);
    let table = airtable.add_table(BASE, other).unwrap();
    let row = airtable.insert(BASE, "Other", object(json!({"Run ID": "o"}))).unwrap();
    airtable.add_field(BASE, TABLE, FieldSpec::links("Link", &table)).unwrap();
    airtable.edit(BASE, TABLE, &target, object(json!({"Link": [row]}))).unwrap();
    airtable.delete_record(BASE, "Other", &row).unwrap();
    assert_eq!(restarted(&store).column("Link"), [(json!("a"), Value::Null)]);
}

#[tokio::test]
async fn a_restart_never_hands_out_an_id_again() {
    let (store, world) = filled();
    let deleted = world.insert(json!({"Run ID": "b"}));
    world.airtable().delete_record(BASE, TABLE, &deleted).unwrap();
    let table = world.tables().await[0]["id"].clone();
    let again = restarted(&store);
    assert_ne!(again.insert(json!({"Run ID": "c"})), deleted);
    let other = TableSpec::new("Other", vec![FieldSpec::text("Run ID")]);
    assert_ne!(again.airtable().add_table(BASE, other).unwrap(), table);
    let rows = again.airtable().rows(BASE, TABLE).unwrap();
    assert_eq!(rows.iter().map(|row| &row.fields["Run ID"]).collect::<Vec<_>>(), ["a", "c"]);
}

#[tokio::test]
async fn a_reset_forgets_everything_but_what_others_stored() {
    let (store, world) = filled();
    store.put("other/key", "1");
    world.post("/_sim/reset", Value::Null).await;
    assert_eq!(world.get(&path("")).await.0, 403);
    assert_eq!(store.all(), [("other/key".to_owned(), "1".to_owned())]);
}

#[test]
fn a_store_that_cannot_be_read_stops_the_start() {
    let store = Arc::new(MemoryStore::default());
    let start = |key: &str, value: &str| {
        store.clear();
        store.put(key, value);
        let store = Arc::clone(&store) as Arc<dyn Store>;
        Airtable::new(unlimited(), Clock::system(), store, 1).err()
    };
    let broken = start("airtable/base/appA", "{");
    assert!(matches!(broken, Some(LoadError::Unreadable(..))));
    let row = r#"{"seq":1,"created":"2026-11-23T10:00:00Z","cells":{}}"#;
    let orphan = start("airtable/record/appA/tblA/recA", row);
    assert!(matches!(orphan, Some(LoadError::Orphan(_))));
    assert!(start("other/key", "{").is_none());
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let (_, first) = filled();
    let (_, second) = filled();
    assert_eq!(first.airtable().rows(BASE, TABLE), second.airtable().rows(BASE, TABLE));
}
