//! Planted bugs: each changes the data between the real functions and the outside exactly as the
//! functions would if they had the bug. The first ones are defects of the previous system. Nothing
//! here may run in a schedule without a bug.
#![expect(clippy::wildcard_enum_match_arm, reason = "each place has a few of the bugs")]

mod messages;
mod requests;
mod responses;

pub(crate) use messages::{keeps_place, received, sent, waiting};
pub(crate) use requests::{instead, request};
pub(crate) use responses::response;
