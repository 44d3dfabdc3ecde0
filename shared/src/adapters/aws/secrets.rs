//! A function's secret in Secrets Manager. It is read once per process, before the first message.
//!
//! It is read with one signed request, without the service's SDK: another client would add much to
//! webhook intake's cold start for a single call.

use super::lambda::{Aws, LONGEST_WAIT, attempts};
use crate::config::{ConfigError, Vars};
use crate::core::clock::Clock;
use crate::ports::{HttpRequest, HttpResponse, Transport};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;

/// The variable with the name of the function's secret.
pub const SECRET_ID: &str = "SECRET_ID";

/// Longest time for one attempt.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest time for all attempts. Lambda gives a function ten seconds to start; after that, the
/// function could not report the error.
const ALL_ATTEMPTS: Duration = Duration::from_secs(8);

/// Why the function's secret could not be read. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager refuses, or does not answer.
    #[error("the secret {id} could not be read: {reason}")]
    Unreadable { id: String, reason: String },
    #[error("the secret {id} is not a JSON object with a variable for each key")]
    Shape { id: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    secret_string: Option<String>,
}

impl Aws {
    /// The function's variables: those in the secret named by `SECRET_ID`, a JSON object, and then
    /// those of `environment` that the secret does not contain. Without `SECRET_ID`, only the
    /// environment.
    ///
    /// # Errors
    /// [`SecretError`]; the function then does not start, and Lambda starts it again.
    pub async fn with_secret<F>(
        &self,
        environment: F,
        clock: &Clock,
    ) -> Result<impl Fn(&'static str) -> Option<String> + use<F>, SecretError>
    where
        F: Fn(&'static str) -> Option<String>,
    {
        let values = match Vars::new(&environment).text(SECRET_ID) {
            Some(id) => self.secret(&id, clock).await?,
            None => BTreeMap::new(),
        };
        Ok(move |name: &'static str| {
            let secret = values.get(name).map(|value| value.expose_secret().to_owned());
            secret.or_else(|| environment(name))
        })
    }

    async fn secret(
        &self,
        id: &str,
        clock: &Clock,
    ) -> Result<BTreeMap<String, SecretString>, SecretError> {
        let unreadable = |reason| SecretError::Unreadable { id: id.to_owned(), reason };
        let begun = Instant::now();
        let mut attempts = attempts();
        let response = loop {
            let request = self.secret_request(id, clock.now()).map_err(unreadable)?;
            let reason = match self.http.send(request, TIMEOUT).await {
                Ok(response) if response.status().is_success() => break response,
                Ok(response) if is_final(&response) => return Err(unreadable(said(&response))),
                Ok(response) => said(&response),
                Err(error) => error.to_string(),
            };
            let has_time = begun.elapsed() + LONGEST_WAIT + TIMEOUT <= ALL_ATTEMPTS;
            attempts
                .wait_after(reason, has_time, "reading the secret")
                .await
                .map_err(unreadable)?;
        };
        let shape = || SecretError::Shape { id: id.to_owned() };
        let answer: Answer = serde_json::from_slice(response.body()).map_err(|_| shape())?;
        let text = answer.secret_string.ok_or_else(shape)?;
        let object: Map<String, Value> = serde_json::from_str(&text).map_err(|_| shape())?;
        // A service account's key may be stored as a JSON object instead of a string.
        let text_of = |value| match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        Ok(object.into_iter().map(|(name, value)| (name, text_of(value).into())).collect())
    }

    fn secret_request(&self, id: &str, now: Timestamp) -> Result<HttpRequest, String> {
        let region = self.region();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = self.endpoint().map_or_else(
            || format!("https://secretsmanager.{region}.{suffix}/"),
            |url| format!("{}/", url.trim_end_matches('/')),
        );
        let body = Bytes::from(json!({"SecretId": id}).to_string());
        let mut request = http::Request::post(url)
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body(body.clone())
            .map_err(|error| error.to_string())?;
        let identity = self.credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("secretsmanager")
            .time(UNIX_EPOCH + Duration::from_secs(now.as_second().unsigned_abs()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new("POST", uri, headers, SignableBody::Bytes(&body))
            .map_err(|error| error.to_string())?;
        let (instructions, _signature) =
            sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// Whether a repetition within seconds is useless.
fn is_final(response: &HttpResponse) -> bool {
    response.status().is_client_error() && !error_type(response).contains("Throttl")
}

fn error_type(response: &HttpResponse) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let full = body["__type"].as_str().unwrap_or("no error type");
    full.rsplit('#').next().unwrap_or(full).to_owned()
}

fn said(response: &HttpResponse) -> String {
    format!("{} ({})", error_type(response), response.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::super::lambda::aws_for_tests;
    use super::*;
    use crate::adapters::actions;
    use crate::adapters::loopback::{Loopback, Reply};

    fn environment(name: &'static str) -> Option<String> {
        match name {
            SECRET_ID => Some("runtally/services".to_owned()),
            "LANES" | "APIFY_TOKEN" => Some("from the environment".to_owned()),
            _ => None,
        }
    }

    async fn answered(replies: Vec<Reply>) -> (Result<Vec<Option<String>>, SecretError>, Loopback) {
        let server = Loopback::serving(replies).await;
        let aws = aws_for_tests(&server.origin);
        let variable = aws.with_secret(environment, &Clock::system()).await;
        let names = ["AIRTABLE_TOKEN", "APIFY_TOKEN", "LANES", "VERTEX_SERVICE_ACCOUNT", "OTHER"];
        (variable.map(|variable| names.map(variable).to_vec()), server)
    }

    fn holding(secret: &str) -> Reply {
        Reply::json(&json!({"Name": "runtally/services", "SecretString": secret}).to_string())
    }

    fn refusing(status: u16, error_type: &str) -> Reply {
        Reply::Http(status, String::new(), json!({"__type": error_type}).to_string())
    }

    #[tokio::test]
    async fn the_secrets_values_come_before_the_environments() {
        let secret =
            r#"{"AIRTABLE_TOKEN":"pat1","APIFY_TOKEN":"a1","VERTEX_SERVICE_ACCOUNT":{"k":1}}"#;
        let (values, server) = answered(vec![holding(secret)]).await;
        let text = |text: &str| Some(text.to_owned());
        let environment = text("from the environment");
        assert_eq!(
            values.unwrap(),
            [text("pat1"), text("a1"), environment, text(r#"{"k":1}"#), None]
        );
        let request = &server.requests()[0];
        let service = "/eu-west-1/secretsmanager/aws4_request, signedheaders=";
        assert!(request.contains(service), "{request}");
        assert!(request.contains("\r\nx-amz-target: secretsmanager.getsecretvalue\r\n"));
        assert_eq!(server.bodies(), [json!({"SecretId": "runtally/services"})]);
        assert_eq!(actions::READ_SECRET, ["secretsmanager:GetSecretValue"]);
    }

    #[tokio::test]
    async fn a_secret_that_may_not_be_read_is_named_and_not_asked_for_again() {
        let denied = "com.amazonaws.secretsmanager#AccessDeniedException";
        let (values, server) = answered(vec![refusing(400, denied)]).await;
        assert_eq!(
            values.unwrap_err().to_string(),
            "the secret runtally/services could not be read: AccessDeniedException (400)"
        );
        assert_eq!(server.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_passing_failure_is_tried_again() {
        let replies = vec![
            refusing(500, "InternalServiceError"),
            refusing(400, "ThrottlingException"),
            Reply::HangUp,
            holding(r#"{"APIFY_TOKEN":"a1"}"#),
        ];
        let (values, server) = answered(replies).await;
        assert_eq!(values.unwrap()[1], Some("a1".to_owned()));
        assert_eq!(server.requests().len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_answer_the_reason_is_named_before_lambda_ends_the_start() {
        // This server accepts connections but never answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let aws = aws_for_tests(&format!("http://{}", silent.local_addr().unwrap()));
        let begun = Instant::now();
        let Err(error) = aws.with_secret(environment, &Clock::system()).await else {
            panic!("nobody answered")
        };
        let took = begun.elapsed();
        assert!((3 * TIMEOUT..Duration::from_secs(9)).contains(&took), "{took:?}");
        let error = error.to_string();
        assert!(error.starts_with("the secret runtally/services could not be read: "), "{error}");
    }

    #[tokio::test]
    async fn a_secret_that_is_no_json_object_is_named_and_not_shown() {
        let (values, _server) = answered(vec![holding("patSecret")]).await;
        assert_eq!(
            values.unwrap_err().to_string(),
            "the secret runtally/services is not a JSON object with a variable for each key"
        );
    }

    #[tokio::test]
    async fn without_a_secrets_name_the_environment_is_all_there_is() {
        let aws = aws_for_tests("http://127.0.0.1:1");
        let only = |name| (name == "LANES").then(|| "3".to_owned());
        let variable = aws.with_secret(only, &Clock::system()).await.unwrap();
        assert_eq!([variable("LANES"), variable("APIFY_TOKEN")], [Some("3".to_owned()), None]);
    }
}
