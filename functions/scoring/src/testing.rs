//! Builders for the unit tests.

use serde_json::{Value, json};
use shared::core::ids::{PlanId, RunId};
use shared::core::linkedin::PostUrl;
use shared::messages::{Chunk, Kind, Post, PostKind, RunHeader, RunType, Source, Tried};
use shared::services::airtable::Row;

pub(crate) fn run_header() -> RunHeader {
    RunHeader {
        run_stamp: "261123-100000".parse().unwrap(),
        client: "Guy-Wilson".parse().unwrap(),
        client_name: "Guy Wilson".to_owned(),
        run_type: RunType::Standalone,
        opened_at: "2026-11-23T10:00:00Z".parse().unwrap(),
    }
}

pub(crate) fn run_id() -> RunId {
    run_header().id()
}

pub(crate) fn plan_id(name: &str) -> PlanId {
    shared::core::digest::id_of(&[name]).try_into().unwrap()
}

pub(crate) fn chunk() -> Chunk {
    Chunk {
        run: run_header(),
        plan: "eCXNmNMGp3jrM5OOVRsjPA".parse().unwrap(),
        index: 0,
        of: 1,
        kind: Kind::Post,
        base: "appX8s1pPiBf5rqTz".parse().unwrap(),
        source: Source::Waiting,
        rubric: "Judge.".to_owned(),
        writable: Vec::new(),
        profile_fields: Vec::new(),
        attributes: Vec::new(),
        token_share: None,
        replaces: None,
        tried: Tried::default(),
        planned_at: None,
        leads: Vec::new(),
    }
}

pub(crate) fn row(cells: &Value) -> Row {
    let (id, created) = ("rec00000000000001", "2026-11-23T10:00:00Z");
    serde_json::from_value(json!({"id": id, "createdTime": created, "fields": cells})).unwrap()
}

pub(crate) fn rows(cells: &Value) -> Vec<Row> {
    cells.as_array().unwrap().iter().map(row).collect()
}

/// A harvested post by Jane Doe.
pub(crate) fn post(url: &str, content: &str) -> Post {
    Post {
        url: PostUrl(url.to_owned()),
        content: content.to_owned(),
        quoted: String::new(),
        posted_at: "2026-11-23T09:45:19.821Z".to_owned(),
        author_url: "https://www.linkedin.com/in/janedoe".to_owned(),
        author: "Jane Doe".to_owned(),
        kind: PostKind::Original,
        likes: 3,
        comments: 0,
        reposts: 0,
        image_url: String::new(),
        ids: Vec::new(),
    }
}
