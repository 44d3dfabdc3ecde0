//! Shared helpers of the tests.

use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use simulators::{Answer, Clock, Fault, FaultRule, Request, Response, Service, Simulated, Store};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A store that survives its simulators.
#[derive(Default)]
pub(crate) struct MemoryStore(Mutex<BTreeMap<String, String>>);

impl Store for MemoryStore {
    fn put(&self, key: &str, value: &str) {
        self.0.lock().unwrap().insert(key.to_owned(), value.to_owned());
    }
    fn remove(&self, key: &str) {
        self.0.lock().unwrap().remove(key);
    }
    fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone().into_iter().collect()
    }
    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// The start time of every test.
pub(crate) const START: &str = "2026-11-23T10:00:00.000Z";

/// A clock that starts at [`START`] and follows Tokio's time, paused or not.
pub(crate) fn clock() -> Clock {
    let started = tokio::time::Instant::now();
    let base: Timestamp = START.parse().unwrap();
    Clock::new(move || base + started.elapsed())
}

pub(crate) fn get(path: &str) -> Request {
    http::Request::get(path).body(Bytes::new()).unwrap()
}

pub(crate) fn post(path: &str, body: &Value) -> Request {
    let builder = http::Request::builder().method(Method::POST).uri(path);
    builder.body(Bytes::from(body.to_string())).unwrap()
}

pub(crate) fn with(mut request: Request, name: &'static str, value: &str) -> Request {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

pub(crate) fn once(fault: Fault) -> FaultRule {
    FaultRule { fault, next: Some(1), probability: None, kind: None }
}

/// The response to `request`, which must not be lost.
pub(crate) async fn reply<S: Service>(vendor: &Simulated<S>, request: Request) -> Response {
    match vendor.call(request).await {
        Answer::Reply(response) => response,
        Answer::Lost => panic!("the answer got lost"),
    }
}

/// Status and JSON body of the response to `request`.
pub(crate) async fn json<S: Service>(
    vendor: &Simulated<S>,
    request: Request,
) -> (StatusCode, Value) {
    let response = reply(vendor, request).await;
    (response.status(), serde_json::from_slice(response.body()).unwrap())
}
