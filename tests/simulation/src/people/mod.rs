//! What people do during runs: they edit the bases, and an operator redrives dead letters. People
//! know names of fields and buttons. They know nothing about messages, and do not repair what the
//! functions promise to repair.

pub(crate) mod edits;
pub(crate) mod operator;
