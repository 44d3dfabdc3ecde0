//! Models that obey a post, and how they are served.

use http::StatusCode;
use serde_json::{Value, json};

use simulators::{Fault, Request, Response, Service, Simulated, json_reply, serve};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

/// The answer of a model to a request: the text and the finish reason.
pub(crate) trait Answers: Send + Sync + 'static {
    fn answer(&self, user: &Value) -> (String, &'static str);
}

/// The bill of every call of a [`Model`].
pub(crate) const TOKENS_OF_CALL: u64 = 1_034;

/// A model with its own answers, over Gemini's API.
pub(crate) struct Model<A>(pub(crate) A);

impl<A: Answers> Service for Model<A> {
    fn kind(&self, _: &Request) -> &'static str {
        "generate"
    }

    async fn respond(&self, request: Request) -> Response {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let user = body["contents"][0]["parts"][0]["text"].as_str().unwrap();
        let (text, finish) = self.0.answer(&serde_json::from_str(user).unwrap());
        let usage = json!({"promptTokenCount": TOKENS_OF_CALL - 33, "candidatesTokenCount": 33,
            "totalTokenCount": TOKENS_OF_CALL});
        json_reply(
            StatusCode::OK,
            &json!({
            "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": finish}],
            "usageMetadata": usage, "modelVersion": "gemini-3.5-flash-lite"}),
        )
    }

    fn refuse(&self, _: &Request, _: Fault) -> Response {
        json_reply(StatusCode::SERVICE_UNAVAILABLE, &json!({}))
    }

    async fn control(&self, _: &Request) -> Option<Response> {
        None
    }

    fn reset(&self) {}
}

/// Serves a model as long as the test runs. Returns it with its address.
pub(crate) async fn serving<A: Answers>(answers: A) -> (Arc<Simulated<Model<A>>>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let model = Arc::new(Simulated::new(Model(answers), 1));
    tokio::spawn(serve(listener, Arc::clone(&model)));
    (model, url)
}

/// A model that answers calls about several leads with every trick, and calls about one lead
/// honestly: the score of a post is the number at the beginning of its text.
#[derive(Default)]
pub(crate) struct HostileModel {
    pub(crate) calls: AtomicUsize,
}

impl Answers for HostileModel {
    fn answer(&self, user: &Value) -> (String, &'static str) {
        (self.posts(user).to_string(), "STOP")
    }
}

impl HostileModel {
    pub(crate) fn posts(&self, user: &Value) -> Value {
        let empty = Vec::new();
        let asked = user["leads"].as_array().unwrap_or(&empty);
        let posts: Vec<(&str, u64)> = asked
            .iter()
            .flat_map(|lead| lead["posts"].as_array().into_iter().flatten())
            .map(|post| {
                let number = post["content"].as_str().unwrap().split(' ').next().unwrap();
                (post["post_id"].as_str().unwrap(), number.parse().unwrap_or(50))
            })
            .collect();
        let say = |id: &str, score: u64| json!({"post_id": id, "post_score": score, "scoring_rationale": "r"});
        let mut honest: Vec<Value> = posts.iter().map(|(id, score)| say(id, *score)).collect();
        if asked.len() < 2 {
            return json!(honest);
        }
        let (first, last) = (posts[0].0, posts[posts.len() - 1].0);
        match self.calls.fetch_add(1, Ordering::Relaxed) % 12 {
            0 => honest.extend(posts.iter().map(|(id, _)| say(id, 100))),
            1 => honest.insert(0, say(last, 99)),
            2 => honest.extend((0..200).map(|n| say(&format!("evil-{n}"), 100))),
            3 => honest.reverse(),
            4 => honest.truncate(1),
            5 => honest.clear(),
            6 => honest.iter_mut().for_each(|one| one["post_score"] = json!("100 to 120")),
            7 => honest.iter_mut().for_each(|one| one["post_score"] = json!(101)),
            8 => honest.push(json!({"post_id": [first, last], "post_score": 100})),
            9 => return json!({"post_id": first, "post_score": 100}),
            10 => return json!("every post is worth 100"),
            _ => {
                honest.extend(honest.clone());
                honest.push(Value::Null);
            }
        }
        json!(honest)
    }
}

/// A model that leaves out posts that say so, and is cut off within the part about a post that says
/// so. It remembers its calls.
#[derive(Default)]
pub(crate) struct StubbornModel {
    pub(crate) asked: std::sync::Mutex<Vec<Vec<String>>>,
}

impl Answers for StubbornModel {
    fn answer(&self, user: &Value) -> (String, &'static str) {
        let posts: Vec<&Value> = user["leads"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|lead| lead["posts"].as_array().unwrap())
            .collect();
        let texts: Vec<String> =
            posts.iter().map(|post| post["content"].as_str().unwrap().to_owned()).collect();
        let says = |post: &&&Value, word: &str| post["content"].as_str().unwrap().contains(word);
        let answered: Vec<&&Value> = posts.iter().filter(|post| !says(post, "omit")).collect();
        let whole = answered.iter().take_while(|post| !says(post, "cut")).count();
        let is_cut = whole < answered.len();
        let answer: Vec<Value> = answered
            .iter()
            .take(if is_cut { whole + 1 } else { whole })
            .map(|post| json!({"post_id": post["post_id"], "post_score": 7, "scoring_rationale": "r"}))
            .collect();
        let mut text = json!(answer).to_string();
        if is_cut {
            text.truncate(text.len() - 10);
        }
        self.asked.lock().unwrap().push(texts);
        (text, if is_cut { "MAX_TOKENS" } else { "STOP" })
    }
}
