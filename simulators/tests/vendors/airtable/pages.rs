use super::world::{BASE, World, cells, kind, list, object, path};
use serde_json::{Value, json};
use simulators::airtable::{FieldSpec, TableSpec};

fn with_rows(count: usize) -> World {
    let world = World::new();
    let row = |n: usize| object(json!({"Run ID": format!("{n:03}")}));
    world.airtable().insert_all(BASE, "Client Run Results", (0..count).map(row).collect()).unwrap();
    world
}

/// The `Run ID`s of every page.
async fn pages(world: &World, parameters: &[(&str, &str)]) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut offset: Option<String> = None;
    loop {
        let mut parameters = parameters.to_vec();
        if let Some(offset) = &offset {
            parameters.push(("offset", offset));
        }
        let reply = world.get(&list(&parameters)).await;
        pages.push(cells(&reply, "Run ID"));
        offset = reply.1["offset"].as_str().map(str::to_owned);
        if offset.is_none() {
            return pages;
        }
    }
}

async fn first_offset(world: &World, parameters: &[(&str, &str)]) -> String {
    let reply = world.get(&list(parameters)).await;
    reply.1["offset"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_has_a_hundred_rows_and_the_last_one_no_offset() {
    let world = with_rows(250);
    let pages = pages(&world, &[("view", "All")]).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    let all: Vec<String> = (0..250).map(|n| format!("{n:03}")).collect();
    assert_eq!(pages.concat(), all);
}

#[tokio::test]
async fn max_records_counts_over_all_pages() {
    let world = with_rows(10);
    let pages = pages(&world, &[("pageSize", "3"), ("maxRecords", "7")]).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    let exact = [("pageSize", "5")];
    assert_eq!(self::pages(&world, &exact).await.len(), 2);
}

#[tokio::test]
async fn an_offset_names_an_iterator_and_a_row_and_may_be_used_again() {
    let world = with_rows(3);
    let offset = first_offset(&world, &[("pageSize", "2")]).await;
    assert!(offset.starts_with("itr") && offset[17..].starts_with("/rec"), "{offset}");
    let next = list(&[("pageSize", "2"), ("offset", &offset)]);
    assert_eq!(world.get(&next).await, world.get(&next).await);
}

#[tokio::test]
async fn a_row_deleted_between_pages_leaves_its_page_short() {
    let world = with_rows(4);
    let parameters = [("pageSize", "2"), ("view", "All")];
    let offset = first_offset(&world, &parameters).await;
    let rows = world.airtable().rows(BASE, "Client Run Results").unwrap();
    world.airtable().delete_record(BASE, "Client Run Results", &rows[2].id).unwrap();
    world.insert(json!({"Run ID": "late"}));
    let reply = world.get(&list(&[parameters[0], parameters[1], ("offset", &offset)])).await;
    assert_eq!(cells(&reply, "Run ID"), ["003"]);
}

#[tokio::test]
async fn an_offset_belongs_to_one_table() {
    let world = with_rows(3);
    let spec = TableSpec::new("Other", vec![FieldSpec::text("Run ID")]);
    world.airtable().add_table(BASE, spec).unwrap();
    let offset = first_offset(&world, &[("pageSize", "2")]).await;
    let reply = world.get(&format!("/v0/{BASE}/Other?pageSize=2&offset={offset}")).await;
    assert_eq!(kind(&reply), (422, "FAILED_STATE_CHECK"));
}

#[tokio::test]
async fn an_idle_listing_goes_stale() {
    let world = with_rows(3);
    let offset = first_offset(&world, &[("pageSize", "2")]).await;
    let next = list(&[("pageSize", "2"), ("offset", &offset)]);
    for _ in 0..2 {
        world.pass(600_000);
        assert_eq!(world.get(&next).await.0, 200);
    }
    world.pass(600_001);
    let stale = json!({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}});
    assert_eq!(world.get(&next).await, (422, stale));
}

#[tokio::test]
async fn an_operator_can_make_every_listing_stale() {
    let world = with_rows(3);
    let offset = first_offset(&world, &[("pageSize", "2")]).await;
    assert_eq!(world.airtable().expire_iterators(), 1);
    let reply = world.get(&list(&[("pageSize", "2"), ("offset", &offset)])).await;
    assert_eq!(kind(&reply), (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"));
}

#[tokio::test]
async fn every_page_must_repeat_the_parameters_of_the_first() {
    let world = with_rows(3);
    let offset = first_offset(&world, &[("pageSize", "2"), ("view", "All")]).await;
    for parameters in
        [vec![], vec![("view", "Running")], vec![("view", "All"), ("maxRecords", "9")]]
    {
        let reply = world.get(&list(&[parameters, vec![("offset", &offset)]].concat())).await;
        assert_eq!(kind(&reply), (422, "INVALID_OFFSET_VALUE"));
    }
    for offset in ["nonsense", &format!("{}/recUnknownRecord1", &offset[..17])] {
        let reply = world.get(&list(&[("view", "All"), ("offset", offset)])).await;
        assert_eq!(kind(&reply), (422, "INVALID_OFFSET_VALUE"));
    }
    let body = json!({"view": "All", "offset": offset});
    assert_eq!(world.post(&path("/listRecords"), body).await.0, 200);
}
