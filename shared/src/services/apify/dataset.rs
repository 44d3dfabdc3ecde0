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

/// Most items of one dataset that are read: ten posts of each of 25,000 leads.
pub const MAX_ITEMS: u64 = 250_000;
/// Items of the first page: an item can have 80 KB and more.
const FIRST_PAGE: u64 = 100;
/// Most items of a page.
const LARGEST_PAGE: u64 = 1_000;
/// The size that a page should have, in bytes.
const PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// How the reading of a dataset ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetEnd {
    Whole,
    /// It is gone: Apify deletes unnamed datasets after some days.
    Gone,
    /// It has more than [`MAX_ITEMS`] items, or never ends.
    TooLong,
    /// The same page comes whatever page is asked for, and there is said to be more.
    Stuck,
}

impl<T: Transport> Apify<T> {
    /// Reads the run's dataset item by item, to the end. `None` stands for an item that cannot be
    /// read, by itself or because it is too large. The total that Apify reports lags some seconds
    /// behind, and a page may be short: the end is an empty page at or behind the total.
    ///
    /// # Errors
    /// [`ApifyError`]; reading changes nothing. Some items may have been given by then.
    pub async fn items(
        &self,
        run: &ApifyRun,
        mut item: impl FnMut(Option<&Value>) + Send,
    ) -> Result<DatasetEnd, ApifyError> {
        let what = format!("reading the dataset of run {}", run.id);
        let mut place = Place { offset: 0, limit: FIRST_PAGE };
        let mut pages = BTreeSet::new();
        while place.offset <= MAX_ITEMS {
            let Place { offset, limit } = place;
            let path = format!("datasets/{}/items?offset={offset}&limit={limit}", run.dataset);
            let page = match self.get(&what, &path).await {
                Ok(None) => return Ok(DatasetEnd::Gone),
                Ok(Some(response)) => Page::read(&what, &response),
                Err(error) => Err(error),
            };
            let page = match page {
                Ok(page) => page,
                Err(error) if is_of_the_page(&error) && limit > 1 => {
                    place.limit = limit.div_ceil(4);
                    tracing::warn!(%error, page.limit = place.limit, "a smaller page is read");
                    continue;
                }
                Err(error) if is_of_the_page(&error) => {
                    tracing::error!(%error, item.number = offset, "an item cannot be read");
                    item(None);
                    place.offset += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            // A server that ignores the offset gives the same page again and again.
            let is_new = pages.insert((page.digest, page.items.len()));
            if !page.items.is_empty() && !is_new {
                if offset >= page.total {
                    return Ok(DatasetEnd::Whole);
                }
                if !page.echoes(offset) {
                    return Ok(DatasetEnd::Stuck);
                }
            }
            for read in &page.items {
                item(read.as_ref());
            }
            match page.items.len() as u64 {
                0 if offset >= page.total => return Ok(DatasetEnd::Whole),
                0 => place.offset += limit,
                count => place = place.behind(count, page.bytes),
            }
        }
        Ok(DatasetEnd::TooLong)
    }
}

/// Where in a dataset the next page begins, and how long it is to be.
#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    limit: u64,
}

impl Place {
    /// The place behind a page of `count` items, with a size that suits items like these.
    fn behind(self, count: u64, bytes: u64) -> Self {
        let fitting = PAGE_BYTES.saturating_mul(count) / bytes.max(1);
        Self { offset: self.offset + count, limit: fitting.clamp(1, LARGEST_PAGE) }
    }
}

/// Whether a smaller page might be read where this one was not.
fn is_of_the_page(error: &ApifyError) -> bool {
    match error {
        ApifyError::Transport(TransportError::TooLarge { .. }) | ApifyError::Unreadable { .. } => {
            true
        }
        ApifyError::Transport(
            TransportError::NotSent { .. } | TransportError::AnswerLost { .. },
        )
        | ApifyError::Unavailable { .. }
        | ApifyError::Refused { .. } => false,
    }
}

struct Page {
    items: Vec<Option<Value>>,
    bytes: u64,
    /// How many items there are in all, as far as Apify says.
    total: u64,
    /// Where the server says that the page begins.
    begins_at: Option<u64>,
    digest: u64,
}

impl Page {
    /// Reads a page item by item, so that a damaged one costs only itself.
    fn read(what: &str, response: &HttpResponse) -> Result<Self, ApifyError> {
        let body = response.body();
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

    /// Whether the server does not deny that the page begins at `offset`.
    fn echoes(&self, offset: u64) -> bool {
        self.begins_at.is_none_or(|at| at == offset)
    }
}

fn read_item(text: &str) -> Option<Value> {
    json::read_mended(text.as_bytes()).ok()
}
