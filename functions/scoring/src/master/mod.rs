//! The master base: which clients there are, which run a harvest belongs to, what runs have used.
//! Everything here reads the master base and decides nothing about leads.
//! No model call, no row of a client's base and no queue may enter.

pub(crate) mod clients;
pub(crate) mod nobodys;
mod records;
pub(crate) mod resolve;
pub(crate) mod rows;
pub(crate) mod spending;
