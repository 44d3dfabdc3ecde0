//! Scores one chunk: reads its rows, decides about each lead, asks the model, writes, settles.
//! A wave announces its calls before they are made and bills them after.
//! The text of prompts, the cells of a row and the planning of leads may not enter.

pub(crate) mod ask;
pub(crate) mod decide;
pub(crate) mod score;
pub(crate) mod share;
pub(crate) mod wave;
pub(crate) mod write;
