//! Compares the time of intake's handler, with a stubbed queue, with that of a handler that only
//! parses the event: `cargo bench -p webhook-intake --bench warm_webhook`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::core::clock::Clock;
use shared::ports::{NewDeadLetter, OutgoingMessage, Queue, QueueError, QueueName, WaitingMessage};
use std::future::Future;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use webhook_intake::{Config, Intake, handle};

const EVENT: &str = include_str!("../../../events/webhook-run-succeeded.json");
/// The token in the event.
const TOKEN: &str = "replace-with-your-webhook-token";
/// Webhooks in one measurement. The median of the measurements counts.
const WEBHOOKS: u32 = 2_000;
const MEASUREMENTS: usize = 21;
/// How many times as long as parsing alone the handler may take.
const BOUND: f64 = 2.0;

/// A queue that accepts everything.
struct Stub;

impl Queue for Stub {
    async fn send(&self, _: QueueName, messages: Vec<OutgoingMessage>) -> Result<(), QueueError> {
        black_box(messages);
        Ok(())
    }

    async fn let_wait(&self, _: WaitingMessage) -> Result<(), QueueError> {
        Ok(())
    }

    async fn dead_letter(&self, _: QueueName, _: NewDeadLetter) -> Result<(), QueueError> {
        Ok(())
    }

    async fn requeue(&self, _: QueueName, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::read(|name| (name == "WEBHOOK_TOKEN").then(|| TOKEN.to_owned()));
    let app = &Intake::new(config.expect("the token is there"), Stub, Clock::system());
    let (mut parsing, mut handling) = (Vec::new(), Vec::new());
    // They take turns, so that other work on the machine affects both.
    for _ in 0..MEASUREMENTS {
        parsing.push(measure(only_parse, StatusCode::OK).await);
        handling.push(measure(|request| handle(app, request), StatusCode::ACCEPTED).await);
    }
    let (parsing, handling) = (median(parsing), median(handling));
    let times = handling.as_secs_f64() / parsing.as_secs_f64();
    println!("one webhook, median of {MEASUREMENTS} times {WEBHOOKS}:");
    println!("only parsing the event  {:>6.1} us", micros(parsing));
    let verdict = if times <= BOUND { "kept" } else { "EXCEEDED" };
    println!(
        "intake, queue stubbed   {:>6.1} us  {times:.2}x (at most {BOUND}x: {verdict})",
        micros(handling)
    );
    if times <= BOUND { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A handler that does nothing with the event.
async fn only_parse(request: Request) -> Response<Body> {
    black_box(&request);
    Response::new(Body::Empty)
}

async fn measure<F: Future<Output = Response<Body>>>(
    handler: impl Fn(Request) -> F,
    expected: StatusCode,
) -> Duration {
    let begun = Instant::now();
    for _ in 0..WEBHOOKS {
        let request = lambda_http::request::from_str(black_box(EVENT)).expect("an event");
        let response = handler(request).await;
        assert_eq!(response.status(), expected);
        black_box(response);
    }
    begun.elapsed() / WEBHOOKS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
