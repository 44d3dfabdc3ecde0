//! Dataset items: pages, filters and formats.

use super::error::ApiError;
use super::query::{Query, invalid};
use crate::{Response, json_reply};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// The value of `X-Apify-Pagination-Limit` if no limit was requested.
const NO_LIMIT: usize = 999_999_999_999;
/// Parameters of the real API that the simulator lacks.
const NOT_SIMULATED: [&str; 4] = ["outputFields", "unwind", "flatten", "view"];

#[derive(Debug)]
pub(super) struct ItemsQuery {
    pub(super) offset: usize,
    limit: usize,
    desc: bool,
    skip_hidden: bool,
    skip_empty: bool,
    fields: Option<Vec<String>>,
    omit: Option<Vec<String>>,
    /// One item per line, instead of an array.
    lines: bool,
}

impl ItemsQuery {
    pub(super) fn read(query: &Query) -> Result<Self, ApiError> {
        query.refuse(&NOT_SIMULATED)?;
        let clean = query.switch("clean")?;
        Ok(Self {
            offset: query.count("offset")?.unwrap_or(0),
            limit: query.limit(NO_LIMIT)?,
            desc: query.switch("desc")?,
            skip_hidden: clean || query.switch("skipHidden")?,
            skip_empty: clean || query.switch("skipEmpty")?,
            fields: query.list("fields"),
            omit: query.list("omit"),
            lines: match query.get("format") {
                None | Some("json") => false,
                Some("jsonl") => true,
                Some(other) => {
                    return Err(invalid("format", other, "only json and jsonl are simulated"));
                }
            },
        })
    }

    /// A page of `items`. `total` is the reported number of items.
    ///
    /// Empty items are dropped from the page *after* it was cut, so a page may be short even if
    /// more follow.
    pub(super) fn answer(&self, items: &[Box<RawValue>], total: usize) -> Response {
        let in_order: Box<dyn Iterator<Item = &Box<RawValue>>> =
            if self.desc { Box::new(items.iter().rev()) } else { Box::new(items.iter()) };
        let read = items.len().saturating_sub(self.offset).min(self.limit);
        let page: Vec<Box<RawValue>> = in_order
            .skip(self.offset)
            .take(self.limit)
            .map(|item| self.pick(item))
            .filter(|item| !(self.skip_empty && item.get() == "{}"))
            .collect();
        let mut response = json_reply(StatusCode::OK, &page);
        if self.lines {
            let lines: String = page.iter().map(|item| format!("{item}\n")).collect();
            *response.body_mut() = lines.into();
            let kind = HeaderValue::from_static("application/jsonl; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
        }
        let headers = response.headers_mut();
        for (name, value) in [
            ("x-apify-pagination-offset", self.offset),
            ("x-apify-pagination-limit", self.limit),
            // Counts the items that were read, not those that remained.
            ("x-apify-pagination-count", read),
            ("x-apify-pagination-total", total),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        let desc = if self.desc { "true" } else { "false" };
        headers.insert("x-apify-pagination-desc", HeaderValue::from_static(desc));
        response
    }

    /// The item with only the requested top-level keys.
    fn pick(&self, item: &RawValue) -> Box<RawValue> {
        let picks = self.fields.is_some() || self.omit.is_some() || self.skip_hidden;
        let whole = serde_json::from_str::<Map<String, Value>>(item.get()).ok();
        let Some(whole) = whole.filter(|_| picks) else { return item.to_owned() };
        let listed = |list: &Option<Vec<String>>, key: &str| {
            list.as_ref().map(|names| names.iter().any(|name| name == key))
        };
        let picked: Map<String, Value> = whole
            .iter()
            .filter(|(key, _)| listed(&self.fields, key).unwrap_or(true))
            .filter(|(key, _)| !listed(&self.omit, key).unwrap_or(false))
            .filter(|(key, _)| !(self.skip_hidden && key.starts_with('#')))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        to_raw_value(&picked).expect("picked keys are plain JSON")
    }
}

/// Whether the item is empty after cleaning. `cleanItemCount` does not count such items.
pub(super) fn is_empty(item: &RawValue) -> bool {
    serde_json::from_str::<Map<String, Value>>(item.get())
        .is_ok_and(|keys| keys.keys().all(|key| key.starts_with('#')))
}
