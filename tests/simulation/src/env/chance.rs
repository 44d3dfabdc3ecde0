//! What decides what goes wrong, and what keeps account of it.

use super::faults::Faults;
use crate::branches::Failures;
use crate::dice::Dice;
use crate::trace::Trace;
use std::sync::Arc;

/// One schedule's luck, shared by all parts of its world.
#[derive(Clone)]
pub(crate) struct Chance {
    pub(crate) dice: Arc<Dice>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) failures: Arc<Failures>,
    pub(crate) trace: Arc<Trace>,
}
