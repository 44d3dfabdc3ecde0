//! Clients of the outside services that two functions use: Airtable and Apify. They speak the
//! service's own language; what a row or a run means is decided by the caller.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

pub mod airtable;
pub mod apify;
pub mod http_retry;
