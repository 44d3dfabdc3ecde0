//! Wires the metrics finalizer. Every decision is made in the library and in `shared`.

use lambda_runtime::{Context, Error, LambdaEvent, run, service_fn};
use metrics_finalizer::{
    Adapters, Config, Finalizer, event_log_retention, event_log_table, handle, queue_urls,
};
use shared::adapters::aws::OnAws;
use shared::adapters::aws::dynamodb::DynamoEventLog;
use shared::adapters::aws::lambda::Aws;
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
use shared::core::clock::Clock;
use shared::core::deadline::Deadline;
use shared::services::airtable::{Limiters, Rate};
use std::sync::Arc;
use std::time::SystemTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = &Box::pin(start())
        .await
        .inspect_err(|error| tracing::error!(%error, "the function does not start"))?;
    let ended = Box::pin(run(service_fn(async |event: LambdaEvent<_>| {
        let deadline = deadline(&event.context);
        Ok::<_, Error>(handle(app, event.payload, deadline).await)
    })))
    .await;
    // Whoever runs the function ends it while it asks for more work, which is no failure of ours.
    ended.or_else(|error| {
        tracing::info!(%error, "the function ends");
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "the time enters here")]
fn deadline(context: &Context) -> Deadline {
    Deadline::after(context.deadline().duration_since(SystemTime::now()).unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here")]
async fn start() -> Result<Finalizer<OnAws>, Error> {
    let environment = |name| std::env::var(name).ok();
    let vars = Vars::new(environment);
    shared::telemetry::logs::init("metrics-finalizer", &vars);
    let http = HttpTransport::new()?;
    let aws = Aws::read(&vars, &http)?;
    let variable = aws.with_secret(environment, &Clock::system()).await?;
    let config = Config::read(&variable)?;
    let vars = Vars::new(&variable);
    let queue = SqsQueue::new(aws.sqs(), queue_urls(&vars)?);
    let log = DynamoEventLog::new(aws.dynamodb(), event_log_table(&vars)?);
    let log = log.forgetting_after(event_log_retention(&vars)?);
    let limiters = Arc::new(Limiters::of_one_process(Rate::FINALIZER));
    let adapters = Adapters { transport: http, queue, log };
    Ok(Finalizer::<OnAws>::new(config, adapters, limiters, Clock::system()))
}
