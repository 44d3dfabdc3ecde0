//! An Airtable whose rows are made when they are read, and queues that count their messages.

use super::stage::{Answer, World};

use serde_json::{Value, json};
use shared::messages::{Fact, LeadRef, Message, MetricsMessage, ScoringTask};
use shared::ports::{HttpRequest, OutgoingMessage, QueueError, QueueName, WaitingMessage};
use shared::schema::{clients, leads, post_attributes, post_instructions};
use std::collections::BTreeSet;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

pub(crate) const PAGE: usize = 100;

/// An Airtable whose rows are made when they are read, and queues that count their messages.
pub(crate) struct Endless {
    pub(crate) leads: usize,
    pub(crate) requests: AtomicUsize,
    /// The row at which it loses its place in the listing, once.
    pub(crate) loses_at: Mutex<Option<usize>>,
    /// Rows of which at most 25 are answered in time.
    pub(crate) heavy: Range<usize>,
    /// Whether the first row is unreadable.
    pub(crate) is_damaged: bool,
    /// Whether the client has a token limit.
    pub(crate) is_limited: bool,
    pub(crate) counted: Mutex<Counted>,
}

impl Endless {
    pub(crate) fn with(leads: usize) -> Self {
        let (requests, loses_at, counted, heavy) = Default::default();
        let (is_damaged, is_limited) = (false, true);
        Self { leads, requests, loses_at, heavy, is_damaged, is_limited, counted }
    }

    pub(crate) fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap()
    }

    pub(crate) fn read(&self, request: &HttpRequest) -> Answer {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let offset = body["offset"].as_str().and_then(|text| text.parse::<usize>().ok());
        let mut loses_at = self.loses_at.lock().unwrap();
        if offset.is_some() && offset == *loses_at {
            *loses_at = None;
            return (422, json!({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}));
        }
        if self.heavy.contains(&offset.unwrap_or(0)) && body["pageSize"].as_u64() > Some(25) {
            return (503, json!({"error": {"type": "RETRIABLE_ERROR"}}));
        }
        let mut answer = answer(request.uri().path(), &body, self.leads);
        let cells = answer.pointer_mut("/records/0/fields").and_then(Value::as_object_mut);
        if let Some(cells) = cells.filter(|_| !self.is_limited) {
            cells.remove(clients::POST_TOKEN_LIMIT);
        }
        let id = &answer["records"][0]["id"];
        if self.is_damaged && offset.is_none() && body["view"] == leads::WAITING_VIEW {
            answer["records"][0] = json!({"id": id, "fields": ["no", "object"]});
        }
        (200, answer)
    }
}

pub(crate) fn answer(path: &str, body: &Value, leads_in_all: usize) -> Value {
    if path.starts_with("/v0/meta/") {
        let fields = leads::POST_FIELDS.iter().map(|field| {
            let airtable = match field.field_type.in_words() {
                "number" => "number",
                "date with time" => "dateTime",
                "single select" => "singleSelect",
                _ => "multilineText",
            };
            json!({"name": field.name, "type": airtable})
        });
        return json!({"tables": [{"name": leads::TABLE, "fields": fields.collect::<Vec<_>>()}]});
    }
    let row = |n: usize, fields: Value| json!({"id": format!("rec{n:014}"), "createdTime": "2026-11-23T10:00:00.000Z", "fields": fields});
    let name = |table: &str| path.contains(&table.replace(' ', "%20"));
    if name(leads::TABLE) {
        assert_eq!(body["view"], leads::WAITING_VIEW);
        let offset: usize = body["offset"].as_str().map_or(0, |text| text.parse().unwrap());
        let size = body["pageSize"].as_u64().and_then(|size| usize::try_from(size).ok());
        let until = offset + size.unwrap_or(PAGE);
        let rows = (offset..leads_in_all.min(until)).map(|n| row(n, lead(n)));
        let mut page = json!({"records": rows.collect::<Vec<_>>()});
        if until < leads_in_all {
            page["offset"] = json!(until.to_string());
        }
        return page;
    }
    let fields = if name(clients::TABLE) && !name("Client Run Results") {
        json!({clients::CLIENT_ID: "Guy-Wilson", clients::STATUS: clients::ACTIVE,
            clients::BASE_ID: "appClient00000001", clients::SERVICE_LEVEL: "2",
            clients::POST_TOKEN_LIMIT: 10_000_000})
    } else if name(post_instructions::TABLE) {
        json!({post_instructions::TEXT: "Judge. ".repeat(1_500)})
    } else if name(post_attributes::TABLE) {
        json!({post_attributes::ID: "A", post_attributes::CATEGORY: post_attributes::POSITIVE})
    } else {
        return json!({"records": []});
    };
    json!({"records": [row(0, fields)]})
}

