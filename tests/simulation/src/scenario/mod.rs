//! The scenario of a schedule: invented clients with their leads, the harvests of their posts, and
//! the requests to score waiting leads. It is fixed before anything happens: nothing here knows
//! what the functions do, or what goes wrong.

mod invent;
mod invented;
mod oddities;

pub(crate) use invented::{Asked, Client, HUMAN_FIELD, Harvest, Lead, Scenario};
pub(crate) use oddities::{ANOTHER_RUN, NOBODY};
