//! Whole-system tests. This library is what the tests in `tests/tests` are written with.

pub mod conformance;
mod harness;
pub mod simulation;

pub use harness::*;
