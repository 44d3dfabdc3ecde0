//! Wires the metrics finalizer. Every decision is made in the library and in `shared`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use metrics_finalizer::{Config, Finalizer, handle};
use shared::adapters::{Aws, HttpTransport};
use shared::clock::Clock;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let variable = |name| std::env::var(name).ok();
    let config = Config::read(variable)?;
    let aws = Aws::connect(variable).await?;
    let app = &Finalizer::new(
        config,
        HttpTransport::new()?,
        aws.queue(),
        aws.event_log(),
        Clock::system(),
    );
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(handle(app, event.payload).await)))
        .await
}
