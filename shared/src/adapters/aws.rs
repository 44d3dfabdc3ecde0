//! The clients of SQS and DynamoDB, and what their errors say.

use super::http::{self, HttpSetupError};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
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
///
/// # Errors
/// [`HttpSetupError`] when the system refuses what an HTTP client needs.
pub async fn aws_clients() -> Result<AwsClients, HttpSetupError> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client()?)
        .timeout_config(timeouts())
        .load()
        .await;
    Ok(clients_of(&config))
}

fn http_client() -> Result<SharedHttpClient, HttpSetupError> {
    Ok(SharedHttpClient::new(Reqwest(http::client()?)))
}

/// The SDK's requests over the same HTTP client as everything else.
#[derive(Debug, Clone)]
struct Reqwest(reqwest::Client);

impl HttpClient for Reqwest {
    /// Timeouts are the SDK's own ([`timeouts`]) and drop the call.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Reqwest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (head, body) = request.into_parts();
            let body = body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
            let request = reqwest::Request::try_from(::http::Request::from_parts(head, body))
                .map_err(|error| ConnectorError::user(error.into()))?;
            let io = |error: reqwest::Error| ConnectorError::io(error.without_url().into());
            let response = client.execute(request).await.map_err(io)?;
            let status = StatusCode::from(response.status());
            let headers = response.headers().clone();
            let body = response.bytes().await.map_err(io)?;
            let mut answer = Response::new(status, SdkBody::from(body));
            for (name, value) in &headers {
                if let Ok(value) = value.to_str() {
                    answer.headers_mut().append(name.as_str().to_owned(), value.to_owned());
                }
            }
            Ok(answer)
        })
    }
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
        .http_client(http_client().expect("an HTTP client"))
        .timeout_config(timeouts())
        .region(Region::new("eu-west-1"))
        .endpoint_url(origin)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    clients_of(&config)
}
