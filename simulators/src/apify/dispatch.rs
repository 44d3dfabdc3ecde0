//! One delivery of a webhook, from the event to the last retry.

use super::hook::Hook;
use super::run::{Run, USER_ID};
use super::webhook::{EventType, Webhook};
use crate::moments::{after, iso};
use crate::{Request, invent};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// How often a failed delivery is retried.
const RETRIES: usize = 11;
/// The wait before the first retry.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// The status of a dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DispatchStatus {
    /// Not delivered yet; another call will be made.
    Active,
    /// The receiver answered with a 2xx.
    Succeeded,
    /// All retries were used up, or retries are off.
    Failed,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// When the request was sent.
    pub started_at: Timestamp,
    /// When the answer came, or the wait for it ended.
    pub finished_at: Timestamp,
    /// The status of the answer; `None` if there was no answer.
    pub response_status: Option<u16>,
}

/// One event for one webhook. All its calls have the same id and the same body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    pub(super) number: u64,
    /// Its id, which the receiver finds in `X-Apify-Webhook-Dispatch-Id`.
    pub id: String,
    /// What happened.
    pub event_type: EventType,
    /// The webhook that it goes to. A webhook of a single run has an id, too.
    #[serde(default)]
    pub(super) webhook_id: String,
    /// Which runs the webhook is about; null for a webhook of a single run.
    #[serde(default)]
    condition: Value,
    /// The ids in the payload.
    #[serde(default)]
    event_data: Value,
    /// The run of the event. A test may have none.
    pub run_id: Option<String>,
    /// When the event was noticed.
    pub created_at: Timestamp,
    /// Its status.
    pub status: DispatchStatus,
    /// The receiver's URL.
    pub request_url: String,
    /// The headers of the webhook's template.
    pub headers: Vec<(String, String)>,
    /// The body, built when the event happened.
    pub body: String,
    /// Whether it ends after one failed call.
    pub do_not_retry: bool,
    /// The calls made so far.
    pub calls: Vec<Call>,
    /// When the next call is due; `None` if there is none.
    pub next_call_at: Option<Timestamp>,
}

pub(super) struct Event<'a> {
    pub(super) kind: EventType,
    /// The run, and its current view in the API.
    pub(super) run: Option<(&'a Run, Value)>,
    /// The persistent webhook, if it goes to one.
    pub(super) hook: Option<&'a Hook>,
}

impl Dispatch {
    pub(super) fn new(
        event: Event<'_>,
        webhook: &Webhook,
        number: u64,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let run_id = event.run.as_ref().map(|(run, _)| run.id.clone());
        let variables = variables(event.kind, event.run, now);
        let ad_hoc = || invent::id(&["webhook", &webhook.0.request_url], 17);
        Self {
            webhook_id: event.hook.map_or_else(ad_hoc, |hook| hook.id.clone()),
            condition: json!(event.hook.map(|hook| &hook.condition)),
            event_data: variables["eventData"].clone(),
            number,
            id: invent::id(&["dispatch", &seed.to_string(), &number.to_string()], 17),
            event_type: event.kind,
            run_id,
            created_at: now,
            status: DispatchStatus::Active,
            request_url: webhook.0.request_url.clone(),
            headers: webhook.headers(&variables),
            body: webhook.body(&variables),
            do_not_retry: webhook.0.do_not_retry,
            calls: Vec::new(),
            next_call_at: Some(now),
        }
    }

    /// The request of every call. Headers that Apify sets override the template.
    pub(super) fn request(&self) -> Request {
        let mut request = http::Request::new(Bytes::from(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.request_url.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static("Apify/simulated"));
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        headers.remove(http::header::HOST);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-apify-webhook", HeaderValue::from_static("yo"));
        headers.insert("x-apify-request-origin", HeaderValue::from_static("WEBHOOK"));
        if let Ok(id) = HeaderValue::try_from(&self.id) {
            headers.insert("x-apify-webhook-dispatch-id", id);
        }
        request
    }

    /// Notes a call and decides what comes next. Each wait is twice as long as the previous one.
    pub(super) fn called(
        &mut self,
        started_at: Timestamp,
        status: Option<StatusCode>,
        now: Timestamp,
    ) {
        let response_status = status.map(|status| status.as_u16());
        let retries = self.calls.len();
        self.calls.push(Call { started_at, finished_at: now, response_status });
        if status.is_some_and(|status| status.is_success()) {
            self.status = DispatchStatus::Succeeded;
            self.next_call_at = None;
        } else if self.do_not_retry || retries >= RETRIES {
            self.status = DispatchStatus::Failed;
            self.next_call_at = None;
        } else {
            self.next_call_at = Some(after(now, FIRST_WAIT.saturating_mul(1 << retries)));
        }
    }

    /// The id of the webhook that it goes to.
    pub(super) fn webhook_id(&self) -> &str {
        &self.webhook_id
    }

    /// The record as `GET /v2/webhook-dispatches/{id}` shows it.
    pub(super) fn view(&self) -> Value {
        let calls: Vec<Value> = self.calls.iter().map(call_view).collect();
        json!({
            "id": self.id,
            "userId": USER_ID,
            "createdAt": iso(self.created_at),
            "status": self.status,
            "eventType": self.event_type,
            "webhookId": self.webhook_id,
            "eventData": self.event_data,
            "webhook": {
                "actionType": "HTTP_REQUEST",
                "requestUrl": self.request_url,
                "condition": self.condition,
                "isAdHoc": self.condition.is_null(),
            },
            "calls": calls,
        })
    }
}

fn call_view(call: &Call) -> Value {
    json!({
        "startedAt": iso(call.started_at),
        "finishedAt": iso(call.finished_at),
        "responseStatus": call.response_status,
    })
}

fn variables(event: EventType, run: Option<(&Run, Value)>, now: Timestamp) -> Value {
    let event_data = run.as_ref().filter(|_| event != EventType::Test).map(|(run, _)| {
        let mut data = json!({"actorId": run.actor_id, "actorRunId": run.id});
        if let Some(task) = &run.actor_task_id {
            data["actorTaskId"] = task.as_str().into();
        }
        data
    });
    let dummy = || json!({"joke": "Why did the crawler cross the road? To fetch the other side."});
    json!({
        "userId": USER_ID,
        "createdAt": iso(now),
        "eventType": event,
        "eventData": event_data,
        "resource": run.map_or_else(dummy, |(_, view)| view),
        "globals": {"dateISO": iso(now), "dateUnix": now.as_second()},
    })
}
