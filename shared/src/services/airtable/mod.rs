//! The client of Airtable's Web API: reads, updates by record id, upserts on a merge key.
//!
//! It keeps each base's request limit, waits after a 429, and repeats only requests that can safely
//! be repeated. External rules: Airtable Web API, sections on listing, upserting, errors and rate
//! limits.

mod client;
mod error;
pub mod formula;
mod limiter;
mod limiter_of_user;
mod listing;
mod meta;
mod page;
pub mod profile_urls;
mod rate;
mod row;
mod table;

pub use client::Airtable;
pub(crate) use client::MAX_RECORDS;
pub use error::AirtableError;
pub use limiter::{BaseSlots, Limiters};
pub use listing::{ListQuery, PageAt};
pub use meta::Identity;
pub use page::{ListingAt, Page, PageSize};
pub use rate::{MAX_CHUNK_LANES, PLAN_LANES, Rate};
pub use row::{OddCell, Row, Update, Upserted, oldest_first};
pub use table::{FieldOptions, FieldSchema, Named, TableSchema};
