//! Airtable, Apify and Gemini as their documentation describes them: limits and errors included.
//!
//! Each vendor is a [`Service`]: a state machine from one HTTP request to one response, with no
//! socket, no clock and no randomness of its own. [`Simulated`] puts request counts, injected
//! faults and the `/_sim/…` control endpoints in front of it; [`serve()`] puts that on a port.
//! A test can just as well call [`Simulated::call`] in process and on paused time.

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
