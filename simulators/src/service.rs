//! One simulated service with its counts, faults and control endpoints.

use crate::answers::{AnswerRule, Answers};
use crate::faults::{Fault, FaultRule, Faults};
use crate::reply::{Request, Response, error_reply, json_reply};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A vendor's API as a state machine: one request in, one response out.
pub trait Service: Send + Sync + 'static {
    /// The name of the requested operation, such as `list` or `upsert`, by which requests are
    /// counted. `other` for a request that the vendor does not know.
    fn kind(&self, request: &Request) -> &'static str;

    /// Executes the request and answers like the vendor.
    fn respond(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// Answers a request like the vendor when `fault` happens. Called only for
    /// [`Fault::TooManyRequests`], [`Fault::InternalError`] and [`Fault::Unavailable`].
    fn refuse(&self, request: &Request, fault: Fault) -> Response;

    /// Answers the service's own control endpoints below `/_sim/`; `None` for an unknown endpoint.
    fn control(&self, request: &Request) -> impl Future<Output = Option<Response>> + Send;

    /// Resets everything to the initial state.
    fn reset(&self);
}

/// What a caller sees as the result of a request.
#[derive(Debug)]
pub enum Answer {
    /// The response.
    Reply(Response),
    /// No response, because the connection broke. The service may have executed the request.
    Lost,
}

/// How many requests of one kind were answered with one status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestCount {
    /// The operation, as [`Service::kind`] names it.
    pub kind: &'static str,
    /// The HTTP status; 0 for a lost answer.
    pub status: u16,
    /// The number of requests.
    pub count: u64,
}

/// A service with its faults, its counts and its control endpoints.
pub struct Simulated<S> {
    service: S,
    faults: Faults,
    answers: Answers,
    counts: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

impl<S: Service> Simulated<S> {
    /// Adds counts and faults to `service`. `seed` is for the faults' probabilities.
    pub fn new(service: S, seed: u64) -> Self {
        let (faults, answers) = (Faults::new(seed), Answers::default());
        Self { service, faults, answers, counts: Mutex::default() }
    }

    /// The service itself, to set up and read its state in process.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The rules that decide which requests fail.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The answers that replace the service's own.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The requests answered so far, without control endpoints.
    pub fn requests(&self) -> Vec<RequestCount> {
        self.counts()
            .iter()
            .map(|(&(kind, status), &count)| RequestCount { kind, status, count })
            .collect()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<(&'static str, u16), u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request to the vendor's API or to the control endpoints.
    pub async fn call(&self, request: Request) -> Answer {
        if request.uri().path().starts_with("/_sim/") {
            return Answer::Reply(self.control(request).await);
        }
        let kind = self.service.kind(&request);
        let answer = match self.faults.draw(kind) {
            None => Answer::Reply(match self.answers.draw(kind, &request) {
                Some(answer) => answer,
                None => self.service.respond(request).await,
            }),
            Some(Fault::LostBefore) => Answer::Lost,
            Some(Fault::LostAfter) => {
                self.service.respond(request).await;
                Answer::Lost
            }
            Some(Fault::MalformedBody) => {
                let response = self.service.respond(request).await;
                Answer::Reply(response.map(|body| body.slice(..body.len() / 2)))
            }
            Some(fault @ (Fault::TooManyRequests | Fault::InternalError | Fault::Unavailable)) => {
                Answer::Reply(self.service.refuse(&request, fault))
            }
        };
        let status = match &answer {
            Answer::Reply(response) => response.status().as_u16(),
            Answer::Lost => 0,
        };
        *self.counts().entry((kind, status)).or_default() += 1;
        answer
    }

    async fn control(&self, request: Request) -> Response {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/_sim/requests") => json_reply(StatusCode::OK, &self.requests()),
            (&Method::POST, "/_sim/reset") => {
                self.service.reset();
                self.faults.clear();
                self.answers.clear();
                self.counts().clear();
                json_reply(StatusCode::OK, &json!({"reset": true}))
            }
            (&Method::POST, "/_sim/faults") => {
                match serde_json::from_slice::<FaultRule>(request.body()) {
                    Ok(rule) if rule.next.is_some() == rule.probability.is_some() => control_error(
                        StatusCode::BAD_REQUEST,
                        "a fault rule needs either `next` or `probability`",
                    ),
                    Ok(rule) => {
                        self.faults.add(rule.clone());
                        json_reply(StatusCode::OK, &rule)
                    }
                    Err(error) => control_error(StatusCode::BAD_REQUEST, &error.to_string()),
                }
            }
            (&Method::DELETE, "/_sim/faults") => {
                self.faults.clear();
                json_reply(StatusCode::OK, &json!({"faults": 0}))
            }
            (&Method::POST, "/_sim/answers") => {
                match serde_json::from_slice::<AnswerRule>(request.body()) {
                    Ok(rule) => {
                        self.answers.add(rule.clone());
                        json_reply(StatusCode::OK, &rule)
                    }
                    Err(error) => control_error(StatusCode::BAD_REQUEST, &error.to_string()),
                }
            }
            (&Method::DELETE, "/_sim/answers") => {
                self.answers.clear();
                json_reply(StatusCode::OK, &json!({"answers": 0}))
            }
            (_, path) => match self.service.control(&request).await {
                Some(response) => response,
                None => control_error(
                    StatusCode::NOT_FOUND,
                    &format!("there is no control endpoint {} {path}", request.method()),
                ),
            },
        }
    }
}

/// An error of the control endpoints. They are our own, so all have one shape.
pub(crate) fn control_error(status: StatusCode, message: &str) -> Response {
    error_reply(status, "simulator", message)
}
