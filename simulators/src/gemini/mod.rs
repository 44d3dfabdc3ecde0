//! Gemini: text generation on the Developer API and on Vertex AI, with its token endpoint. The
//! model understands nothing: it fills the schema with answers drawn from a hash of each post's
//! text, and bills them. [`Marker`] makes it misbehave. Rules of other vendors do not belong here.

mod account;
mod answer;
mod catalog;
mod error;
mod fill;
mod ledger;
mod marker;
mod material;
mod model;
mod oauth;
mod oddity;
mod options;
mod request;
mod route;
mod schema;
mod shape;
mod simulator;
mod stream;
mod terms;
mod usage;
mod validate;

pub use account::{NotAKey, ServiceAccount};
pub use ledger::{BilledAnswer, BilledTotals, Outcome};
pub use marker::Marker;
pub use oddity::Oddity;
pub use options::GeminiOptions;
pub use simulator::Gemini;
pub use terms::ServedTier;
pub use usage::Usage;
