//! A lead's row in the client's base: which fields are read, and which cells are written.
//! What a cell says of an earlier attempt is read here too.
//! No decision about a lead and no call to the model may enter.

pub(crate) mod breakdown_cell;
pub(crate) mod cells;
pub(crate) mod evaluation_cell;
pub(crate) mod fields;
pub(crate) mod row;
pub(crate) mod written;
