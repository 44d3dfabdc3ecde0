//! What a harvest brought: from dataset items to posts by the profile that was asked for.
//! Every item and every target is accounted for: what is not understood is counted and named.
//! Clients, plans and rows may not enter.

mod account;
mod apimaestro;
mod harvestapi;
mod input;
mod item;
mod names;
mod posts;
mod read;
mod target;
mod text;

pub(crate) use posts::ProfilePosts;
pub(crate) use read::{Harvest, ReadHarvest, read_harvest};
