//! The client of Apify's API: an actor's runs, a run, its input and its dataset.
//!
//! External rules: Apify's REST API v2, sections on runs, datasets and errors.

use crate::core::ids::ApifyRunId;
use crate::core::json::{self, WrongJson};
use crate::core::tokens::NanoUsd;
use crate::messages::HarvestStatus;
use crate::ports::{HttpResponse, Transport, TransportError};
use crate::services::http_retry::{RetryPolicy, seed_of};
use bytes::Bytes;
use http::{StatusCode, header};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::Duration;
use url::Url;

const PAGE: u64 = 1_000;
const RUNS_PAGE: u64 = 100;
/// What of an actor's name is encoded in a path.
const ACTOR_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'~').remove(b'-').remove(b'_').remove(b'.');
/// No answer within this counts as lost.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How a request is repeated; every one only reads.
const RETRY: RetryPolicy =
    RetryPolicy { first: Duration::from_millis(500), longest: Duration::from_secs(8), attempts: 5 };

/// A client of one Apify account. It only reads: every call may be repeated after an error.
pub struct Apify<T> {
    transport: T,
    url: Url,
    token: SecretString,
}

/// A run of an actor, which is a harvest when the actor collects posts.
#[derive(Debug, Clone, PartialEq)]
pub struct ApifyRun {
    pub id: ApifyRunId,
    /// How it ended; `None` while it is going on.
    pub status: Option<HarvestStatus>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub dataset: String,
    /// What it costs; preliminary for some seconds after its end.
    pub cost: Option<NanoUsd>,
}

/// Why Apify did not give what was asked for. Texts never hold an item or the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApifyError {
    #[error("Apify does not answer: {0}")]
    Transport(#[from] TransportError),
    #[error("Apify is out of order or limits the requests (status {status})")]
    Unavailable { status: u16 },
    #[error("Apify refuses {what} ({error_type}): check the Apify token and what it may read")]
    Refused { what: String, error_type: String },
    #[error("Apify's answer to {what} cannot be read: wrong or missing data at `{path}`")]
    Unreadable { what: String, path: String },
}

impl<T: Transport> Apify<T> {
    /// A client of the API at `url` (`https://api.apify.com/v2/`).
    pub fn new(transport: T, url: Url, token: SecretString) -> Self {
        Self { transport, url, token }
    }

    /// Reads a run; `None` when Apify knows no such run.
    pub async fn run(&self, id: &ApifyRunId) -> Result<Option<ApifyRun>, ApifyError> {
        let what = format!("reading run {id}");
        let Some(response) = self.get(&what, &format!("actor-runs/{id}")).await? else {
            return Ok(None);
        };
        let Data { data } = read::<Data<RunBody>>(&what, &response)?;
        Ok(Some(data.into_run()))
    }

    /// Reads an actor's runs that began at `since` or later, newest first; `None` when Apify knows
    /// no such actor. `actor` is an id or `username~name`.
    pub async fn runs_of(
        &self,
        actor: &str,
        since: Timestamp,
    ) -> Result<Option<Vec<ApifyRun>>, ApifyError> {
        let what = format!("listing the runs of actor {actor}");
        let actor = utf8_percent_encode(actor, ACTOR_PART);
        let mut runs: Vec<ApifyRun> = Vec::new();
        let mut offset = 0;
        loop {
            let path = format!("actors/{actor}/runs?desc=1&offset={offset}&limit={RUNS_PAGE}");
            let Some(response) = self.get(&what, &path).await? else { return Ok(None) };
            let Data { data } = read::<Data<RunsBody>>(&what, &response)?;
            let count = data.items.len() as u64;
            let page: Vec<ApifyRun> = data.items.into_iter().map(RunBody::into_run).collect();
            let is_last = count == 0 || page.last().is_some_and(|oldest| oldest.started_at < since);
            // Runs that begin meanwhile push others onto the next page: those come twice.
            for run in page.into_iter().filter(|run| run.started_at >= since) {
                if runs.iter().all(|known| known.id != run.id) {
                    runs.push(run);
                }
            }
            offset += count;
            if is_last || offset >= data.total {
                return Ok(Some(runs));
            }
        }
    }

