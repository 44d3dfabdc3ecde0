//! Planted bugs: each changes what passes between the real functions and the outside, just as the
//! functions would if they had the bug. The first of them are defects of the system that this one
//! replaces. Nothing here may run in a schedule without a bug.
#![expect(clippy::wildcard_enum_match_arm, reason = "each place has a few of the bugs")]

mod messages;
mod requests;
mod responses;

pub(crate) use messages::{keeps_place, received, sent, waiting};
pub(crate) use requests::{instead, request};
pub(crate) use responses::response;
