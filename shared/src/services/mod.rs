//! Clients of the external services that two functions use: Airtable and Apify. They use the
//! service's own terms. The caller decides what a row or a run means.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

pub mod airtable;
pub mod apify;
pub mod http_retry;
