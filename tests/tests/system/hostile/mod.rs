//! Posts that want something, and models that give in.
//! [`posts`] and [`models`] are what is hostile; [`rows`] says what must not move.
//! Requests that are hostile must not enter here: `tests/hostile` sends them.

mod models;
mod posts;
mod rows;
