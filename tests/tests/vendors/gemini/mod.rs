//! The rules of Gemini's API at generativelanguage.googleapis.com. Each file holds one subject;
//! [`world`] sets up the simulated Gemini that they all call. Vertex AI and rules of other vendors
//! do not belong here.

mod answers;
mod billing;
mod odd_answers;
mod refusals;
mod world;
