//! The requests themselves.

use super::error::AirtableError;
use super::limiter::Limiters;
use super::row::{Row, Update, Upserted};
use super::table::TableSchema;
use crate::core::ids::BaseId;
use crate::core::json::{self, WrongJson};
use crate::ports::{HttpRequest, HttpResponse, Transport};
use crate::services::http_retry::{Attempts, RetryPolicy, seed_of};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Most records in one write (Airtable's limit).
pub(crate) const MAX_RECORDS: usize = 10;
/// How long a base answers no request after a 429 (Airtable's rule).
const PENALTY: Duration = Duration::from_secs(30);
/// Without an answer in this time, the answer counts as lost.
const TIMEOUT: Duration = Duration::from_secs(20);
pub(super) const RETRY: RetryPolicy =
    RetryPolicy { first: Duration::from_millis(500), longest: Duration::from_secs(8), attempts: 4 };

/// A client of Airtable's Web API. It keeps the limit of 5 requests a second per base.
pub struct Airtable<T> {
    transport: T,
    url: Url,
    token: SecretString,
    limiters: Arc<Limiters>,
    /// The ids of fields, by the names they had when a schema was read.
    ids: Mutex<BTreeMap<(BaseId, String), FieldIds>>,
    /// Whether a request is made only once, and not at all while its base answers nothing.
    is_impatient: bool,
    /// Whether its requests go before other requests with tokens of the same user.
    is_urgent: bool,
}

/// The ids of a table's fields by name.
type FieldIds = BTreeMap<String, String>;

pub(super) struct Call<'a> {
    /// What the call does, for logs and errors.
    pub(super) what: &'a str,
    pub(super) method: Method,
    /// The path below the API's root, with each segment encoded.
    pub(super) path: String,
    pub(super) body: Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upsert<'a> {
    perform_upsert: BTreeMap<&'a str, &'a [&'a str]>,
    records: Vec<BTreeMap<&'a str, &'a Map<String, Value>>>,
}

/// Airtable's answer to an update.
#[derive(Deserialize)]
struct Updated {
    records: Vec<Row>,
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<TableSchema>,
}

impl<T: Transport> Airtable<T> {
    /// A client of the API at `url` (`https://api.airtable.com`) that waits for its turn in
    /// `limiters`.
    pub fn new(transport: T, url: Url, token: SecretString, limiters: Arc<Limiters>) -> Self {
        Self {
            transport,
            url,
            token,
            limiters,
            ids: Mutex::default(),
            is_impatient: false,
            is_urgent: false,
        }
    }

    /// A client that makes each request only once. Use it if a person is waiting and prefers an
    /// error to a long wait.
    #[must_use]
    pub fn impatient(self) -> Self {
        Self { is_impatient: true, ..self }
    }

    /// A client whose requests wait only for their base, not behind requests to many other bases.
    /// Use it for requests that show the progress of all bases.
    #[must_use]
    pub fn urgent(self) -> Self {
        Self { is_urgent: true, ..self }
    }

    /// Writes cells of up to 10 rows: all of them or, on an error, none. An answer that does not
    /// name the rows does not count as a success, because it may come from a proxy.
    ///
    /// # Errors
    /// [`AirtableError`]; after a lost answer the cells may be written. Writing them again changes
    /// nothing.
    pub async fn update(
        &self,
        base: &BaseId,
        table: &str,
        updates: &[Update],
    ) -> Result<(), AirtableError> {
        let what = format!("updating {table} of {base}");
        let (path, body): (_, Bytes) =
            (table_path(base, table), json::text(&BTreeMap::from([("records", updates)])).into());
        let call = Call { what: &what, method: Method::PATCH, path, body };
        self.write(base, &call, |response| check_updated(&what, response, updates)).await
    }

    /// Updates up to 10 rows, found by the fields `merge_on`, and creates the rows that are not
    /// found. No two of `rows` may have the same merge key. A success that does not name each of them
    /// counts as a failure, as with [`Self::update`].
    ///
    /// # Errors
    /// [`AirtableError`]; it is a refusal if a key matches more than one row.
    pub async fn upsert(
        &self,
        base: &BaseId,
        table: &str,
        merge_on: &[&str],
        rows: &[Map<String, Value>],
    ) -> Result<Upserted, AirtableError> {
        let what = format!("upserting {table} of {base}");
        let body = Upsert {
            perform_upsert: [("fieldsToMergeOn", merge_on)].into(),
            records: rows.iter().map(|fields| [("fields", fields)].into()).collect(),
        };
        let (path, body): (_, Bytes) = (table_path(base, table), json::text(&body).into());
        let call = Call { what: &what, method: Method::PATCH, path, body };
        let all = |upserted: &Upserted| upserted.records.len() == rows.len();
        let check = |response: &HttpResponse| {
            let upserted = read::<Upserted>(&what, response)?;
            Some(upserted).filter(all).ok_or_else(|| names_too_few(&what))
        };
        self.write(base, &call, check).await
    }

    /// Makes a request that writes, and repeats it as long as the answer is not what `check` expects.
    async fn write<B>(
        &self,
        base: &BaseId,
        call: &Call<'_>,
        check: impl Fn(&HttpResponse) -> Result<B, AirtableError>,
    ) -> Result<B, AirtableError> {
        let mut attempts = RETRY.begin(seed_of(&call.body));
        loop {
            let response = self.send_patiently(base, call, &mut attempts).await?;
            match check(&response) {
                Ok(written) => return Ok(written),
                Err(error) => attempts.wait_after(error, !self.is_impatient, call.what).await?,
            }
        }
    }

    /// Reads the base's tables and fields.
    ///
    /// # Errors
    /// [`AirtableError::Denied`] if the token lacks the scope `schema.bases:read`.
    pub async fn tables(&self, base: &BaseId) -> Result<Vec<TableSchema>, AirtableError> {
        let what = format!("reading the schema of {base}");
        let path = format!("v0/meta/bases/{base}/tables");
        let response = self
            .request(base, Call { what: &what, method: Method::GET, path, body: Bytes::new() })
            .await?;
        let tables = read::<Tables>(&what, &response)?.tables;
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        for table in &tables {
            let known = ids.entry((base.clone(), table.name.clone())).or_default();
            let fields = table.fields.iter().filter(|field| !field.id.is_empty());
            known.extend(fields.map(|field| (field.name.clone(), field.id.clone())));
        }
        Ok(tables)
    }

    /// The current name of a field in `table` that was called `field` when this client last read
    /// the schema, or whose name looks the same; `None` if it was not renamed.
    pub fn renamed(&self, base: &BaseId, table: &TableSchema, field: &str) -> Option<String> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = ids.get(&(base.clone(), table.name.clone()));
        let of_id =
            |id: &String| table.fields.iter().find(|known| known.id == *id && known.name != field);
        let is_there = || table.fields.iter().any(|known| known.name == field);
        let alike = || table.alike(field).filter(|_| !is_there());
        let found = ids.and_then(|ids| ids.get(field)).and_then(of_id).or_else(alike)?;
        Some(found.name.clone())
    }

    /// Makes one request in its turn, and retries it. This is safe: every request of this client
    /// only reads, names record ids, or has a merge key.
    pub(super) async fn request(
        &self,
        base: &BaseId,
        call: Call<'_>,
    ) -> Result<HttpResponse, AirtableError> {
        let mut attempts = RETRY.begin(seed_of(&call.body));
        self.send_patiently(base, &call, &mut attempts).await
    }

    async fn send_patiently(
        &self,
        base: &BaseId,
        call: &Call<'_>,
        attempts: &mut Attempts,
    ) -> Result<HttpResponse, AirtableError> {
        loop {
            match self.send(base, call).await {
                Ok(response) => return Ok(response),
                Err(error) => self.wait_after(attempts, error, call.what).await?,
            }
        }
    }

    /// Waits before a request is repeated.
    ///
    /// # Errors
    /// `error`, if a repetition is useless or this client is impatient.
    pub(super) async fn wait_after(
        &self,
        attempts: &mut Attempts,
        error: AirtableError,
        what: &str,
    ) -> Result<(), AirtableError> {
        let transient = error.is_transient() && !self.is_impatient;
        attempts.wait_after(error, transient, what).await
    }

    /// Makes one request in its turn, without retries.
    pub(super) async fn send(
        &self,
        base: &BaseId,
        call: &Call<'_>,
    ) -> Result<HttpResponse, AirtableError> {
        let limiter = self.limiters.base(base);
        let request = self.build(call);
        let Some(_base_turn) = limiter.turn_or_none(!self.is_impatient).await else {
            return Err(AirtableError::RateLimited { base: base.to_string() });
        };
        let _user_turn = self.limiters.user().turn(self.is_urgent).await;
        let begun = Instant::now();
        let sent = self.transport.send(request, TIMEOUT).await;
        let status = sent.as_ref().ok().map(HttpResponse::status);
        crate::telemetry::metrics::airtable_request(status, begun.elapsed());
        let response = sent?;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            limiter.penalise(PENALTY);
        }
        if response.status().is_success() {
            return Ok(response);
        }
        Err(AirtableError::of(call.what, base.as_str(), &response))
    }

    fn build(&self, call: &Call<'_>) -> HttpRequest {
        let url = self.url.join(&call.path).expect("the path is made of encoded segments");
        http::Request::builder()
            .method(&call.method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(call.body.clone())
            .expect("configuration checked that the token is a header value")
    }
}

/// Checks that the answer names all rows that were to be written.
fn check_updated(
    what: &str,
    response: &HttpResponse,
    updates: &[Update],
) -> Result<(), AirtableError> {
    let Updated { records } = read(what, response)?;
    let is_named = |update: &Update| records.iter().any(|row| row.id == update.id);
    if updates.iter().all(is_named) {
        return Ok(());
    }
    Err(names_too_few(what))
}

fn names_too_few(what: &str) -> AirtableError {
    let reason = "it does not name the rows that were to be written".to_owned();
    AirtableError::Unreadable { what: what.to_owned(), reason }
}

pub(super) fn table_path(base: &BaseId, table: &str) -> String {
    format!("v0/{base}/{}", utf8_percent_encode(table, NON_ALPHANUMERIC))
}

pub(super) fn read<B: DeserializeOwned>(
    what: &str,
    response: &HttpResponse,
) -> Result<B, AirtableError> {
    json::read(response.body()).map_err(|WrongJson { path, .. }| AirtableError::Unreadable {
        what: what.to_owned(),
        reason: format!("wrong or missing data at `{path}`"),
    })
}
