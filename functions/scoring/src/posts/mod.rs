//! The posts stored in a lead's row: the formats they are read from, and how new posts are merged.
//! What cannot be read is never overwritten.
//! Scores, prompts and I/O may not enter.

mod mend;
mod plain_text;
pub(crate) mod post;
pub(crate) mod stored;
