//! Wires the metrics finalizer. Every decision is made in the library and in `shared`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use metrics_finalizer::{Config, Finalizer, handle};
use shared::adapters::aws::Aws;
use shared::adapters::dynamodb::DynamoEventLog;
use shared::adapters::http::HttpTransport;
use shared::adapters::sqs::{QueueUrls, SqsQueue};
use shared::airtable::{Limiters, Rate};
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
    let metrics = QueueUrls::received_from(&vars, QueueName::Metrics)?;
    let scoring = QueueUrls::sent_to(&vars, QueueName::Scoring)?;
    let table = vars.required("EVENT_LOG_TABLE", "the name of the event log's table")?;
    let http = HttpTransport::new()?;
    let aws = Aws::read(&vars, &http)?;
    let queues = [(QueueName::Metrics, metrics), (QueueName::Scoring, scoring)].into();
    let queue = SqsQueue::new(aws.sqs(), queues);
    let log = DynamoEventLog::new(aws.dynamodb(), table);
    let limiters = Arc::new(Limiters::of_one_process(Rate::FINALIZER));
    let app = &Finalizer::new(config, Arc::new(http), limiters, queue, log, Clock::system());
    run(service_fn(async |event: LambdaEvent<_>| {
        let left = event.context.deadline().duration_since(SystemTime::now());
        let deadline = Deadline::after(left.unwrap_or_default());
        Ok::<_, Error>(handle(app, event.payload, deadline).await)
    }))
    .await
}
