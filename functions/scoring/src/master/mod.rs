//! The master base: which clients exist, which run a harvest belongs to, and what runs have used.
//! This module only reads the master base. It decides nothing about leads, calls no model, reads no
//! client's base and uses no queue.

pub(crate) mod clients;
pub(crate) mod nobodys;
mod records;
pub(crate) mod resolve;
pub(crate) mod rows;
mod served;
pub(crate) mod spending;
