//! Wires the scoring function. Every decision is made in the library and in `shared`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use scoring::{Config, Scoring, handle};
use shared::adapters::{Aws, HttpTransport};
use shared::clock::Clock;
use shared::deadline::Deadline;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let variable = |name| std::env::var(name).ok();
    let config = Config::read(variable)?;
    let aws = Aws::connect(variable).await?;
    let transport = Arc::new(HttpTransport::new()?);
    let rng = fastrand::Rng::new();
    let app = &Scoring::new(config, transport, aws.queue(), Clock::system(), rng);
    run(service_fn(async |event: LambdaEvent<_>| {
        let left = event.context.deadline().duration_since(std::time::SystemTime::now());
        let deadline = Deadline::after(left.unwrap_or_default());
        Ok::<_, Error>(handle(app, event.payload, deadline).await)
    }))
    .await
}
