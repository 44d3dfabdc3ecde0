//! Leads that wait are scored: one client's or every active client's, posts or profiles.
//! Each file holds one subject; [`stage`] lets leads wait and asks for them.
//! Harvests that are scored as they come in must not enter here.

mod chosen;
mod limits;
mod stage;
mod tasks;
