//! A page of a listing, read row by row.

use super::error::AirtableError;
use super::row::Row;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most rows on a page (Airtable's limit).
const MOST_ROWS: usize = 100;

/// How many rows to request per page: 100, or fewer if the rows are too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(usize);

impl Default for PageSize {
    fn default() -> Self {
        Self(MOST_ROWS)
    }
}

impl PageSize {
    pub(super) fn rows(self) -> usize {
        self.0
    }

    /// Half the size; `None` for a single row.
    pub(super) fn smaller(self) -> Option<Self> {
        (self.0 > 1).then_some(Self(self.0 / 2))
    }

    /// Twice the size, up to Airtable's limit.
    #[must_use]
    pub fn larger(self) -> Self {
        Self((self.0 * 2).min(MOST_ROWS))
    }
}

/// Where a listing stands. The default is its start.
#[derive(Debug, Default)]
pub struct ListingAt {
    /// Where the next page is; `None` at the start and the end.
    pub offset: Option<String>,
    before: BTreeSet<String>,
}

impl ListingAt {
    /// Goes on where a page says that the next one is.
    ///
    /// # Errors
    /// [`AirtableError`] if the listing was there before: it would never end.
    pub fn go_on(&mut self, next: Option<String>) -> Result<(), AirtableError> {
        if next.as_ref().is_some_and(|next| !self.before.insert(next.clone())) {
            let reason = "the answer names an earlier page as the next page".to_owned();
            return Err(AirtableError::Unreadable { what: "a listing".to_owned(), reason });
        }
        self.offset = next;
        Ok(())
    }
}

/// At most 100 rows (external rule: Airtable).
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub records: Vec<Row>,
    /// Rows that cannot be read at all, by the ids they give. The other rows of the page are read.
    pub unreadable: Vec<String>,
    /// Where the next page starts; `None` on the last page.
    pub offset: Option<String>,
    /// How many rows were requested.
    pub size: PageSize,
}

/// [`Page`] as Airtable sends it.
#[derive(Deserialize)]
pub(super) struct RawPage {
    records: Vec<Value>,
    #[serde(default)]
    offset: Option<String>,
}

impl RawPage {
    /// Reads the page row by row. A damaged row affects only itself.
    pub(super) fn into_page(self, size: PageSize) -> Page {
        let mut records = Vec::with_capacity(self.records.len());
        let mut unreadable = Vec::new();
        for row in self.records {
            let id = row["id"].as_str().unwrap_or("a row without an id").chars().take(20).collect();
            match Row::deserialize(row) {
                Ok(row) => records.push(row),
                Err(_) => unreadable.push(id),
            }
        }
        Page { records, unreadable, offset: self.offset, size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_that_cannot_be_read_costs_the_others_of_its_page_nothing() {
        let good = json!({"id": "rec00000000000001", "fields": {"Name": "A"}});
        let records = vec![
            json!({"id": "rec\u{2026}", "fields": {}}),
            good,
            json!(7),
            json!({"id": "rec00000000000002", "fields": ["no", "object"]}),
        ];
        let page = RawPage { records, offset: None }.into_page(PageSize::default());
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.unreadable, ["rec\u{2026}", "a row without an id", "rec00000000000002"]);
    }
}
