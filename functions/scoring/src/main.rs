//! Wires the scoring function. Every decision is made in the library and in `shared`.

use scoring::{Adapters, Config, Limits, Scoring, handle, queue_urls};
use shared::adapters::aws::OnAws;
use shared::adapters::aws::function::{Error, answer_batches};
use shared::adapters::aws::lambda::Aws;
use shared::adapters::aws::sqs::SqsQueue;
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
use shared::core::clock::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    answer_batches(start(), handle).await
}

#[expect(clippy::disallowed_methods, reason = "the environment enters here")]
async fn start() -> Result<Scoring<OnAws>, Error> {
    let environment = |name| std::env::var(name).ok();
    let vars = Vars::new(environment);
    shared::telemetry::logs::init("scoring", &vars);
    let http = HttpTransport::new()?;
    let aws = Aws::read(&vars, &http)?;
    let variable = aws.with_secret(environment, &Clock::system()).await?;
    let config = Config::read(&variable)?;
    let queues = queue_urls(&Vars::new(&variable))?;
    let limits = Limits::of_one_process(config.lanes);
    let adapters = Adapters { transport: http, queue: SqsQueue::new(aws.sqs(), queues) };
    let rng = fastrand::Rng::new();
    Ok(Scoring::<OnAws>::new(config, adapters, limits, Clock::system(), rng))
}
