//! The next attempt knows what was paid for, even if the queue does not accept the report.

use super::stage::{Answer, World, chunk, handle, scoring};
use serde_json::json;
use shared::core::deadline::Deadline;
use shared::messages::{Message, ScoringTask, Tried};
use shared::ports::{HttpRequest, OutgoingMessage, QueueError, QueueName, WaitingMessage};
use shared::schema::leads;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An Airtable with a lead whose row never changes, as if another tool overwrote it each time; a
/// model that always answers in prose; and a queue that accepts everything except the outcomes of
/// calls and leads.
#[derive(Default)]
struct Unheard {
    calls: AtomicUsize,
    waiting: Mutex<Vec<String>>,
}

impl World for Unheard {
    fn answer<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let posts = json!([{"postUrl": "https://l/1", "postContent": "We moved twelve reports."}]);
        let answer = if request.uri().path().contains("generateContent") {
            self.calls.fetch_add(1, Ordering::Relaxed);
            json!({
                "candidates": [{"content": {"parts": [{"text": "I cannot rate this."}]},
                    "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 90, "candidatesTokenCount": 10,
                    "totalTokenCount": 100},
                "modelVersion": "gemini-3.5-flash-lite",
            })
        } else {
            json!({"records": [{"id": "rec00000000000001",
                "createdTime": "2026-11-23T10:00:00.000Z",
                "fields": {leads::PROFILE_URL: "https://www.linkedin.com/in/jane",
                    leads::POSTS_CONTENT: posts.to_string()}}]})
        };
        Box::pin(std::future::ready((200, answer)))
    }

    fn send(&self, queue: QueueName, messages: &[OutgoingMessage]) -> Result<(), QueueError> {
        let tells = |message: &OutgoingMessage| {
            [r#""type":"billed""#, r#""type":"settled""#].iter().any(|t| message.body().contains(t))
        };
        if messages.iter().any(tells) {
            return Err(QueueError::Unreachable { queue, reason: "simulated".to_owned() });
        }
        Ok(())
    }

    fn let_wait(&self, message: &WaitingMessage) -> Result<(), QueueError> {
        self.waiting.lock().unwrap().push(message.body().to_owned());
        Ok(())
    }
}

fn tried(task: &str) -> Tried {
    let ScoringTask::Chunk(chunk) = ScoringTask::decode(task).unwrap() else { panic!("{task}") };
    chunk.tried
}

#[tokio::test(start_paused = true)]
async fn a_lead_is_in_at_most_four_paid_calls_though_the_queue_takes_no_report_of_any() {
    let world = Arc::new(Unheard::default());
    let app = scoring(Arc::clone(&world), &[]);
    let lead = json!({"key": "PJ1ZEEW8iHY", "lead": {"record": "rec00000000000001"}});
    let mut task = chunk(&[], &[lead]).to_string();
    for _ in 0..8 {
        assert!(handle(&app, &task, Deadline::after(Duration::from_secs(150))).await);
        task = world.waiting.lock().unwrap().pop().expect("it waits for its next attempt");
        let calls = world.calls.load(Ordering::Relaxed);
        let Tried { paid, tokens, .. } = tried(&task);
        assert_eq!(tokens, 100 * calls as u64, "the next attempt knows what was used");
        assert_eq!(paid.values().copied().collect::<Vec<_>>(), [u32::try_from(calls).unwrap()]);
    }
    assert_eq!(world.calls.load(Ordering::Relaxed), 4);
}
