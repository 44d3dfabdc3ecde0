//! Rules from the documentation of Gemini on Vertex AI and of its tokens.

use crate::common::{MemoryStore, START, clock, get, json, once, post, reply, with};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::StatusCode;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use simulators::gemini::{Gemini, GeminiOptions, ServiceAccount};
use simulators::{Clock, Fault, Request, Simulated, Store};
use std::sync::Arc;
use std::time::Duration;

const EMAIL: &str = "scorer@invented-project.iam.example";
const AUDIENCE: &str = "http://127.0.0.1:1/token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
const PATH: &str = "/v1/projects/p/locations/global/publishers/google/models/gemini-3.5-flash-lite";

fn account() -> ServiceAccount {
    ServiceAccount::invented(AUDIENCE)
}

fn gemini_on(store: Arc<dyn Store>, clock: Clock) -> Simulated<Gemini> {
    let options = GeminiOptions { service_account: Some(account()), ..GeminiOptions::default() };
    Simulated::new(Gemini::new(options, clock, store), 1)
}

fn gemini() -> Simulated<Gemini> {
    gemini_on(Arc::new(MemoryStore::default()), clock())
}

fn private_key() -> RsaKeyPair {
    let file = account().key_file(AUDIENCE).unwrap();
    let pem = file["private_key"].as_str().unwrap();
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
}

/// The claims of a valid assertion made at [`START`].
fn claims() -> Value {
    let now = START.parse::<jiff::Timestamp>().unwrap().as_second();
    json!({"iss": EMAIL, "aud": AUDIENCE, "scope": SCOPE, "iat": now, "exp": now + 3_600})
}

fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = private_key();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn assertion(claims: &Value) -> String {
    signed(&json!({"alg": "RS256", "typ": "JWT"}), claims)
}

fn token_request(assertion: &str) -> Request {
    let form = format!("grant_type={GRANT}&assertion={assertion}");
    http::Request::post("/token").body(Bytes::from(form)).unwrap()
}

async fn token(gemini: &Simulated<Gemini>) -> String {
    let (status, body) = json(gemini, token_request(&assertion(&claims()))).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(3_600), &json!("Bearer")));
    body["access_token"].as_str().unwrap().to_owned()
}

fn call(token: &str) -> Request {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hello."}]}], "labels": {"run": "r1"}});
    with(
        post(&format!("{PATH}:generateContent"), &body),
        "authorization",
        &format!("Bearer {token}"),
    )
}

#[tokio::test(start_paused = true)]
async fn a_signed_assertion_buys_a_token_and_the_token_an_answer() {
    let gemini = gemini();
    let token = token(&gemini).await;
    let (status, answer) = json(&gemini, call(&token)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["usageMetadata"]["trafficType"], "ON_DEMAND");
    assert_eq!(answer["usageMetadata"].get("serviceTier"), None);
    assert_eq!(answer["createTime"], START);
    assert_eq!(answer["candidates"][0]["safetyRatings"][0]["severity"], "HARM_SEVERITY_NEGLIGIBLE");
}

