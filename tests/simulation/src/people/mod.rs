//! What people do while runs go on: they edit the bases, and an operator redrives dead letters.
//! People know names of fields and buttons. They know nothing of messages, and repair nothing that
//! the functions promise to repair.

pub(crate) mod edits;
pub(crate) mod operator;
