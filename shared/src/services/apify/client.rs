//! Requests to Apify: an actor's runs, a run and its input.

use super::error::{ApifyError, is_unknown};
use super::run::{ActorRuns, ApifyRun, RunBody, UnreadRun};
use crate::core::ids::ApifyRunId;
use crate::core::json::{self, WrongJson};
use crate::ports::{HttpResponse, Transport};
use crate::services::http_retry::{RetryPolicy, seed_of};
use bytes::Bytes;
use http::header;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use url::Url;

const RUNS_PAGE: u64 = 100;
/// The characters that are encoded when an actor's name is put in a path.
const ACTOR_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'~').remove(b'-').remove(b'_').remove(b'.');
/// Without an answer in this time, the answer counts as lost.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How requests are repeated. All of them only read.
const RETRY: RetryPolicy =
    RetryPolicy { first: Duration::from_millis(500), longest: Duration::from_secs(8), attempts: 5 };

/// A client of one Apify account. It only reads, so every call can be repeated after an error.
pub struct Apify<T> {
    transport: T,
    url: Url,
    token: SecretString,
}

impl<T: Transport> Apify<T> {
    /// A client of the API at `url` (`https://api.apify.com/v2/`).
    pub fn new(transport: T, url: Url, token: SecretString) -> Self {
        Self { transport, url, token }
    }

    #[cfg(test)]
    pub(super) fn transport(&self) -> &T {
        &self.transport
    }

    /// Reads a run; `None` if Apify does not know it.
    pub async fn run(&self, id: &ApifyRunId) -> Result<Option<ApifyRun>, ApifyError> {
        let what = format!("reading run {id}");
        let Some(response) = self.get(&what, &format!("actor-runs/{id}")).await? else {
            return Ok(None);
        };
        let read = match read::<Data<RunBody>>(&what, &response) {
            Ok(Data { data }) => data,
            // Some versions and gateways omit the envelope.
            Err(error) => read::<RunBody>(&what, &response).map_err(|_| error)?,
        };
        Ok(Some(read.into_run()))
    }

    /// Reads an actor's runs that started at `since` or later, newest first; `None` if Apify does
    /// not know the actor. `actor` is an id or `username~name`.
    pub async fn runs_of(
        &self,
        actor: &str,
        since: Timestamp,
    ) -> Result<Option<ActorRuns>, ApifyError> {
        let what = format!("listing the runs of actor {actor}");
        let actor = utf8_percent_encode(actor, ACTOR_PART);
        let mut found = ActorRuns::default();
        let mut offset = 0;
        loop {
            let path = format!("actors/{actor}/runs?desc=1&offset={offset}&limit={RUNS_PAGE}");
            let Some(response) = self.get(&what, &path).await? else { return Ok(None) };
            let Data { data } = read::<Data<RunsBody>>(&what, &response)?;
            let count = data.items.len() as u64;
            let known = found.runs.len() + found.unread.len();
            let mut page: Vec<ApifyRun> = Vec::new();
            for run in data.items {
                // A run that cannot be read affects only itself.
                match RunBody::deserialize(&run) {
                    Ok(run) => page.push(run.into_run()),
                    Err(error) => {
                        tracing::error!(%error, request.what = what, "a run cannot be read");
                        let unread = UnreadRun::of(&run);
                        found.unread.extend(unread.filter(|run| !found.unread.contains(run)));
                    }
                }
            }
            let is_last = count == 0 || page.last().is_some_and(|oldest| oldest.started_at < since);
            // Runs that start in the meantime push others onto the next page, so those appear
            // twice.
            for run in page.into_iter().filter(|run| run.started_at >= since) {
                if found.runs.iter().all(|known| known.id != run.id) {
                    found.runs.push(run);
                }
            }
            offset += count;
            // If Apify gives no total, the list ends at the first page without new runs.
            let is_known = found.runs.len() + found.unread.len() == known;
            if is_last || data.total.map_or(is_known, |total| offset >= total) {
                return Ok(Some(found));
            }
        }
    }

    /// Reads a run's input; `None` if it no longer exists.
    pub async fn input(&self, run: &ApifyRun) -> Result<Option<Value>, ApifyError> {
        let what = format!("reading the input of run {}", run.id);
        let path = format!("actor-runs/{}/key-value-store/records/INPUT", run.id);
        let response = self.get(&what, &path).await?;
        response.map(|response| read(&what, &response)).transpose()
    }

    /// Makes one request, and repeats it while Apify is unavailable. `None` if the resource does
    /// not exist.
    pub(super) async fn get(
        &self,
        what: &str,
        path: &str,
    ) -> Result<Option<HttpResponse>, ApifyError> {
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
                Ok(response) => ApifyError::of(what, &response),
                Err(error) => error.into(),
            };
            let is_transient = error.is_transient();
            attempts.wait_after(error, is_transient, what).await?;
        }
    }
}

fn read<B: DeserializeOwned>(what: &str, response: &HttpResponse) -> Result<B, ApifyError> {
    json::read_mended(response.body())
        .map_err(|WrongJson { path, .. }| ApifyError::Unreadable { what: what.to_owned(), path })
}

/// Apify's envelope around everything except items and records.
#[derive(Deserialize)]
struct Data<B> {
    data: B,
}

#[derive(Deserialize)]
struct RunsBody {
    #[serde(default)]
    total: Option<u64>,
    items: Vec<Value>,
}
