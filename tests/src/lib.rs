//! Whole-system tests. This library is what the tests in `tests/tests` are written with.
#![expect(missing_docs, reason = "a name that says all has no comment")]

pub mod conformance;
mod harness;

pub use harness::*;
