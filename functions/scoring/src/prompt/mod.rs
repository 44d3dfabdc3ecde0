//! What the model is told, and what is read from its answer. Prompts are built from a client's
//! rubric and a fixed frame. Answers are matched by our own ids. This module makes no model calls
//! and knows no cells of a lead's row.

mod found;
pub(crate) mod posts;
pub(crate) mod posts_rubric;
pub(crate) mod profile;
pub(crate) mod profile_rubric;
pub(crate) mod rubric;
pub(crate) mod subject;
pub(crate) mod template;
