//! The clients of SQS and DynamoDB, and the texts of their errors.

use crate::adapters::http::HttpTransport;
use crate::config::{ConfigError, Vars};
use crate::services::http_retry::{Attempts, RetryPolicy};
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
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
use aws_types::SdkConfig;
use std::error::Error;
use std::time::Duration;

/// Longest time for one attempt at a call. The client makes three attempts, with waits between
/// them.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Makes the clients that a function uses. A client that is not used is not even linked into the
/// binary.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    pub(super) credentials: Credentials,
    pub(super) http: HttpTransport,
}

impl Aws {
    /// Reads the variables that Lambda sets for every function: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. `AWS_ENDPOINT_URL` can point at an
    /// emulator. Called once per process. All requests use the connection pool of `http`.
    ///
    /// The SDK's own search for credentials (profiles, single sign-on, instance metadata) is not
    /// used: no function needs it, and it doubles the time of a cold start.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] for a variable that is not set.
    pub fn read(
        vars: &Vars<impl Fn(&'static str) -> Option<String>>,
        http: &HttpTransport,
    ) -> Result<Self, ConfigError> {
        let given = "Lambda sets it for every function";
        let credentials = Credentials::new(
            vars.required::<String>("AWS_ACCESS_KEY_ID", given)?,
            vars.required::<String>("AWS_SECRET_ACCESS_KEY", given)?,
            vars.text("AWS_SESSION_TOKEN"),
            None,
            "Lambda's environment",
        );
        let region = Region::new(vars.required::<String>("AWS_REGION", given)?);
        Ok(Self::new(credentials, region, vars.text("AWS_ENDPOINT_URL"), http))
    }

    fn new(
        credentials: Credentials,
        region: Region,
        endpoint: Option<String>,
        http: &HttpTransport,
    ) -> Self {
        let provider = SharedCredentialsProvider::new(credentials.clone());
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(SharedHttpClient::new(Reqwest(http.client.clone())))
            .timeout_config(timeouts())
            .region(region)
            .credentials_provider(provider);
        config.set_endpoint_url(endpoint);
        Self { config: config.build(), credentials, http: http.clone() }
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    pub(super) fn region(&self) -> &str {
        self.config.region().map_or("", Region::as_ref)
    }

    pub(super) fn endpoint(&self) -> Option<&str> {
        self.config.endpoint_url()
    }
}

/// Sends the SDK's requests over the same HTTP client as all other requests.
#[derive(Debug, Clone)]
struct Reqwest(reqwest::Client);

impl HttpClient for Reqwest {
    /// The SDK applies its own timeouts ([`timeouts`]) and drops a call that takes too long.
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

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}

/// How the part of a batch that was not accepted is sent again, within about two seconds. The real
/// retry is the queue that invoked the function.
const RETRY: RetryPolicy =
    RetryPolicy { first: Duration::from_millis(200), longest: LONGEST_WAIT, attempts: 5 };
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(800);

pub(super) fn attempts() -> Attempts {
    RETRY.begin(fastrand::u64(..))
}

/// The error's code and message, or else its chain of causes. It contains no request.
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
pub(super) fn aws_for_tests(origin: &str) -> Aws {
    let http = HttpTransport::new().expect("an HTTP client");
    let credentials = Credentials::new("id", "key", None, None, "test");
    Aws::new(credentials, Region::new("eu-west-1"), Some(origin.to_owned()), &http)
}
