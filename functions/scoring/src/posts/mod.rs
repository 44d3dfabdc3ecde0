//! The posts stored in a lead's row: the formats from which they are read, and how new posts are
//! merged. A cell that cannot be read is never overwritten. This module knows no scores and no
//! prompts, and does no I/O.

mod mend;
mod plain_text;
pub(crate) mod post;
pub(crate) mod stored;
