//! The parameters of a listing, from a query string or a body.

use super::body;
use super::error::ApiError;
use super::render::{Shape, as_text};
use crate::Request;
use crate::reply::parameters;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

const MAX_PAGE: usize = 100;

#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) shape: Shape,
    pub(crate) select: Select,
    pub(crate) page_size: usize,
    pub(crate) offset: Option<String>,
}

/// Which rows to list, in which order. It must be the same for every page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Select {
    pub(crate) filter: Option<String>,
    pub(crate) view: Option<String>,
    pub(crate) sort: Vec<Sort>,
    pub(crate) max_records: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) field: String,
    pub(crate) descending: bool,
}

impl Query {
    /// Reads the query string of a GET. Unknown parameters are ignored.
    pub(crate) fn from_url(request: &Request) -> Result<Self, ApiError> {
        let pairs = parameters(request);
        let mut shape = Shape::read(&pairs)?;
        let mut select = Select::default();
        let (mut page_size, mut offset) = (MAX_PAGE, None);
        let mut sorts: BTreeMap<usize, (Option<&str>, &str)> = BTreeMap::new();
        for (key, value) in &pairs {
            match key.as_str() {
                "filterByFormula" => select.filter = Some(value.clone()),
                "view" => select.view = Some(value.clone()),
                "offset" => offset = Some(value.clone()),
                "maxRecords" => select.max_records = Some(count(value.parse().ok(), usize::MAX)?),
                "pageSize" => page_size = count(value.parse().ok(), MAX_PAGE)?,
                _ => {}
            }
            match brackets(key).as_deref() {
                Some(["fields", _]) => shape.fields.push(value.clone()),
                Some(["recordMetadata", _]) => comment_count(&mut shape, value)?,
                Some(["sort", index, part]) => {
                    let index = index.parse().map_err(|_| ApiError::InvalidRequest)?;
                    let sort = sorts.entry(index).or_insert((None, "asc"));
                    match *part {
                        "field" => sort.0 = Some(value),
                        "direction" => sort.1 = value,
                        _ => return Err(ApiError::InvalidRequest),
                    }
                }
                Some(_) | None => {}
            }
        }
        for (field, direction) in sorts.into_values() {
            select.sort.push(Sort::read(field, direction)?);
        }
        Ok(Self { shape, select: select.without_empty(), page_size, offset: given(offset) })
    }

    /// Reads the body of a POST. Zone and locale stay in the query string.
    pub(crate) fn from_body(request: &Request) -> Result<Self, ApiError> {
        let body: ListBody = body::read(request)?;
        let mut shape = Shape {
            fields: body.fields,
            by_field_id: body.return_fields_by_field_id.unwrap_or_default(),
            as_text: as_text(body.cell_format.as_deref(), &parameters(request))?,
            comment_count: false,
        };
        for value in &body.record_metadata {
            comment_count(&mut shape, value)?;
        }
        let sort = |SortBody { field, direction }| {
            Sort::read(field.as_deref(), direction.as_deref().unwrap_or("asc"))
        };
        let select = Select {
            filter: body.filter_by_formula,
            view: body.view,
            sort: body.sort.into_iter().map(sort).collect::<Result<_, _>>()?,
            max_records: body.max_records.map(|max| count(Some(max), usize::MAX)).transpose()?,
        };
        Ok(Self {
            shape,
            select: select.without_empty(),
            page_size: body.page_size.map_or(Ok(MAX_PAGE), |size| count(Some(size), MAX_PAGE))?,
            offset: given(body.offset),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some keys are taken and have no effect")]
struct ListBody {
    #[serde(default)]
    fields: Vec<String>,
    filter_by_formula: Option<String>,
    max_records: Option<u64>,
    page_size: Option<u64>,
    #[serde(default)]
    sort: Vec<SortBody>,
    view: Option<String>,
    cell_format: Option<String>,
    return_fields_by_field_id: Option<bool>,
    #[serde(default)]
    record_metadata: Vec<String>,
    offset: Option<String>,
    // airtable.js sends these in the body. Zone and locale count only in the query string.
    method: Option<IgnoredAny>,
    time_zone: Option<IgnoredAny>,
    user_locale: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SortBody {
    field: Option<String>,
    direction: Option<String>,
}

impl Select {
    /// Treats an empty formula or view as missing.
    fn without_empty(mut self) -> Self {
        self.filter = self.filter.filter(|text| !text.trim().is_empty());
        self.view = self.view.filter(|text| !text.is_empty());
        self
    }
}

impl Sort {
    fn read(field: Option<&str>, direction: &str) -> Result<Self, ApiError> {
        let descending = match direction {
            "asc" => false,
            "desc" => true,
            _ => return Err(ApiError::InvalidRequest),
        };
        let field = field.ok_or(ApiError::InvalidRequest)?.to_owned();
        Ok(Self { field, descending })
    }
}

/// An empty offset requests the first page.
fn given(offset: Option<String>) -> Option<String> {
    offset.filter(|offset| !offset.is_empty())
}

/// The three parts of a key such as `sort[0][field]`; `None` for a key without brackets.
fn brackets(key: &str) -> Option<Vec<&str>> {
    let inner = key.strip_suffix(']')?;
    let (name, rest) = inner.split_once('[')?;
    Some(std::iter::once(name).chain(rest.split("][")).collect())
}

fn comment_count(shape: &mut Shape, value: &str) -> Result<(), ApiError> {
    if value != "commentCount" {
        return Err(ApiError::InvalidRequest);
    }
    shape.comment_count = true;
    Ok(())
}

/// A count from 1 to `max`.
fn count(value: Option<u64>, max: usize) -> Result<usize, ApiError> {
    let count = value.and_then(|count| usize::try_from(count).ok());
    count.filter(|count| (1..=max).contains(count)).ok_or(ApiError::InvalidRequest)
}
