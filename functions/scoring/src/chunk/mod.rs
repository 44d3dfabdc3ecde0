//! Scores one chunk: reads its rows, decides about each lead, asks the model, writes and settles. A
//! wave announces its calls before they are made and bills them afterwards. This module knows
//! neither the text of prompts, nor the cells of a row, nor the planning of leads.

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
