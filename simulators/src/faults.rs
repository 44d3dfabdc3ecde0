//! Faults between a caller and a simulated service.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Refused because of its rate, in the vendor's shape (Airtable: with its 30 s penalty).
    TooManyRequests,
    /// Status 500 in the vendor's shape; nothing is done.
    InternalError,
    /// Status 503 in the vendor's shape; nothing is done.
    Unavailable,
    /// The connection breaks before the service does anything.
    LostBefore,
    /// The service executes the request, then the connection breaks.
    LostAfter,
    /// The service executes the request and answers 200 with a truncated body.
    MalformedBody,
}

/// When a fault is injected. As the body of `POST /_sim/faults`: `{"fault":"unavailable","next":3}`
/// or `{"fault":"lost_after","probability":0.1,"kind":"upsert"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// How many of the next requests are affected. The number decreases with each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    /// The share of requests that is affected from now on, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Only requests of this kind (a name that `GET /_sim/requests` lists). Without it, all kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// The rules in force, and the generator for the probabilities.
#[derive(Debug)]
pub struct Faults(Mutex<State>);

#[derive(Debug)]
struct State {
    rules: Vec<FaultRule>,
    rng: fastrand::Rng,
}

impl Faults {
    /// No rules. Random numbers come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(State { rules: Vec::new(), rng: fastrand::Rng::with_seed(seed) }))
    }

    /// Adds a rule. Rules are checked in the order in which they were added.
    pub fn add(&self, rule: FaultRule) {
        self.lock().rules.push(rule);
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// Draws the fault for a request of `kind`, if any, and uses it up.
    pub fn draw(&self, kind: &str) -> Option<Fault> {
        let State { rules, rng } = &mut *self.lock();
        let hit = rules.iter_mut().position(|rule| {
            if rule.kind.as_deref().is_some_and(|only| only != kind) {
                return false;
            }
            match (&mut rule.next, rule.probability) {
                (Some(left), _) => *left > 0,
                (None, Some(share)) => rng.f64() < share,
                (None, None) => false,
            }
        })?;
        let rule = &mut rules[hit];
        let fault = rule.fault;
        if let Some(left) = &mut rule.next {
            *left -= 1;
            if *left == 0 {
                rules.remove(hit);
            }
        }
        Some(fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
