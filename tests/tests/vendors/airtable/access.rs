use super::world::{BASE, OTHER_BASE, SECRET, World, error, kind, path};
use bytes::Bytes;
use serde_json::json;
use simulators::airtable::{AirtableOptions, Scope, Token};

const FORBIDDEN: (u16, &str) = (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND");

async fn with_header(world: &World, header: Option<&str>) -> (u16, serde_json::Value) {
    let mut request = http::Request::builder().uri(path(""));
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    world.raw(request.body(Bytes::new()).unwrap()).await
}

#[tokio::test]
async fn a_request_without_a_known_token_is_refused() {
    let world = World::new();
    let reply = with_header(&world, None).await;
    assert_eq!(error(&reply), (401, "AUTHENTICATION_REQUIRED", "Authentication required"));
    for header in ["Bearer patUnknown", "Basic patInvented.0001", "patInvented.0001"] {
        let reply = with_header(&world, Some(header)).await;
        let refusal = (401, "UNAUTHORIZED", "Invalid authentication token");
        assert_eq!(error(&reply), refusal, "{header}");
    }
}

fn world_with_token(scopes: Vec<Scope>, bases: Option<Vec<String>>) -> World {
    let token = Token { scopes, bases, ..Token::full(SECRET) };
    let options = AirtableOptions { tokens: vec![token], ..AirtableOptions::default() };
    World::with(options, &[BASE, OTHER_BASE])
}

#[tokio::test]
async fn a_token_needs_the_scope_of_the_operation() {
    let world = world_with_token(vec![Scope::ReadRecords], None);
    let row = json!({"fields": {"Run ID": "r"}});
    let tables = format!("/v0/meta/bases/{BASE}/tables");
    assert_eq!(world.get(&path("")).await.0, 200);
    assert_eq!(world.post(&path("/listRecords"), json!({})).await.0, 200);
    assert_eq!(kind(&world.post(&path(""), row).await), FORBIDDEN);
    assert_eq!(kind(&world.get(&tables).await), FORBIDDEN);
    assert_eq!(kind(&world.get("/v0/meta/bases").await), FORBIDDEN);
    let reply = world.get("/v0/meta/whoami").await;
    assert!(reply.1["id"].is_string() && reply.1.get("scopes").is_none(), "a personal token");

    let world = world_with_token(vec![Scope::WriteRecords, Scope::ReadSchema], None);
    assert_eq!(kind(&world.get(&path("")).await), FORBIDDEN);
    assert_eq!(world.get(&tables).await.0, 200);
    let table = json!({"name": "T", "fields": [{"name": "A", "type": "singleLineText"}]});
    assert_eq!(kind(&world.post(&tables, table).await), FORBIDDEN);
}

#[tokio::test]
async fn a_token_reaches_only_its_bases() {
    let world = world_with_token(Scope::ALL.to_vec(), Some(vec![BASE.to_owned()]));
    let other = format!("/v0/{OTHER_BASE}/Client%20Run%20Results");
    assert_eq!(world.get(&path("")).await.0, 200);
    assert_eq!(kind(&world.get(&other).await), FORBIDDEN);
    let reply = world.get("/v0/meta/bases").await;
    let base = json!({"id": BASE, "name": BASE, "permissionLevel": "create"});
    assert_eq!(reply, (200, json!({"bases": [base]})));
}

#[tokio::test]
async fn a_body_must_be_json_and_say_so() {
    let world = World::new();
    for (kind_of_body, text) in [("application/json", "{"), ("text/plain", "{\"fields\":{}}")] {
        let request = http::Request::post(path(""))
            .header("authorization", format!("Bearer {}", SECRET))
            .header("content-type", kind_of_body)
            .body(Bytes::from(text))
            .unwrap();
        assert_eq!(kind(&world.raw(request).await), (422, "INVALID_REQUEST_BODY"), "{text}");
    }
}