#[tokio::test(start_paused = true)]
async fn the_key_file_is_for_the_address_that_it_was_asked_at() {
    let gemini = gemini();
    let host = "simulators.invented.example:9103";
    let asked = with(get("/_sim/service-account"), "host", host);
    let (_, file) = json(&gemini, asked).await;
    assert_eq!(file["client_email"], EMAIL);
    assert_eq!(file["token_uri"], format!("http://{host}/token"));
    let mut own = claims();
    own["aud"] = file["token_uri"].clone();
    let request = token_request(&assertion(&own));
    assert_eq!(reply(&gemini, with(request, "host", host)).await.status(), StatusCode::OK);
    own["aud"] = json!("https://oauth2.googleapis.com/token");
    let by_google = token_request(&assertion(&own));
    assert_eq!(reply(&gemini, by_google).await.status(), StatusCode::OK, "Google's libraries");
    own["aud"] = file["token_uri"].clone();
    let elsewhere = with(token_request(&assertion(&own)), "host", "elsewhere.example");
    assert_eq!(reply(&gemini, elsewhere).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn flex_is_offered_at_the_location_global_only() {
    let gemini = gemini();
    let token = token(&gemini).await;
    for (location, status) in [("global", StatusCode::OK), ("us", StatusCode::BAD_REQUEST)] {
        let mut asked = call(&token);
        let path = asked.uri().to_string().replace("global", location);
        *asked.uri_mut() = path.parse().unwrap();
        let asked = with(asked, "x-vertex-ai-llm-shared-request-type", "flex");
        assert_eq!(reply(&gemini, asked).await.status(), status, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_path_that_googles_clients_use_answers_and_express_mode_takes_a_key() {
    let gemini = gemini();
    let token = token(&gemini).await;
    let mut beta = call(&token);
    let path = beta.uri().to_string().replace("/v1/", "/v1beta1/");
    *beta.uri_mut() = path.parse().unwrap();
    assert_eq!(reply(&gemini, beta).await.status(), StatusCode::OK);
    let path = "/v1beta1/publishers/google/models/gemini-3.5-flash-lite:countTokens";
    let asked = post(path, &json!({"contents": [{"parts": [{"text": "Hello."}]}]}));
    let refused = with(asked, "x-goog-api-key", "wrong");
    assert_eq!(json(&gemini, refused).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_token_expires_by_the_clock() {
    let gemini = gemini();
    let token = token(&gemini).await;
    tokio::time::advance(Duration::from_secs(3_599)).await;
    assert_eq!(reply(&gemini, call(&token)).await.status(), StatusCode::OK);
    tokio::time::advance(Duration::from_secs(1)).await;
    let (status, body) = json(&gemini, call(&token)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(body[0]["error"]["status"], "UNAUTHENTICATED");
    assert_eq!(reply(&gemini, call("made-up")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn an_assertion_must_be_signed_current_and_for_this_endpoint() {
    let gemini = gemini();
    let with_claim = |name: &str, value: Value| {
        let mut changed = claims();
        changed[name] = value;
        assertion(&changed)
    };
    let now = claims()["iat"].as_i64().unwrap();
    let good = assertion(&claims());
    let forged = format!("{}{}", &good[..good.len() - 8], "AAAAAAAA");
    let (_, other_claims) = good.split_once('.').unwrap();
    for (assertion, error) in [
        (forged, "invalid_grant"),
        (format!("e30.{other_claims}"), "invalid_grant"),
        (signed(&json!({"alg": "none"}), &claims()), "invalid_grant"),
        (with_claim("iss", json!("other@invented.example")), "invalid_grant"),
        (with_claim("aud", json!("https://elsewhere.example/token")), "invalid_grant"),
        (with_claim("exp", json!(now)), "invalid_grant"),
        (with_claim("exp", json!(now + 3_601)), "invalid_grant"),
        (with_claim("iat", json!(now + 301)), "invalid_grant"),
        (with_claim("scope", json!("https://www.googleapis.com/auth/drive")), "invalid_scope"),
    ] {
        let (status, body) = json(&gemini, token_request(&assertion)).await;
        assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{body}");
    }
    let other_grant =
        http::Request::post("/token").body(Bytes::from("grant_type=password")).unwrap();
    assert_eq!(json(&gemini, other_grant).await.1["error"], "unsupported_grant_type");
}

#[tokio::test(start_paused = true)]
async fn tokens_survive_a_restart_and_are_never_given_out_twice() {
    let (store, clock) = (Arc::new(MemoryStore::default()), clock());
    let before = token(&gemini_on(store.clone(), clock.clone())).await;
    let gemini = gemini_on(store, clock);
    assert_eq!(reply(&gemini, call(&before)).await.status(), StatusCode::OK);
    assert_ne!(token(&gemini).await, before);
}

#[test]
fn a_public_key_must_be_one_in_pem() {
    assert!(ServiceAccount::from_pem(EMAIL, AUDIENCE, "no key").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_429_on_vertex_has_no_details() {
    let gemini = gemini();
    gemini.faults().add(once(Fault::TooManyRequests));
    let (status, body) = json(&gemini, call("any")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(body[0]["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(body[0]["error"].get("details"), None);
}

#[tokio::test(start_paused = true)]
async fn the_bill_holds_no_token_and_no_prompt() {
    let store = Arc::new(MemoryStore::default());
    let gemini = gemini_on(store.clone(), clock());
    let token = token(&gemini).await;
    reply(&gemini, call(&token)).await;
    let (_, bill) = json(&gemini, get("/_sim/billed")).await;
    assert!(!bill.to_string().contains(&token));
    assert!(store.all().iter().all(|(_, value)| !value.contains("Hello.")));
}
