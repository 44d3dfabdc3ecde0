//! What operators see of a function: log lines and CloudWatch metrics, both on standard output.
//! This module makes no decisions, and its output must never contain a post's text or a secret.

mod emf;
pub mod logs;
mod metric;
pub mod metrics;
pub mod trace;
