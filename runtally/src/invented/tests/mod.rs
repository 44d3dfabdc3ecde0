//! Rules for invented worlds, their bases and their harvests.

mod bases;
mod dataset;
mod oddities;
mod support;
mod worlds;
