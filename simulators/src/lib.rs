//! Airtable, Apify and Gemini as documented, including limits and errors.
//!
//! Each vendor is a [`Service`]: a state machine from one HTTP request to one response, without its
//! own socket, clock or randomness. [`Simulated`] adds request counts, injected faults and the
//! `/_sim/…` control endpoints. [`serve()`] puts it on a port. A test can also call
//! [`Simulated::call`] in process and on paused time.

pub mod airtable;
mod answers;
pub mod apify;
mod clock;
mod encoded;
mod faults;
pub mod gemini;
mod invent;
mod moments;
mod rates;
mod reply;
mod serve;
mod service;
mod store;

pub use answers::{AnswerRule, Answers};
pub use clock::Clock;
pub use faults::{Fault, FaultRule, Faults};
pub use reply::{Request, Response, json_reply};
pub use serve::{serve, serve_with};
pub use service::{Answer, RequestCount, Service, Simulated};
pub use store::{NoStore, Store};
