//! Answers that replace a service's own answers, to simulate what a vendor says on a bad day.

use crate::reply::{Request, Response, json_reply};
use bytes::Bytes;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Which requests get which answer. The service does nothing for these requests. As the body of
/// `POST /_sim/answers`:
/// `{"status":403,"body":{"error":{…}},"kind":"upsert","holds":"Apify API Costs"}` or
/// `{"status":401,"body":{…},"path":"/Leads","seconds":10}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRule {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    #[serde(default)]
    pub body: Value,
    /// The body as a string, instead of the JSON body: a page of a proxy, for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only requests of this kind (a name that `GET /_sim/requests` lists). Without it, all kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only requests whose decoded path contains this string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests whose body contains this string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// How many requests get this answer. Without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    /// For how long requests get this answer, beginning with the first one. Without it, forever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Answers(Mutex<Vec<InForce>>);

#[derive(Debug)]
struct InForce {
    rule: AnswerRule,
    /// When it was first used.
    since: Option<Instant>,
}

impl Answers {
    /// Adds a rule. The first rule that matches a request applies.
    pub fn add(&self, rule: AnswerRule) {
        self.lock().push(InForce { rule, since: None });
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The answer to a request of `kind` that replaces the service's own, if a rule matches.
    pub(crate) fn draw(&self, kind: &str, request: &Request) -> Option<Response> {
        let mut rules = self.lock();
        if rules.is_empty() {
            return None;
        }
        rules.retain(|rule| !rule.is_over());
        let met = rules.iter_mut().find(|rule| rule.meets(kind, request))?;
        met.since.get_or_insert_with(Instant::now);
        if let Some(next) = &mut met.rule.next {
            *next -= 1;
        }
        let status = StatusCode::from_u16(met.rule.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut answer = json_reply(status, &met.rule.body);
        if let Some(text) = &met.rule.text {
            *answer.body_mut() = Bytes::from(text.clone());
        }
        Some(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<InForce>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InForce {
    fn is_over(&self) -> bool {
        let time = self.rule.seconds.map(Duration::from_secs);
        let is_late = time.zip(self.since).is_some_and(|(time, since)| since.elapsed() >= time);
        is_late || self.rule.next == Some(0)
    }

    fn meets(&self, kind: &str, request: &Request) -> bool {
        let AnswerRule { kind: of_kind, path, holds, .. } = &self.rule;
        let asked = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let body = String::from_utf8_lossy(request.body());
        of_kind.as_deref().is_none_or(|only| only == kind)
            && path.as_deref().is_none_or(|part| asked.contains(part))
            && holds.as_deref().is_none_or(|part| body.contains(part))
    }
}
