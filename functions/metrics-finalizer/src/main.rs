//! Wires the metrics finalizer. All decisions are made in the library and in `shared`.

use metrics_finalizer::{
    Adapters, Config, Finalizer, event_log_retention, event_log_table, handle, queue_urls,
};
use shared::adapters::aws::OnAws;
use shared::adapters::aws::dynamodb::DynamoEventLog;
use shared::adapters::aws::function::{Error, answer_batches};
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::aws::start::{self, Started};
use shared::config::Vars;
use shared::services::airtable::{Limiters, Rate};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    answer_batches(start(), handle).await
}

async fn start() -> Result<Finalizer<OnAws>, Error> {
    let Started { variable, http, clock, clients: (sqs, dynamodb) } =
        start::start("metrics-finalizer", |aws| (aws.sqs(), aws.dynamodb())).await?;
    let config = Config::read(&variable)?;
    let vars = Vars::new(&variable);
    let queue = SqsQueue::new(sqs, queue_urls(&vars)?);
    let log = DynamoEventLog::new(dynamodb, event_log_table(&vars)?);
    let log = log.forgetting_after(event_log_retention(&vars)?);
    let limiters = Arc::new(Limiters::of_one_process(Rate::FINALIZER));
    let adapters = Adapters { transport: http, queue, log };
    Ok(Finalizer::<OnAws>::new(config, adapters, limiters, clock))
}
