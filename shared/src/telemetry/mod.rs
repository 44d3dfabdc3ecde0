//! What operators see of a function: log lines and CloudWatch metrics, both on standard output.
//! Nothing here decides anything, and nothing here may hold a post's text or a secret.

mod emf;
pub mod logs;
mod metric;
pub mod metrics;
pub mod trace;
