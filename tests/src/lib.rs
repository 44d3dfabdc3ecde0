//! Whole-system tests. The tests in `tests/tests` use this library.
#![expect(missing_docs, reason = "a name that says all has no comment")]

pub mod conformance;
mod harness;

pub use harness::*;
