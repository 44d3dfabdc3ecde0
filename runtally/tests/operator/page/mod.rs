//! The page of `runtally serve`, as a browser without JavaScript sees it. Each file holds one
//! subject; [`seen`] starts the system and requests its pages. The script of the page does not
//! belong here: `tests/browser` runs it.

mod actions;
mod guard;
mod live;
mod odd;
mod runs;
mod seen;
