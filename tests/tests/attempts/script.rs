//! One attempt at a chunk of waiting leads, on paused time, with services that follow a script.
//! Records the order in which everything happened.

use super::stage::{self, Answer, World};
use serde_json::{Value, json};
use shared::core::deadline::Deadline;
use shared::ports::{HttpRequest, OutgoingMessage, QueueError, QueueName, WaitingMessage};
use shared::schema::leads;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const MODEL_TAKES: Duration = Duration::from_secs(5);

/// What the services and the queue do, unless they just work.
pub(crate) struct Script {
    pub(crate) leads: usize,
    pub(crate) calls_at_once: &'static str,
    pub(crate) token_share: Option<u64>,
    pub(crate) deadline: Duration,
    /// The number of the attempt at the chunk.
    pub(crate) attempt: u32,
    /// How many of the first leads are settled.
    pub(crate) settled: usize,
    /// Whether the leads come from a harvest.
    pub(crate) is_harvest: bool,
    /// The status that refuses the n-th call, from 0; `None` for an answer with scores.
    pub(crate) refusal: fn(usize) -> Option<u16>,
    /// How long the n-th call takes.
    pub(crate) takes: fn(usize) -> Duration,
    /// How long a write of rows takes.
    pub(crate) writing_takes: Duration,
    /// Whether somebody scores this row before it is read for the n-th time.
    pub(crate) is_changed: fn(usize, usize) -> bool,
    /// Most rows that one formula may name.
    pub(crate) most_named: usize,
    /// Airtable's error for a formula that names more.
    pub(crate) says: &'static str,
    /// The status that refuses the n-th request to write rows.
    pub(crate) unwritten: fn(usize) -> Option<u16>,
    /// Whether the queue refuses a fact, by its type and wave, at this time.
    pub(crate) is_deaf: fn(&str, Duration) -> bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            leads: 60,
            calls_at_once: "4",
            token_share: None,
            deadline: Duration::from_secs(150),
            attempt: 1,
            settled: 0,
            is_harvest: false,
            refusal: |_| None,
            takes: |_| MODEL_TAKES,
            writing_takes: Duration::ZERO,
            is_changed: |_, _| false,
            most_named: usize::MAX,
            says: "",
            unwritten: |_| None,
            is_deaf: |_, _| false,
        }
    }
}

/// The services and queues of a script.
struct Scripted {
    script: Script,
    begun: tokio::time::Instant,
    log: Mutex<Vec<String>>,
    counts: Mutex<[usize; 3]>,
    waiting: Mutex<Vec<String>>,
}

impl Scripted {
    fn say(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    /// The number of this request among those of its kind, from 0.
    fn number(&self, kind: usize) -> usize {
        let mut counts = self.counts.lock().unwrap();
        counts[kind] += 1;
        counts[kind] - 1
    }

    async fn ask_model(&self, body: &Value) -> Answer {
        let (number, script) = (self.number(0), &self.script);
        self.say("called".to_owned());
        tokio::time::sleep((script.takes)(number)).await;
        self.say("answered".to_owned());
        if let Some(status) = (script.refusal)(number) {
            return (status, json!({"error": {"code": status, "message": "No."}}));
        }
        let user = body["contents"][0]["parts"][0]["text"].as_str().unwrap();
        let asked: Value = serde_json::from_str(user).unwrap();
        let posts = asked["leads"].as_array().unwrap().iter().map(|lead| &lead["posts"][0]);
        let scores = posts.map(|post| {
            json!({"post_id": post["post_id"], "post_score": 50, "scoring_rationale": "Fits."})
        });
        let text = json!(scores.collect::<Vec<Value>>()).to_string();
        let usage =
            json!({"promptTokenCount": 900, "candidatesTokenCount": 100, "totalTokenCount": 1000});
        let content = json!({"content": {"parts": [{"text": text}]}, "finishReason": "STOP"});
        let model = "gemini-3.5-flash-lite";
        (200, json!({"candidates": [content], "usageMetadata": usage, "modelVersion": model}))
    }

    fn write(&self, body: &Value) -> Answer {
        let rows = body["records"].as_array().unwrap();
        if rows.iter().all(|row| row["fields"] == json!({})) {
            self.say("tried to write".to_owned());
        } else {
            self.say(format!("wrote {}", rows.len()));
        }
        match (self.script.unwritten)(self.number(1)) {
            Some(status) => (status, json!({"error": {"type": "SERVER_ERROR"}})),
            None => (200, json!({"records": rows})),
        }
    }

    fn read(&self, asked: &str) -> (u16, Value) {
        let Script { most_named, says, .. } = self.script;
        if asked.matches("RECORD_ID()").count() > most_named {
            self.say("refused".to_owned());
            let error = json!({"type": "INVALID_FILTER_BY_FORMULA", "message": says});
            return (422, json!({"error": error}));
        }
        let reads = self.number(2);
        self.say("read".to_owned());
        let row = |number: usize| {
            let posts = json!([{"postUrl": format!("https://l/{number}"), "postContent": "Twelve reports."}]);
            let mut fields = json!({leads::PROFILE_URL: format!("https://www.linkedin.com/in/p{number}"),
                leads::POSTS_CONTENT: posts.to_string()});
            if (self.script.is_changed)(number, reads) {
                fields[leads::POSTS_EVALUATION] = json!("[]");
            }
            json!({"id": record(number), "createdTime": "2026-11-23T10:00:00.000Z", "fields": fields})
        };
        let numbers = (0..self.script.leads).filter(|number| asked.contains(&record(*number)));
        (200, json!({"records": numbers.map(row).collect::<Vec<Value>>()}))
    }
}

impl World for Scripted {
    fn answer<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async {
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            if request.uri().path().contains("generateContent") {
                self.ask_model(&body).await
            } else if request.method() == http::Method::PATCH {
                let answer = self.write(&body);
                tokio::time::sleep(self.script.writing_takes).await;
                answer
            } else {
                self.read(&body.to_string())
            }
        })
    }

    fn send(&self, queue: QueueName, messages: &[OutgoingMessage]) -> Result<(), QueueError> {
        let facts: Vec<String> = messages.iter().map(|message| fact(message.body())).collect();
        if facts.iter().any(|fact| (self.script.is_deaf)(fact, self.begun.elapsed())) {
            return Err(QueueError::Unreachable { queue, reason: "simulated".to_owned() });
        }
        facts.into_iter().for_each(|fact| self.say(fact));
        Ok(())
    }

    fn let_wait(&self, message: &WaitingMessage) -> Result<(), QueueError> {
        self.waiting.lock().unwrap().push(message.body().to_owned());
        Ok(())
    }
}

