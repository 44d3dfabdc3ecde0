//! Where the model is, and the requests to it.

use super::reply::Reply;
use super::vertex::{ServiceAccount, VertexAuth};
use bytes::Bytes;
use http::header;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use shared::config::{ConfigError, Vars};
use shared::ports::{HttpRequest, Transport};
use std::sync::Arc;
use url::Url;

#[derive(Debug, Clone)]
pub(crate) enum ModelEndpoint {
    /// `GEMINI_API_URL` and `GEMINI_API_KEY`.
    Developer { url: Url, key: SecretString },
    /// `VERTEX_SERVICE_ACCOUNT`, `VERTEX_LOCATION`, and `VERTEX_API_URL` in place of Google's.
    Vertex {
        /// `…/v1/projects/{project}/locations/{location}/publishers/google/`.
        url: Url,
        auth: Arc<VertexAuth>,
    },
}

impl ModelEndpoint {
    pub(super) fn read(
        vars: &Vars<impl Fn(&'static str) -> Option<String>>,
    ) -> Result<Self, ConfigError> {
        const ACCOUNT: &str = "VERTEX_SERVICE_ACCOUNT";
        let Some(service_account) = vars.text(ACCOUNT) else {
            return Ok(Self::Developer {
                url: vars.api("GEMINI_API_URL", "https://generativelanguage.googleapis.com")?,
                key: vars.secret(
                    "GEMINI_API_KEY",
                    "the API key for Gemini (or set VERTEX_SERVICE_ACCOUNT to use Vertex AI)",
                )?,
            });
        };
        let account = ServiceAccount::read(&service_account)
            .map_err(|error| ConfigError::Invalid { name: ACCOUNT, rule: error.to_string() })?;
        let location = vars.text("VERTEX_LOCATION").unwrap_or_else(|| "global".to_owned());
        let host = match location.as_str() {
            "global" => "https://aiplatform.googleapis.com".to_owned(),
            "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
            region => format!("https://{region}-aiplatform.googleapis.com"),
        };
        let path =
            format!("v1/projects/{}/locations/{location}/publishers/google/", account.project);
        let url = vars.api("VERTEX_API_URL", &host)?.join(&path).map_err(|error| {
            ConfigError::Invalid { name: "VERTEX_LOCATION", rule: error.to_string() }
        })?;
        Ok(Self::Vertex { url, auth: Arc::new(VertexAuth::new(account)) })
    }

    /// A request to call `method` of `model` with a JSON body.
    pub(super) async fn request(
        &self,
        transport: &impl Transport,
        now: Timestamp,
        (model, method): (&str, &str),
        body: Bytes,
    ) -> Result<HttpRequest, Reply> {
        let (url, header_name, secret) = match self {
            Self::Developer { url, key } => {
                let path = format!("v1beta/models/{model}:{method}");
                (url.join(&path), "x-goog-api-key", key.expose_secret().to_owned())
            }
            Self::Vertex { url, auth } => {
                let token = auth.token(transport, now).await?;
                // A leading `./`: the colon would make the first segment a scheme.
                let path = format!("./models/{model}:{method}");
                (url.join(&path), "authorization", format!("Bearer {token}"))
            }
        };
        let url = url.expect("configuration checked the model's name");
        Ok(http::Request::post(url.as_str())
            .header(header_name, secret)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .expect("configuration checked that the secret is a header value"))
    }
}
