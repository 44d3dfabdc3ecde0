//! The whole system on one machine: the runtally command.
