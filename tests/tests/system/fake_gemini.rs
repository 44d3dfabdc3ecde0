//! A Gemini that answers as a case says: with the odd payloads of public bug reports.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use simulators::{Fault, Request, Response, Service, json_reply};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A case from its file.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Case {
    /// The public report from which it comes.
    pub(crate) source: String,
    /// The functions' variables.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// How many leads there are, with one post each.
    pub(crate) leads: usize,
    /// The text of a lead's post, by the lead's number.
    #[serde(default)]
    pub(crate) contents: BTreeMap<usize, String>,
    /// The price in billionths of a dollar: per prompt token, cached token and output token.
    #[serde(default = "flash_lite")]
    pub(crate) price: [u64; 3],
    /// The answers to the calls. The last one is repeated forever.
    pub(crate) steps: Vec<Step>,
    /// What happens after the first run.
    pub(crate) then: Option<String>,
}

fn flash_lite() -> [u64; 3] {
    [300, 30, 2_500]
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Step {
    status: Option<u16>,
    /// The body. `@@TEXT@@` is the text as JSON, `@@TAIL@@` the same without its first character,
    /// `@@MAXOUT@@` the limit of the answer.
    raw: Option<String>,
    /// The text. `@@ARRAY@@` is the right answer, `@@ITEM0@@` its first element, `@@LOUD@@` the
    /// answer with ids in capitals, `@@BY_ID@@` the scores by id.
    text: Option<String>,
    /// Replacements in the text.
    rewrite: Vec<[String; 2]>,
    delay: u64,
    bill: Option<Map<String, Value>>,
    if_text: Option<String>,
    if_posts_over: Option<usize>,
    if_maxout_below: Option<u64>,
}

impl Step {
    fn is_conditional(&self) -> bool {
        self.if_text.is_some() || self.if_posts_over.is_some() || self.if_maxout_below.is_some()
    }

    fn is_meant(&self, user: &str, posts: usize, most_output: u64) -> bool {
        self.if_text.as_ref().is_some_and(|text| user.contains(text))
            || self.if_posts_over.is_some_and(|most| posts > most)
            || self.if_maxout_below.is_some_and(|least| most_output < least)
    }
}

/// One call, as the model saw it.
#[derive(Debug, Clone)]
pub(crate) struct SeenCall {
    pub(crate) user: String,
    /// The bill: prompt, cached, output, total. `None` for a refusal.
    pub(crate) bill: Option<[u64; 4]>,
}

pub(crate) struct FakeGemini {
    steps: Mutex<Vec<Step>>,
    seen: Mutex<Vec<SeenCall>>,
}

const OK: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":@@TEXT@@}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100},"modelVersion":"gemini-3.5-flash-lite"}"#;

impl FakeGemini {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        Self { steps: Mutex::new(steps), seen: Mutex::default() }
    }

    /// Changes the answers from now on.
    pub(crate) fn answer(&self, steps: Vec<Step>) {
        *lock(&self.steps) = steps;
    }

    pub(crate) fn seen(&self) -> Vec<SeenCall> {
        lock(&self.seen).clone()
    }

    fn step(&self, user: &str, posts: usize, most_output: u64) -> Step {
        let steps = lock(&self.steps);
        if let Some(step) = steps.iter().find(|step| step.is_meant(user, posts, most_output)) {
            return step.clone();
        }
        let plain: Vec<&Step> = steps.iter().filter(|step| !step.is_conditional()).collect();
        let at = lock(&self.seen).len().min(plain.len().saturating_sub(1));
        plain.get(at).map_or_else(Step::default, |step| (*step).clone())
    }
}

/// An element of the answer with its id in capitals and a space.
fn loud(item: &Value) -> Value {
    let mut item = item.clone();
    item["post_id"] = json!(format!(" {}", item["post_id"].as_str().unwrap().to_uppercase()));
    item
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service for FakeGemini {
    fn kind(&self, _: &Request) -> &'static str {
        "generate"
    }

    async fn respond(&self, request: Request) -> Response {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let user = body["contents"][0]["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
        let asked: Value = serde_json::from_str(&user).unwrap_or_default();
        let posts = asked["leads"].as_array().into_iter().flatten();
        let posts = posts.flat_map(|lead| lead["posts"].as_array().into_iter().flatten());
        let items: Vec<Value> = posts
            .zip(60..)
            .map(|(post, score)| {
                json!({"post_id": post["post_id"], "post_score": score,
                    "scoring_rationale": "Fits the rubric."})
            })
            .collect();
        let most_output = body["generationConfig"]["maxOutputTokens"].as_u64().unwrap_or_default();
        let step = self.step(&user, items.len(), most_output);
        let status = step.status.unwrap_or(200);
        let first = items.first().map_or_else(String::new, Value::to_string);
        let text = step.text.as_deref().unwrap_or("@@ARRAY@@");
        let text = text.replace("@@ARRAY@@", &json!(items).to_string());
        let loud: Vec<Value> = items.iter().map(loud).collect();
        let text = text.replace("@@LOUD@@", &json!(loud).to_string());
        let by_id =
            items.iter().map(|item| (item["post_id"].as_str().unwrap(), &item["post_score"]));
        let by_id: BTreeMap<&str, &Value> = by_id.collect();
        let text = text.replace("@@BY_ID@@", &json!(by_id).to_string());
        let text = text.replace("@@ITEM0@@", &first);
        let text = step.rewrite.iter().fold(text, |text, [from, to]| text.replace(from, to));
        let tail = json!(text.get(1..).unwrap_or_default()).to_string();
        let text = json!(text).to_string();
        let raw = step.raw.as_deref().unwrap_or(OK).replace("@@TEXT@@", &text);
        let raw = raw.replace("@@TAIL@@", &tail);
        let raw = raw.replace("@@MAXOUT@@", &most_output.to_string());
        let bill = match &step.bill {
            Some(bill) if bill.is_empty() => None,
            Some(bill) => Some(
                ["in", "cached", "out", "total"]
                    .map(|name| bill.get(name).and_then(Value::as_u64).unwrap_or_default()),
            ),
            None => (status == 200).then_some([1_000, 0, 100, 1_100]),
        };
        lock(&self.seen).push(SeenCall { user, bill });
        tokio::time::sleep(Duration::from_secs(step.delay)).await;
        let mut response = Response::new(Bytes::from(raw));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    fn refuse(&self, _: &Request, _: Fault) -> Response {
        json_reply(StatusCode::SERVICE_UNAVAILABLE, &json!({}))
    }

    async fn control(&self, _: &Request) -> Option<Response> {
        None
    }

    fn reset(&self) {}
}
