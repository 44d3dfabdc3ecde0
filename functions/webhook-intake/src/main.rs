//! Wires webhook intake. Every decision is made in the library and in `shared`.

use lambda_http::{Error, Request, run, service_fn};
use shared::adapters::Aws;
use shared::clock::Clock;
use webhook_intake::{Config, Intake, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let variable = |name| std::env::var(name).ok();
    let config = Config::read(variable)?;
    let aws = Aws::connect(variable).await?;
    let app = &Intake::new(config, aws.queue(), Clock::system());
    run(service_fn(async |request: Request| Ok::<_, Error>(handle(app, request).await))).await
}
