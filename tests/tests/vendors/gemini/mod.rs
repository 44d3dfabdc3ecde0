//! The rules of Gemini's API at generativelanguage.googleapis.com.
//! Each file holds one subject; [`world`] sets up the simulated Gemini they all ask.
//! Vertex AI and rules of other vendors must not enter here.

mod answers;
mod billing;
mod odd_answers;
mod refusals;
mod world;
