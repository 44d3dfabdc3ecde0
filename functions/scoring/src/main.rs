//! Wires the scoring function. Every decision is made in the library and in `shared`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use scoring::{Config, Limits, Scoring, handle};
use shared::adapters::aws::Aws;
use shared::adapters::http::HttpTransport;
use shared::adapters::sqs::{QueueUrls, SqsQueue};
use shared::clock::Clock;
use shared::config::Vars;
use shared::deadline::Deadline;
use shared::seams::QueueName;
use std::sync::Arc;
use std::time::SystemTime;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "the environment and the time enter here")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let variable = |name| std::env::var(name).ok();
    let config = Config::read(variable)?;
    let vars = Vars::new(variable);
    let scoring = QueueUrls::received_from(&vars, QueueName::Scoring)?;
    let metrics = QueueUrls::sent_to(&vars, QueueName::Metrics)?;
    let http = HttpTransport::new()?;
    let aws = Aws::read(&vars, &http)?;
    let queues = [(QueueName::Scoring, scoring), (QueueName::Metrics, metrics)].into();
    let transport = Arc::new(http);
    let limits = Limits::of_one_process(config.lanes);
    let rng = fastrand::Rng::new();
    let queue = SqsQueue::new(aws.sqs(), queues);
    let app = &Scoring::new(config, transport, limits, queue, Clock::system(), rng);
    run(service_fn(async |event: LambdaEvent<_>| {
        let left = event.context.deadline().duration_since(SystemTime::now());
        let deadline = Deadline::after(left.unwrap_or_default());
        Ok::<_, Error>(handle(app, event.payload, deadline).await)
    }))
    .await
}
