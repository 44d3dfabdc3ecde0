use super::world::{BASE, World, cells, kind, list, object};
use serde_json::{Value, json};

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
async fn an_operator_can_make_every_listing_stale() {
    let world = with_rows(3);
    let reply = world.get(&list(&[("pageSize", "2")])).await;
    let offset = reply.1["offset"].as_str().unwrap();
    assert_eq!(world.airtable().expire_iterators(), 1);
    let reply = world.get(&list(&[("pageSize", "2"), ("offset", offset)])).await;
    assert_eq!(kind(&reply), (422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"));
}

#[tokio::test]
async fn without_view_or_sort_the_order_means_nothing() {
    let world = with_rows(30);
    let in_order: Vec<String> = (0..30).map(|n| format!("{n:03}")).collect();
    assert_ne!(pages(&world, &[]).await.concat(), in_order);
    assert_eq!(pages(&world, &[("view", "All")]).await.concat(), in_order);
}
