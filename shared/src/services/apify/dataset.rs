//! A dataset, page by page and item by item.

use super::client::Apify;
use super::error::ApifyError;
use super::run::ApifyRun;
use crate::core::json;
use crate::core::unicode::mend_json;
use crate::ports::{HttpResponse, Transport, TransportError};
use crate::services::http_retry::seed_of;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Most items read from one dataset: ten posts for each of 25,000 leads.
pub const MAX_ITEMS: u64 = 250_000;
/// Items on the first page. An item can have 80 KB or more.
const FIRST_PAGE: u64 = 100;
/// Most items on a page.
const LARGEST_PAGE: u64 = 1_000;
/// The preferred size of a page, in bytes.
const PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// Most items in a row that cannot be read. After more, the server is at fault, not the items.
pub const MOST_DAMAGED: u64 = 100;

/// How the reading of a dataset ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetEnd {
    Whole,
    /// The dataset is gone: Apify deletes unnamed datasets after some days.
    Gone,
    /// It has more than [`MAX_ITEMS`] items, or never ends.
    TooLong,
    /// The same page is returned for every offset, although there should be more.
    Stuck,
    /// More than [`MOST_DAMAGED`] items in a row cannot be read.
    Damaged,
}

impl<T: Transport> Apify<T> {
    /// Reads the run's dataset item by item, to the end. `None` stands for an item that cannot be
    /// read, that is too large, or that Apify counts but does not return. The total that Apify
    /// reports lags behind by some seconds, and a page may be short. So only an empty page at or
    /// after the total is the end.
    ///
    /// # Errors
    /// [`ApifyError`]; reading changes nothing. Some items may have been passed on already.
    pub async fn items(
        &self,
        run: &ApifyRun,
        mut item: impl FnMut(Option<&Value>) + Send,
    ) -> Result<DatasetEnd, ApifyError> {
        let what = format!("reading the dataset of run {}", run.id);
        let mut place = Place { offset: 0, limit: FIRST_PAGE };
        let mut pages = BTreeSet::new();
        let (mut read, mut damaged) = (0, 0);
        while place.offset <= MAX_ITEMS {
            let Place { offset, limit } = place;
            let page = match self.page(&what, run, place).await {
                Ok(None) => return Ok(DatasetEnd::Gone),
                Ok(Some(page)) => page,
                Err(error) if is_of_the_page(&error) && limit > 1 => {
                    place.limit = limit.div_ceil(4);
                    tracing::warn!(%error, page.limit = place.limit, "a smaller page is read");
                    continue;
                }
                Err(error) if is_of_the_page(&error) => {
                    tracing::error!(%error, item.number = offset, "an item cannot be read");
                    item(None);
                    read += 1;
                    damaged += 1;
                    place.offset += 1;
                    if damaged > MOST_DAMAGED {
                        return Ok(DatasetEnd::Damaged);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            damaged = 0;
            // A server that ignores the offset always returns the same page.
            let is_new = pages.insert((page.digest, page.items.len()));
            if !page.items.is_empty() && !is_new {
                if offset >= page.total {
                    return Ok(DatasetEnd::Whole);
                }
                if !page.echoes(offset) {
                    return Ok(DatasetEnd::Stuck);
                }
            }
            page.items.iter().for_each(|it| item(it.as_ref()));
            read += page.items.len() as u64;
            match page.items.len() as u64 {
                0 if offset >= page.total => {
                    (read..page.total).for_each(|_| item(None));
                    return Ok(DatasetEnd::Whole);
                }
                0 => place.offset += limit,
                count => place = place.behind(count, page.bytes),
            }
        }
        Ok(DatasetEnd::TooLong)
    }

    /// Reads one page; `None` if the dataset is gone.
    async fn page(
        &self,
        what: &str,
        run: &ApifyRun,
        place: Place,
    ) -> Result<Option<Page>, ApifyError> {
        let dataset = match &run.dataset {
            Some(dataset) => format!("datasets/{dataset}"),
            None => format!("actor-runs/{}/dataset", run.id),
        };
        let path = format!("{dataset}/items?offset={}&limit={}", place.offset, place.limit);
        let response = self.get(what, &path).await?;
        response.map(|response| Page::read(what, &response)).transpose()
    }
}

/// Where in a dataset the next page begins, and how many items to request.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    limit: u64,
}

impl Place {
    /// The place after a page of `count` items, with a page size that suits items of this size.
    fn behind(self, count: u64, bytes: u64) -> Self {
        let fitting = PAGE_BYTES.saturating_mul(count) / bytes.max(1);
        Self { offset: self.offset + count, limit: fitting.clamp(1, LARGEST_PAGE) }
    }
}

/// Whether a smaller page may be readable although this one was not.
fn is_of_the_page(error: &ApifyError) -> bool {
    match error {
        ApifyError::Transport(TransportError::TooLarge { .. }) | ApifyError::Unreadable { .. } => {
            true
        }
        ApifyError::Transport(
            TransportError::NotSent { .. } | TransportError::AnswerLost { .. },
        )
        | ApifyError::Unavailable { .. }
        | ApifyError::NoList { .. }
        | ApifyError::Refused { .. } => false,
    }
}

struct Page {
    items: Vec<Option<Value>>,
    bytes: u64,
    /// The total number of items, according to Apify.
    total: u64,
    /// Where the page begins, according to the server.
    begins_at: Option<u64>,
    digest: u64,
}

impl Page {
    /// Reads a page item by item. A damaged item affects only itself.
    fn read(what: &str, response: &HttpResponse) -> Result<Self, ApifyError> {
        let body = response.body();
        let begins = String::from_utf8_lossy(&body[..body.len().min(16)]).into_owned();
        if !begins.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).starts_with('[') {
            return Err(ApifyError::NoList { what: what.to_owned() });
        }
        let mended;
        let raw: Vec<&RawValue> = match serde_json::from_slice(body) {
            Ok(raw) => raw,
            Err(_) => {
                mended = mend_json(body);
                serde_json::from_str(&mended).map_err(|error| ApifyError::Unreadable {
                    what: what.to_owned(),
                    path: format!("line {}, column {}", error.line(), error.column()),
                })?
            }
        };
        let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse().ok();
        Ok(Self {
            items: raw.iter().map(|item| read_item(item.get())).collect(),
            bytes: body.len() as u64,
            total: header("x-apify-pagination-total").unwrap_or(0),
            begins_at: header("x-apify-pagination-offset"),
            digest: seed_of(body),
        })
    }

    /// Whether the server confirms that the page begins at `offset`, or does not say.
    fn echoes(&self, offset: u64) -> bool {
        self.begins_at.is_none_or(|at| at == offset)
    }
}

fn read_item(text: &str) -> Option<Value> {
    json::read_mended(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::HttpRequest;
    use bytes::Bytes;
    use serde_json::json;
    use std::sync::Mutex;
    use std::time::Duration;
    use url::form_urlencoded;

    /// A dataset with these items. An answer of more than `most` bytes is too large.
    struct Server {
        items: Vec<String>,
        most: usize,
        ignores_offset: bool,
        /// Text in front of each page.
        front: &'static str,
        /// The reported total; `None` to report the number of items.
        total: Option<u64>,
        asked: Mutex<Vec<(u64, u64)>>,
    }

    impl Server {
        fn with(items: Vec<String>) -> Self {
            let (ignores_offset, front, total) = (false, "", None);
            Self { items, most: usize::MAX, ignores_offset, front, total, asked: Mutex::default() }
        }
    }

    impl Transport for Server {
        async fn send(
            &self,
            request: HttpRequest,
            _: Duration,
        ) -> Result<HttpResponse, TransportError> {
            let query = request.uri().query().unwrap_or_default();
            let number = |name: &str| {
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                pairs.find(|(key, _)| key == name).unwrap().1.parse::<u64>().unwrap()
            };
            let (offset, limit) = (number("offset"), number("limit"));
            self.asked.lock().unwrap().push((offset, limit));
            let from = if self.ignores_offset { 0 } else { offset };
            let page = self.items.iter().skip(from as usize).take(limit as usize);
            let page = page.cloned().collect::<Vec<_>>().join(",");
            let body = format!("{}[{page}]", self.front);
            if body.len() > self.most {
                return Err(TransportError::TooLarge { host: "apify".to_owned(), most: self.most });
            }
            let total = self.total.unwrap_or(self.items.len() as u64);
            let mut response = http::Response::new(Bytes::from(body));
            let headers = response.headers_mut();
            headers.insert("x-apify-pagination-total", total.into());
            headers.insert("x-apify-pagination-offset", from.into());
            Ok(response)
        }
    }

    /// The end, the number of items that were read, the number that could not be read, and the
    /// requests.
    async fn read(server: Server) -> (DatasetEnd, usize, usize, Vec<(u64, u64)>) {
        let run = json!({"id": "HG7ML7M8z78YcAPEB", "status": "SUCCEEDED",
            "startedAt": "2026-11-23T10:00:00Z", "defaultDatasetId": "d"});
        let run: super::super::run::RunBody = serde_json::from_value(run).unwrap();
        let url = "http://apify.test/v2/".parse().unwrap();
        let apify = Apify::new(server, url, "token".to_owned().into());
        let (mut whole, mut damaged) = (0, 0);
        let count = |item: Option<&Value>| match item {
            Some(_) => whole += 1,
            None => damaged += 1,
        };
        let end = apify.items(&run.into_run(), count).await.unwrap();
        let asked = apify.transport().asked.lock().unwrap().clone();
        (end, whole, damaged, asked)
    }

    fn items(count: usize, bytes: usize) -> Vec<String> {
        (0..count).map(|n| json!({"n": n, "x": "x".repeat(bytes)}).to_string()).collect()
    }

    #[tokio::test]
    async fn pages_of_small_items_grow_and_those_of_large_ones_shrink() {
        let (end, whole, _, asked) = read(Server::with(items(2_500, 10))).await;
        assert_eq!((end, whole), (DatasetEnd::Whole, 2_500));
        assert_eq!(asked.len(), 5, "{asked:?}");
        let (end, whole, _, asked) = read(Server::with(items(250, 200_000))).await;
        assert_eq!((end, whole), (DatasetEnd::Whole, 250));
        assert!(asked[1..].iter().all(|(_, limit)| *limit < 50), "{asked:?}");
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones_and_one_item_is_given_up() {
        let mut all = items(30, 1_000);
        all[7] = json!({"x": "x".repeat(9_000)}).to_string();
        let (end, whole, damaged, _) = read(Server { most: 8_000, ..Server::with(all) }).await;
        assert_eq!((end, whole, damaged), (DatasetEnd::Whole, 29, 1));
    }

    #[tokio::test]
    async fn a_server_whose_pages_are_never_readable_ends_the_reading() {
        let broken = Server { front: "[{\"x\":", ..Server::with(items(300, 10)) };
        let (end, whole, damaged, asked) = read(broken).await;
        assert_eq!((end, whole), (DatasetEnd::Damaged, 0));
        assert_eq!(damaged as u64, MOST_DAMAGED + 1);
        assert!((asked.len() as u64) < MOST_DAMAGED + 10, "{}", asked.len());
        let mut some = items(300, 1_000);
        some.iter_mut().take(60).for_each(|item| *item = json!("x".repeat(9_000)).to_string());
        some[200..260].iter_mut().for_each(|item| *item = json!("x".repeat(9_000)).to_string());
        let (end, whole, damaged, _) = read(Server { most: 8_000, ..Server::with(some) }).await;
        assert_eq!((end, whole, damaged), (DatasetEnd::Whole, 180, 120), "not all in a row");
    }

    #[tokio::test]
    async fn a_byte_order_mark_in_front_of_each_page_costs_no_item_and_no_request() {
        let (end, whole, damaged, asked) =
            read(Server { front: "\u{feff}", ..Server::with(items(150, 10)) }).await;
        assert_eq!((end, whole, damaged), (DatasetEnd::Whole, 150, 0));
        assert_eq!(asked.len(), 3, "{asked:?}");
    }

    #[tokio::test]
    async fn an_item_that_is_counted_and_not_returned_counts_as_one_that_cannot_be_read() {
        for (total, missing) in [(0, 0), (3, 0), (5, 2), (700, 697)] {
            let server = Server { total: Some(total), ..Server::with(items(3, 10)) };
            let (end, whole, damaged, _) = read(server).await;
            assert_eq!((end, whole, damaged), (DatasetEnd::Whole, 3, missing), "of {total}");
        }
    }

    #[tokio::test]
    async fn a_server_that_ignores_the_offset_ends_the_reading() {
        let few = Server { ignores_offset: true, ..Server::with(items(3, 10)) };
        assert_eq!(read(few).await.0, DatasetEnd::Whole);
        let endless =
            Server { ignores_offset: true, total: Some(0), ..Server::with(items(200, 10)) };
        let (end, _, _, asked) = read(endless).await;
        assert!(end == DatasetEnd::Whole && asked.len() < 4, "{end:?} {asked:?}");
        let more =
            Server { total: Some(9_000), ignores_offset: true, ..Server::with(items(3, 10)) };
        let (end, _, _, asked) = read(more).await;
        assert!(end == DatasetEnd::Stuck && asked.len() < 4, "{end:?} {asked:?}");
    }

    #[tokio::test]
    async fn one_item_of_broken_text_is_mended_and_a_damaged_one_costs_only_itself() {
        let mut all = items(3, 10);
        all.push(r#"{"x":"cut \ud83d"}"#.to_owned());
        all.push(format!("{}{}", "[".repeat(300), "]".repeat(300)));
        let (end, whole, damaged, _) = read(Server::with(all)).await;
        assert_eq!((end, whole, damaged), (DatasetEnd::Whole, 4, 1));
    }
}