    /// Reads what a run was given; `None` when that is gone.
    pub async fn input(&self, run: &ApifyRun) -> Result<Option<Value>, ApifyError> {
        let what = format!("reading the input of run {}", run.id);
        let path = format!("actor-runs/{}/key-value-store/records/INPUT", run.id);
        let response = self.get(&what, &path).await?;
        response.map(|response| read(&what, &response)).transpose()
    }

    /// Reads the run's dataset item by item, to the end; false when it is gone: Apify deletes
    /// unnamed ones after some days. The total that Apify reports lags some seconds behind, and a
    /// page may be short: the end is an empty page at or behind the total.
    ///
    /// # Errors
    /// [`ApifyError`]; reading changes nothing. Some items may have been given by then.
    pub async fn items(
        &self,
        run: &ApifyRun,
        mut item: impl FnMut(&Value) + Send,
    ) -> Result<bool, ApifyError> {
        let what = format!("reading the dataset of run {}", run.id);
        let mut offset = 0;
        loop {
            let path = format!("datasets/{}/items?offset={offset}&limit={PAGE}", run.dataset);
            let Some(response) = self.get(&what, &path).await? else { return Ok(false) };
            let items: Vec<Value> = read(&what, &response)?;
            let total = response
                .headers()
                .get("x-apify-pagination-total")
                .and_then(|total| total.to_str().ok()?.parse().ok())
                .unwrap_or(0);
            items.iter().for_each(&mut item);
            match items.len() as u64 {
                0 if offset >= total => return Ok(true),
                0 => offset += PAGE,
                count => offset += count,
            }
        }
    }

    /// Makes one request, and again while Apify is out of order. `None` for what does not exist.
    async fn get(&self, what: &str, path: &str) -> Result<Option<HttpResponse>, ApifyError> {
        let url = self.url.join(path).expect("the path is made of ids");
        let mut attempts = RETRY.begin(seed_of(path.as_bytes()));
        loop {
            let request = http::Request::get(url.as_str())
                .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
                .body(Bytes::new())
                .expect("configuration checked that the token is a header value");
            let error = match self.transport.send(request, TIMEOUT).await {
                Ok(response) if response.status().is_success() => return Ok(Some(response)),
                Ok(response) if is_unknown(&response) => return Ok(None),
                Ok(response) => refusal(what, &response),
                Err(error) => error.into(),
            };
            let transient =
                matches!(error, ApifyError::Transport(_) | ApifyError::Unavailable { .. });
            attempts.wait_after(error, transient, what).await?;
        }
    }
}

/// Whether the thing asked for does not exist. A token that opens nothing is answered 404 too, as
/// another error.
fn is_unknown(response: &HttpResponse) -> bool {
    response.status() == StatusCode::NOT_FOUND && error_type(response) == "record-not-found"
}

fn error_type(response: &HttpResponse) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    body["error"]["type"].as_str().unwrap_or("no type given").to_owned()
}

fn refusal(what: &str, response: &HttpResponse) -> ApifyError {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return ApifyError::Unavailable { status: status.as_u16() };
    }
    ApifyError::Refused { what: what.to_owned(), error_type: error_type(response) }
}

fn read<B: DeserializeOwned>(what: &str, response: &HttpResponse) -> Result<B, ApifyError> {
    json::read(response.body())
        .map_err(|WrongJson { path, .. }| ApifyError::Unreadable { what: what.to_owned(), path })
}

/// Apify's envelope of everything but items and records.
#[derive(Deserialize)]
struct Data<B> {
    data: B,
}

#[derive(Deserialize)]
struct RunsBody {
    total: u64,
    items: Vec<RunBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunBody {
    id: ApifyRunId,
    #[serde(deserialize_with = "ended")]
    status: Option<HarvestStatus>,
    started_at: Timestamp,
    #[serde(default)]
    finished_at: Option<Timestamp>,
    default_dataset_id: String,
    #[serde(default)]
    usage_total_usd: Option<f64>,
}

impl RunBody {
    fn into_run(self) -> ApifyRun {
        ApifyRun {
            id: self.id,
            status: self.status,
            started_at: self.started_at,
            finished_at: self.finished_at,
            dataset: self.default_dataset_id,
            cost: self.usage_total_usd.and_then(NanoUsd::from_usd),
        }
    }
}

/// How a run ended; `None` for any other status.
fn ended<'de, D: Deserializer<'de>>(status: D) -> Result<Option<HarvestStatus>, D::Error> {
    Ok(serde_json::from_value(Value::String(String::deserialize(status)?)).ok())
}