/// A row with ten posts.
pub(crate) fn lead(n: usize) -> Value {
    let posts: Vec<Value> = (0..10)
        .map(|post| {
            json!({"postUrl": format!("https://www.linkedin.com/posts/{n}-{post}"),
                "postContent": "words ".repeat(150)})
        })
        .collect();
    json!({leads::PROFILE_URL: format!("https://www.linkedin.com/in/lead-{n}"),
        leads::POSTS_CONTENT: json!(posts).to_string()})
}

/// Counts of queued messages, without the messages.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) records: BTreeSet<String>,
    pub(crate) planned: BTreeSet<String>,
    pub(crate) share: u64,
    /// Leads in chunks. A lead in two chunks counts twice.
    pub(crate) in_chunks: usize,
    /// The lane of each chunk, and its number of leads.
    pub(crate) chunks: Vec<(String, usize)>,
    /// Whether the closing plan was reported.
    pub(crate) closed: bool,
    /// How many sends succeed before one fails, once.
    pub(crate) fails_after: Option<usize>,
    /// The rest of the planning, for the next invocation.
    pub(crate) rest: Option<String>,
    /// The task of the failed attempt, as the next attempt must get it.
    pub(crate) failed: Option<String>,
    /// Number of reported facts.
    pub(crate) reported: usize,
}

impl World for Endless {
    fn answer<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(std::future::ready(self.read(request)))
    }

    fn send(&self, queue: QueueName, messages: &[OutgoingMessage]) -> Result<(), QueueError> {
        let counted = &mut *self.counted();
        match counted.fails_after {
            Some(0) => {
                counted.fails_after = None;
                let reason = "a broken connection".to_owned();
                return Err(QueueError::Unreachable { queue, reason });
            }
            Some(left) => counted.fails_after = Some(left - 1),
            None => {}
        }
        // A queue may accept any messages of one batch, for example a plan without its chunks.
        let plans = messages.iter().filter(|m| m.body().contains(r#""type":"planned""#)).count();
        assert!(plans == 0 || plans == messages.len(), "a plan is told after all else");
        for message in messages {
            match queue {
                QueueName::Scoring => counted.add_task(message),
                QueueName::Metrics => counted.add_event(message.body()),
                QueueName::Retry => panic!("{}", message.body()),
            }
        }
        Ok(())
    }

    /// A task that fails keeps its place, so that the test sees it.
    fn let_wait(&self, message: &WaitingMessage) -> Result<(), QueueError> {
        self.counted().failed = Some(message.body().to_owned());
        let reason = format!("{:?}", message.delay());
        Err(QueueError::Unreachable { queue: QueueName::Retry, reason })
    }
}

impl Counted {
    pub(crate) fn add_task(&mut self, message: &OutgoingMessage) {
        match ScoringTask::decode(message.body()).unwrap() {
            ScoringTask::Chunk(chunk) => {
                self.share += chunk.token_share.unwrap_or_default();
                self.in_chunks += chunk.leads.len();
                self.chunks.push((message.group().to_owned(), chunk.leads.len()));
                self.records.extend(chunk.leads.into_iter().map(|lead| match lead.lead {
                    LeadRef::Record(record) => record.to_string(),
                    LeadRef::Profile(profile) => panic!("{profile:?}"),
                }));
            }
            ScoringTask::ScoreWaiting(_) => self.rest = Some(message.body().to_owned()),
            ScoringTask::Ingest(task) => panic!("{task:?}"),
            ScoringTask::Replay(task) => panic!("{task:?}"),
        }
    }

    pub(crate) fn add_event(&mut self, body: &str) {
        self.reported += 1;
        let MetricsMessage::Event(event) = MetricsMessage::decode(body).unwrap() else {
            panic!("a tick")
        };
        self.closed = false;
        if let Fact::PlannedChunk(chunk) = &event.fact {
            self.planned.extend(chunk.leads.iter().map(|lead| lead.lead.to_string()));
        }
        if let Fact::Planned(planned) = &event.fact {
            self.closed = planned.part_of.is_none();
        }
    }
}
