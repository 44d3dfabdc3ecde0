//! The clients of SQS and DynamoDB, and what their errors say.

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::error::Error;
use std::time::Duration;

/// Longest time for one attempt at a call. The client makes three, with waits between them.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for a call with its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The clients the functions use. Both share one pool of connections.
#[derive(Debug, Clone)]
pub struct AwsClients {
    /// For [`super::sqs::SqsQueue`].
    pub sqs: aws_sdk_sqs::Client,
    /// For [`super::dynamodb::DynamoEventLog`].
    pub dynamodb: aws_sdk_dynamodb::Client,
}

/// Makes the clients from what Lambda puts into the environment: region and credentials. Called
/// once per process, at its start.
pub async fn aws_clients() -> AwsClients {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts())
        .load()
        .await;
    clients_of(&config)
}

fn clients_of(config: &SdkConfig) -> AwsClients {
    AwsClients {
        sqs: aws_sdk_sqs::Client::new(config),
        dynamodb: aws_sdk_dynamodb::Client::new(config),
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}

/// The waits before a batch is sent again for the part of it that was not taken: four, together
/// about two seconds. The queue behind the caller is the real retry.
pub(super) fn waits() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_times(4)
        .with_jitter()
        .build()
}

/// The error's code and message, or cause by cause why there is no answer. Holds no request.
pub(super) fn describe<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(code) = error.code() {
        return format!("{code}: {}", error.message().unwrap_or("(no message)"));
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Clients that talk to a server on this machine.
#[cfg(test)]
pub(super) fn clients_for_tests(origin: &str) -> AwsClients {
    use aws_config::Region;
    use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
    let credentials = Credentials::new("id", "key", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https())
        .timeout_config(timeouts())
        .region(Region::new("eu-west-1"))
        .endpoint_url(origin)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    clients_of(&config)
}
