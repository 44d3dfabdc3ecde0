//! Decides what goes wrong, and counts it.

use super::faults::Faults;
use crate::branches::Failures;
use crate::dice::Dice;
use crate::trace::Trace;
use std::sync::Arc;

/// The random choices of one schedule, shared by all parts of its world.
#[derive(Clone)]
pub(crate) struct Chance {
    pub(crate) dice: Arc<Dice>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) failures: Arc<Failures>,
    pub(crate) trace: Arc<Trace>,
}
