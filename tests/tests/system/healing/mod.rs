//! Records that heal: whatever happened to a run, the next tick repairs its record. Each file holds
//! one kind of damage; [`stage`] makes the run that is damaged. Errors during the work of the
//! functions do not belong here.

mod missed;
mod records;
mod retry;
mod stage;
