//! What a harvest brought: from dataset items to posts by requested profile. Every item and every
//! target is accounted for: whatever is not understood is counted and named. This module knows no
//! clients, plans or rows.

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
pub(crate) use read::{Harvest, read_harvest};
