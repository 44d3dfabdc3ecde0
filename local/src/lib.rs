//! The whole system on one machine: the runtally command.

pub mod invented;
