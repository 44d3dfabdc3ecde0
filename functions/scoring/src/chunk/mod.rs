//! Scores one chunk: reads its rows, decides about each lead, asks the model, writes, settles.
//! A wave announces its calls before they are made and bills them after.
//! The text of prompts, the cells of a row and the planning of leads may not enter.

mod ask;
pub(crate) mod attempt;
mod calls;
mod changed;
mod decide_posts;
mod decide_profile;
mod decision;
mod denied;
mod halt;
mod limits;
mod open_waves;
mod read;
mod replies;
mod report_paid;
mod round;
pub(crate) mod score;
mod share;
mod unreported;
mod wave;
mod wave_lead;
mod work;
mod writable;
mod write;
