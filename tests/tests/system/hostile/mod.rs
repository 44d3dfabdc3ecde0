//! Posts that try to manipulate the model, and models that obey them. [`posts`] and [`models`] are
//! hostile; [`rows`] says what must not change. Hostile requests do not belong here:
//! `tests/hostile` sends them.

mod models;
mod posts;
mod rows;
