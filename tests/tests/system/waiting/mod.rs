//! Scoring of waiting leads: one client's or every active client's, posts or profiles. Each file
//! holds one subject; [`stage`] makes leads wait and requests their scoring. Harvests that are
//! scored as they come in do not belong here.

mod chosen;
mod limits;
mod stage;
mod tasks;
