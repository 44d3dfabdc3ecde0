//! The server's state of listings with several pages.

use super::error::ApiError;
use super::ids::Ids;
use super::query::Select;
use crate::moments::until;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a listing may be idle between two pages.
const IDLE: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(crate) struct Iterators(HashMap<String, Listing>);

/// One listing: the rows that the first page found. If a row is deleted later, its page has fewer
/// rows.
#[derive(Debug)]
struct Listing {
    table: String,
    question: Select,
    rows: Arc<[Arc<str>]>,
    last_used: Timestamp,
}

/// The requested page. Table and query must be the same for every page.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The id of the table.
    pub(crate) table: &'a str,
    pub(crate) question: &'a Select,
    pub(crate) page_size: usize,
    pub(crate) now: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Arc<str>>,
    pub(crate) offset: Option<String>,
}

impl Iterators {
    /// The first page of `rows`. If there are more rows, they get an iterator.
    pub(crate) fn first(&mut self, ids: &mut Ids, asked: &Asked<'_>, rows: Vec<Arc<str>>) -> Page {
        let &Asked { table, question, page_size, now } = asked;
        let Some(next) = rows.get(page_size) else { return Page { rows, offset: None } };
        let (_, id) = ids.draw("itr");
        let page = Page { rows: rows[..page_size].to_vec(), offset: Some(format!("{id}/{next}")) };
        let (table, question) = (table.to_owned(), question.clone());
        self.0.insert(id, Listing { table, question, rows: rows.into(), last_used: now });
        page
    }

    /// The page for an offset. The same offset can be requested again. The parameters must be those
    /// of the first page.
    pub(crate) fn next(&mut self, offset: &str, asked: &Asked<'_>) -> Result<Page, ApiError> {
        let &Asked { table, question, page_size, now } = asked;
        let invalid = || {
            ApiError::Unprocessable(
                "INVALID_OFFSET_VALUE",
                "The value of offset is invalid".to_owned(),
            )
        };
        let (id, row) = offset.split_once('/').ok_or_else(invalid)?;
        let listing = self.0.get_mut(id).ok_or(ApiError::DeadIterator)?;
        if listing.table != table {
            let message = "The offset belongs to another table";
            return Err(ApiError::Unprocessable("FAILED_STATE_CHECK", message.to_owned()));
        }
        if listing.question != *question {
            return Err(invalid());
        }
        listing.last_used = now;
        let from = listing.rows.iter().position(|known| &**known == row).ok_or_else(invalid)?;
        let to = listing.rows.len().min(from + page_size);
        let offset = listing.rows.get(to).map(|next| format!("{id}/{next}"));
        Ok(Page { rows: listing.rows[from..to].to_vec(), offset })
    }

    pub(crate) fn drop_idle(&mut self, now: Timestamp) {
        self.0.retain(|_, listing| until(listing.last_used, now) <= IDLE);
    }

    pub(crate) fn expire(&mut self) -> usize {
        let count = self.0.len();
        self.0.clear();
        count
    }
}
