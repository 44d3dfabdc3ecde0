//! Wires the scoring function. All decisions are made in the library and in `shared`.

use scoring::{Adapters, Config, Limits, Scoring, handle, queue_urls};
use shared::adapters::aws::OnAws;
use shared::adapters::aws::function::{Error, answer_batches};
use shared::adapters::aws::lambda::Aws;
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::aws::start::{self, Started};
use shared::config::Vars;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    answer_batches(start(), handle).await
}

async fn start() -> Result<Scoring<OnAws>, Error> {
    let Started { variable, http, clock, clients: sqs } = start::start("scoring", Aws::sqs).await?;
    let config = Config::read(&variable)?;
    let queues = queue_urls(&Vars::new(&variable))?;
    let limits = Limits::of_one_process(config.lanes);
    let adapters = Adapters { transport: http, queue: SqsQueue::new(sqs, queues) };
    let rng = fastrand::Rng::new();
    Ok(Scoring::<OnAws>::new(config, adapters, limits, clock, rng))
}
