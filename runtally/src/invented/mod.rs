//! Invented clients, leads, posts and harvests, for the demo and for tests of the whole system.
//! Everything is made from a seed, with every oddity that real data is known for, and each harvest
//! says what a correct system must arrive at. No code of the system may judge its own result here.

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
