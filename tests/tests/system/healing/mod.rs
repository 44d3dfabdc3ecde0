//! Records that heal: whatever happened to a run, the next tick puts its record right.
//! Each file holds one kind of harm; [`stage`] makes the run that is harmed.
//! Errors that the functions meet while they work must not enter here.

mod missed;
mod records;
mod retry;
mod stage;
