//! Lambda's event source mapping on one machine: it receives messages, calls a function with them
//! and acts on its answer. Nothing here knows which function it calls.

mod event;
mod mapping;
mod turns;

pub use mapping::{Dispatcher, MappingOptions};
pub use turns::Shares;
