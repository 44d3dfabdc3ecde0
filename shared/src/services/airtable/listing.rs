//! Reads rows, page by page.

use super::client::{Airtable, Call, RETRY, read, table_path};
use super::error::AirtableError;
use super::formula::Formula;
use super::page::{ListingAt, Page, PageSize, RawPage};
use super::row::Row;
use crate::core::ids::{BaseId, RecordId};
use crate::core::json;
use crate::ports::Transport;
use crate::services::http_retry::seed_of;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// After this many pages of one size, a larger size is tried again.
const GOOD_PAGES: u32 = 4;

/// Which cells of which rows to read. By default, all of them.
#[derive(Debug, Default)]
pub struct ListQuery<'a> {
    /// Only these fields; empty for all. A field that the table lacks causes a refusal.
    pub fields: &'a [&'a str],
    pub formula: Option<Formula>,
}

/// Where in a listing a page begins. By default, at the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageAt<'a> {
    /// Only the rows of this view, in its order.
    pub view: Option<&'a str>,
    /// The offset from the previous page; `None` for the first page.
    pub offset: Option<&'a str>,
    /// How many rows to request.
    pub size: PageSize,
}

impl<T: Transport> Airtable<T> {
    /// Reads rows from all pages.
    pub async fn list(
        &self,
        base: &BaseId,
        table: &str,
        query: &ListQuery<'_>,
    ) -> Result<Vec<Row>, AirtableError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut known: BTreeSet<RecordId> = BTreeSet::new();
        let mut listing = ListingAt::default();
        let mut size = PageSize::default();
        let (mut restarts, mut good) = (0, 0);
        loop {
            let at = PageAt { view: None, offset: listing.offset.as_deref(), size };
            match self.page(base, table, query, at).await {
                Ok(page) => {
                    // In a long listing, a single page may be slow or large, so the size grows
                    // again.
                    good = if page.size == size { good + 1 } else { 0 };
                    size = page.size;
                    if good == GOOD_PAGES {
                        (good, size) = (0, size.larger());
                    }
                    // A row that is moved during the listing may be on two pages.
                    rows.extend(page.records.into_iter().filter(|it| known.insert(it.id.clone())));
                    listing.go_on(page.offset)?;
                    if listing.offset.is_none() {
                        return Ok(rows);
                    }
                }
                Err(error) if error.is_lost_listing() && restarts < 3 => {
                    restarts += 1;
                    rows.clear();
                    known.clear();
                    listing = ListingAt::default();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads one page of at most 100 rows. If the rows are so large that the answer exceeds the
    /// limit, or that Airtable times out, the page is requested again with fewer rows.
    ///
    /// # Errors
    /// [`AirtableError`]. After [`AirtableError::is_lost_listing`], start the listing again. See
    /// also [`AirtableError::is_unknown_view`].
    pub async fn page(
        &self,
        base: &BaseId,
        table: &str,
        query: &ListQuery<'_>,
        at: PageAt<'_>,
    ) -> Result<Page, AirtableError> {
        let what = format!("listing {table} of {base}");
        let path = format!("{}/listRecords", table_path(base, table));
        let mut size = at.size;
        let body = |size| json::text(&list_body(query, PageAt { size, ..at })).into();
        let mut call = Call { what: &what, method: Method::POST, path, body: body(size) };
        let mut attempts = RETRY.begin(seed_of(&call.body));
        let response = loop {
            let error = match self.send(base, &call).await {
                Ok(response) => break response,
                Err(error) => error,
            };
            let smaller = size.smaller().filter(|_| error.may_be_too_large());
            // An answer above the limit stays above it, so there is no wait before the smaller
            // request.
            if smaller.is_none() || !error.is_too_large() {
                self.wait_after(&mut attempts, error, &what).await?;
            }
            size = smaller.unwrap_or(size);
            call.body = body(size);
        };
        let page = read::<RawPage>(&what, &response)?.into_page(size);
        for row in &page.unreadable {
            tracing::error!(airtable.record = row, request.what = what, "a row cannot be read");
        }
        Ok(page)
    }
}

fn list_body(query: &ListQuery<'_>, at: PageAt<'_>) -> Value {
    let mut body = json!({"pageSize": at.size.rows()});
    if !query.fields.is_empty() {
        body["fields"] = json!(query.fields);
    }
    if let Some(formula) = &query.formula {
        body["filterByFormula"] = json!(formula.as_str());
    }
    if let Some(view) = at.view {
        body["view"] = json!(view);
    }
    if let Some(offset) = at.offset {
        body["offset"] = json!(offset);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::{HttpRequest, HttpResponse, TransportError};
    use crate::services::airtable::{Limiters, Rate};
    use bytes::Bytes;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    use tokio::time::Instant;

    const ROWS: usize = 100;

    /// A table in which pages of more than `most` rows cause `failure`.
    #[derive(Clone)]
    struct Heavy {
        most: usize,
        failure: TransportError,
        takes: Duration,
        /// How many rows each request requested.
        asked: Arc<Mutex<Vec<usize>>>,
    }

    impl Transport for Heavy {
        async fn send(
            &self,
            request: HttpRequest,
            _: Duration,
        ) -> Result<HttpResponse, TransportError> {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
            let size = number(&body["pageSize"]);
            self.asked.lock().unwrap().push(size);
            if size > self.most {
                tokio::time::sleep(self.takes).await;
                return Err(self.failure.clone());
            }
            let from: usize = body["offset"].as_str().map_or(0, |offset| offset.parse().unwrap());
            let until = ROWS.min(from + size);
            let row = |number| json!({"id": format!("rec{number:014}"), "createdTime": "2026-11-23T10:00:00Z", "fields": {}});
            let mut page = json!({"records": (from..until).map(row).collect::<Vec<_>>()});
            if until < ROWS {
                page["offset"] = json!(until.to_string());
            }
            Ok(http::Response::new(Bytes::from(page.to_string())))
        }
    }

    /// Lists the table. Returns how many rows came, if any, and how many each request requested.
    async fn listed(
        most: usize,
        failure: TransportError,
        takes: u64,
    ) -> (Option<usize>, Vec<usize>) {
        let takes = Duration::from_secs(takes);
        let heavy = Heavy { most, failure, takes, asked: Arc::default() };
        let rate = Rate { requests: 1_000, per: Duration::from_millis(1) };
        let url = "https://api.airtable.com".parse().unwrap();
        let limiters = Arc::new(Limiters::of_one_process(rate));
        let airtable = Airtable::new(heavy.clone(), url, "pat".to_owned().into(), limiters);
        let base = "appX8s1pPiBf5rqTz".parse().unwrap();
        let rows = airtable.list(&base, "Leads", &ListQuery::default()).await;
        let asked = heavy.asked.lock().unwrap().clone();
        (rows.ok().map(|rows| rows.len()), asked)
    }

    fn too_large() -> TransportError {
        TransportError::TooLarge { host: "airtable".to_owned(), most: 1 }
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_is_too_large_to_read_is_asked_for_with_fewer_rows_at_once() {
        let begun = Instant::now();
        let listed = listed(25, too_large(), 0).await;
        assert_eq!(listed, (Some(ROWS), vec![100, 50, 25, 25, 25, 25]));
        assert!(begun.elapsed() < Duration::from_millis(500), "nothing is waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_takes_airtable_too_long_is_asked_for_with_fewer_rows() {
        let (host, reason) =
            ("airtable".to_owned(), "no complete answer within 20000 ms".to_owned());
        let lost = TransportError::AnswerLost { host, reason };
        let listed = listed(25, lost, 20).await;
        assert_eq!(listed, (Some(ROWS), vec![100, 50, 25, 25, 25, 25]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_row_that_is_too_large_is_not_read_again_and_again() {
        assert_eq!(listed(0, too_large(), 0).await, (None, vec![100, 50, 25, 12, 6, 3, 1]));
    }

    /// Answers each request depending on its number and body.
    struct Answers<F>(AtomicUsize, F);

    impl<F> Transport for Answers<F>
    where
        F: Fn(usize, &Value) -> Result<Value, TransportError> + Send + Sync + 'static,
    {
        async fn send(
            &self,
            request: HttpRequest,
            _: Duration,
        ) -> Result<HttpResponse, TransportError> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            let body = serde_json::from_slice(request.body()).unwrap();
            self.1(number, &body).map(|page| http::Response::new(Bytes::from(page.to_string())))
        }
    }

    async fn list_of(
        answers: impl Fn(usize, &Value) -> Result<Value, TransportError> + Send + Sync + 'static,
    ) -> Result<Vec<String>, AirtableError> {
        let rate = Rate { requests: 1_000, per: Duration::from_millis(1) };
        let url = "https://api.airtable.com".parse().unwrap();
        let limiters = Arc::new(Limiters::of_one_process(rate));
        let transport = Answers(AtomicUsize::new(0), answers);
        let airtable = Airtable::new(transport, url, "pat".to_owned().into(), limiters);
        let base = "appX8s1pPiBf5rqTz".parse().unwrap();
        let rows = airtable.list(&base, "Leads", &ListQuery::default()).await?;
        Ok(rows.into_iter().map(|row| row.id.as_str()[14..].to_owned()).collect())
    }

    fn page(rows: &[u32], offset: Option<&str>) -> Value {
        let row = |number| json!({"id": format!("rec{number:014}"), "fields": {}});
        json!({"records": rows.iter().map(row).collect::<Vec<_>>(), "offset": offset})
    }

    #[tokio::test(start_paused = true)]
    async fn one_slow_page_does_not_make_the_rest_of_a_long_listing_short() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let listed = list_of(move |number, body| {
            noted.lock().unwrap().push(body["pageSize"].as_u64().unwrap());
            if number == 0 {
                return Err(too_large());
            }
            let next = number.to_string();
            Ok(page(&[u32::try_from(number).unwrap()], (number < 8).then_some(&*next)))
        });
        assert_eq!(listed.await.unwrap().len(), 8);
        assert_eq!(*asked.lock().unwrap(), [100, 50, 50, 50, 50, 50, 100, 100, 100]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_stands_on_two_pages_is_one_row() {
        let pages = [page(&[1, 2], Some("a")), page(&[2, 3], None)];
        let listed = list_of(move |number, _| Ok(pages[number].clone())).await;
        assert_eq!(listed.unwrap(), ["001", "002", "003"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_listing_that_does_not_go_on_ends_with_an_error() {
        for offsets in [["a", "a", "a"], ["a", "b", "a"]] {
            let next = move |number: usize| Some(offsets[number % 3]);
            let error = list_of(move |number, _| Ok(page(&[1], next(number)))).await.unwrap_err();
            let says = "names an earlier page as the next page";
            assert!(error.is_retryable() && error.to_string().contains(says), "{error}");
        }
    }
}
