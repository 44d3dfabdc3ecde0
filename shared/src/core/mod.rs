//! Values and pure rules: identities, time, tokens, prices, limits. No I/O, no Airtable names, no
//! messages. This module depends on no other module of the crate.

pub mod clock;
pub mod counted;
pub mod deadline;
pub mod digest;
pub mod failure;
pub mod ids;
pub mod json;
pub mod limits;
pub mod linkedin;
pub mod prices;
pub mod text;
pub mod tokens;
pub mod unicode;
