//! What the model is told, and what is read from its answer.
//! Prompts are built from a client's rubric and a fixed frame; answers are matched by our own ids.
//! No call to the model and no cell of a lead's row may enter.

mod found;
pub(crate) mod posts;
pub(crate) mod posts_rubric;
pub(crate) mod profile;
pub(crate) mod profile_rubric;
pub(crate) mod rubric;
pub(crate) mod subject;
pub(crate) mod template;
