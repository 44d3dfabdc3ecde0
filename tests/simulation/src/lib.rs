//! Deterministic simulation of the whole system.
//!
//! One seed is one *schedule*: the real functions, clients, fold and upsert over the three ports,
//! in one thread on paused time, while the seed decides how long every step takes, what goes wrong
//! and what people do meanwhile. Every await on a port is a turn at which another part can
//! continue. An oracle that shares no code with the functions watches what the simulated services
//! saw, and judges during the schedule and at its end ([`Invariant`]).
//!
//! The same seed gives the same trace, byte for byte. A schedule that breaks a promise is run again
//! for its trace.
//!
//! Planted bugs ([`Bug`]) show that the oracle would notice. Each is a separate test in
//! `tests/simulation/tests`, which says which promise it breaks, begins at a seed that shows it,
//! and prints how many more seeds it took. A [`Script`] states one cause, where a seed would draw
//! it.

#![expect(missing_docs, reason = "a name that says all has no comment")]

mod branches;
mod bug;
mod dice;
mod env;
mod fault;
mod options;
mod oracle;
mod people;
mod scenario;
mod schedule;
mod script;
mod trace;

pub use branches::Branch;
pub use bug::Bug;
pub use env::plain::Plain;
pub use fault::Fault;
pub use options::Options;
pub use oracle::{CHECKS, Invariant, Violation};
pub use schedule::{Report, play, run};
pub use script::Script;
