//! Wires webhook intake. Every decision is made in the library and in `shared`.

use lambda_http::{Error, Request, run, service_fn};
use shared::adapters::aws::Aws;
use shared::adapters::http::HttpTransport;
use shared::adapters::sqs::{QueueUrls, SqsQueue};
use shared::clock::Clock;
use shared::config::Vars;
use shared::seams::QueueName;
use webhook_intake::{Config, Intake, handle};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "the environment and the time enter here")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    let variable = |name| std::env::var(name).ok();
    let config = Config::read(variable)?;
    let vars = Vars::new(variable);
    let scoring = QueueUrls::sent_to(&vars, QueueName::Scoring)?;
    let metrics = QueueUrls::sent_to(&vars, QueueName::Metrics)?;
    let aws = Aws::read(&vars, &HttpTransport::new()?)?;
    let queues = [(QueueName::Scoring, scoring), (QueueName::Metrics, metrics)].into();
    let queue = SqsQueue::new(aws.sqs(), queues);
    let app = &Intake::new(config, queue, Clock::system());
    run(service_fn(async |request: Request| Ok::<_, Error>(handle(app, request).await))).await
}
