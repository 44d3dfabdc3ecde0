//! Where the model is, and how requests to it are built.

use super::reply::Reply;
use super::tier::RequestedTier;
use super::vertex::{ServiceAccount, VertexAuth};
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use shared::config::{ConfigError, Vars, Version};
use shared::core::tokens::Surface;
use shared::ports::{HttpRequest, Transport};
use std::sync::Arc;
use url::Url;

/// The header with which a call on Vertex AI requests the flex tier.
const VERTEX_TIER: HeaderName = HeaderName::from_static("x-vertex-ai-llm-shared-request-type");

#[derive(Debug, Clone)]
pub(crate) enum ModelEndpoint {
    /// `GEMINI_API_URL` and `GEMINI_API_KEY`.
    Developer { url: Url, key: SecretString },
    /// `VERTEX_SERVICE_ACCOUNT`, `VERTEX_LOCATION`, and `VERTEX_API_URL` to replace Google's URL.
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
                url: Version::OfPaths("v1beta").check(
                    "GEMINI_API_URL",
                    vars.api("GEMINI_API_URL", "https://generativelanguage.googleapis.com")?,
                )?,
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
        let root = vars.api("VERTEX_API_URL", &host)?;
        let root = Version::OfPaths("v1").check("VERTEX_API_URL", root)?;
        let url = root.join(&path).map_err(|error| ConfigError::Invalid {
            name: "VERTEX_LOCATION",
            rule: error.to_string(),
        })?;
        Ok(Self::Vertex { url, auth: Arc::new(VertexAuth::new(account)) })
    }

    pub(super) fn surface(&self) -> Surface {
        match self {
            Self::Developer { .. } => Surface::Developer,
            Self::Vertex { .. } => Surface::Vertex,
        }
    }

    /// Whether calls can request the flex tier. On Vertex AI, only the location `global` has it.
    pub(super) fn offers_flex(&self) -> bool {
        match self {
            Self::Developer { .. } => true,
            Self::Vertex { url, .. } => url.path().contains("/locations/global/"),
        }
    }

    /// The name of a tier in the body of a call; `None` if the body does not contain it.
    pub(super) fn tier_in_body(&self, tier: RequestedTier) -> Option<&'static str> {
        match (self, tier) {
            (Self::Developer { .. }, RequestedTier::Flex) => Some("flex"),
            // Standard is the API's default. On Vertex AI, a header requests the tier.
            (_, RequestedTier::Standard) | (Self::Vertex { .. }, _) => None,
        }
    }

    /// The same call with a request for a tier.
    pub(super) fn at_tier(&self, mut request: HttpRequest, tier: RequestedTier) -> HttpRequest {
        if matches!((self, tier), (Self::Vertex { .. }, RequestedTier::Flex)) {
            request.headers_mut().insert(VERTEX_TIER, HeaderValue::from_static("flex"));
        }
        request
    }

    /// A request that calls `method` of `model` with a JSON body.
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
                // The leading `./` is needed because the colon would make the first segment a
                // scheme.
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
