//! Invented clients, leads, posts and harvests, for the demo and for tests of the whole system.
//! Everything is made from a seed and has every known oddity of real data. Each harvest says what a
//! correct system must arrive at. Code of the system does not belong here, because it would judge
//! its own result.

mod cases;
mod client;
mod client_base;
mod expected;
mod harvest;
mod items;
mod leads;
mod master;
mod people;
mod posts;
mod profiles;
mod random;
mod rows;
mod rubric;
mod spelling;
mod stored;
mod tables;
#[cfg(test)]
mod tests;
mod texts;
mod words;
mod world;

pub use client::InventedClient;
pub use expected::Expected;
pub use harvest::Harvest;
pub(crate) use harvest::{webhook, webhook_for};
pub use profiles::ExpectedProfiles;
pub use tables::{field_spec, table_spec};
pub use world::{Size, World};