/// A fact by its type and wave, such as `announced 0`.
fn fact(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    let fact = &body["fact"];
    let name = fact["type"].as_str().unwrap_or("message");
    fact["wave"].as_u64().map_or_else(|| name.to_owned(), |wave| format!("{name} {wave}"))
}

fn record(number: usize) -> String {
    format!("rec{number:014}")
}

fn chunk(script: &Script) -> String {
    let key = |number| format!("{number:011}");
    let lead = |number| json!({"key": key(number), "lead": {"record": record(number)}});
    let leads: Vec<Value> = (0..script.leads).map(lead).collect();
    let mut chunk = stage::chunk(&[leads::POSTS_EVALUATION, leads::DATE_POSTS_SCORED], &leads);
    if script.attempt > 1 {
        chunk["attempt"] = json!(script.attempt);
        chunk["task_id"] = json!("task");
    }
    if script.settled > 0 {
        let settled: Vec<String> = (0..script.settled).map(key).collect();
        chunk["tried"] = json!({"settled": settled});
    }
    if script.is_harvest {
        let harvest =
            json!({"apify_run": "HG7ML7M8z78YcAPEB", "finished_at": "2026-11-23T09:59:00Z"});
        chunk["source"] = json!({"harvest": harvest});
    }
    if let Some(share) = script.token_share {
        chunk["token_share"] = json!(share);
    }
    chunk.to_string()
}

/// The result of an attempt.
pub(crate) struct Played {
    /// Everything that happened, in order.
    pub(crate) log: Vec<String>,
    /// The task as it waits for its next attempt, if it waits.
    pub(crate) waits: Option<Value>,
    /// How long the attempt took.
    pub(crate) took: Duration,
}

/// Plays an attempt. After `stops_after`, the process is asked to stop.
pub(crate) async fn play_and_stop(script: Script, stops_after: Option<Duration>) -> Played {
    let deadline = Deadline::after(script.deadline);
    let task = chunk(&script);
    let variables = [("CALLS_AT_ONCE", script.calls_at_once)];
    let begun = tokio::time::Instant::now();
    let (log, counts, waiting) = (Mutex::default(), Mutex::default(), Mutex::default());
    let world = Arc::new(Scripted { script, begun, log, counts, waiting });
    let app = stage::scoring(Arc::clone(&world), &variables);
    let stop = async {
        if let Some(after) = stops_after {
            tokio::time::sleep(after).await;
            app.stop();
        }
    };
    let (is_done, ()) = tokio::join!(stage::handle(&app, &task, deadline), stop);
    assert!(is_done);
    let waits = world.waiting.lock().unwrap().pop();
    let log = world.log.lock().unwrap().clone();
    let waits = waits.map(|body| serde_json::from_str(&body).unwrap());
    Played { log, waits, took: begun.elapsed() }
}

/// Plays an attempt to its end.
pub(crate) async fn play(script: Script) -> Played {
    play_and_stop(script, None).await
}

impl Played {
    /// The position in the log of something that happened once.
    pub(crate) fn at(&self, what: &str) -> usize {
        let found = self.log.iter().position(|said| said == what);
        found.unwrap_or_else(|| panic!("no {what:?} in {:#?}", self.log))
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.log.iter().filter(|said| said.starts_with(what)).count()
    }

    /// Most calls in flight at the same time, from this position in the log.
    pub(crate) fn most_calls(&self, from: usize) -> usize {
        let (mut open, mut most) = (0_usize, 0);
        for (at, said) in self.log.iter().enumerate() {
            match said.as_str() {
                "called" => open += 1,
                "answered" => open -= 1,
                _ => {}
            }
            if at >= from {
                most = most.max(open);
            }
        }
        most
    }

    /// Most waves at the same time that were announced and not settled.
    pub(crate) fn most_waves(&self) -> usize {
        let (mut open, mut most) = (BTreeSet::new(), 0);
        for said in &self.log {
            match said.split_once(' ') {
                Some(("announced", wave)) => drop(open.insert(wave)),
                Some(("settled", wave)) => drop(open.remove(wave)),
                _ => {}
            }
            most = most.max(open.len());
        }
        most
    }

    /// The reason why the task waits.
    #[track_caller]
    pub(crate) fn reason(&self) -> String {
        let waits = self.waits.as_ref().expect("it waits for another attempt");
        waits["last_reason"].as_str().unwrap_or_default().to_owned()
    }
}
