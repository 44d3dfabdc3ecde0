//! A lead's row in the client's base: which fields are read, and which cells are written. What a
//! cell says about an earlier attempt is read here too. This module makes no decisions about leads
//! and no calls to the model.

pub(crate) mod breakdown_cell;
pub(crate) mod cells;
pub(crate) mod evaluation_cell;
pub(crate) mod fields;
pub(crate) mod row;
pub(crate) mod written;
