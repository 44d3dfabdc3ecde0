//! The rules of Airtable's API. Each file holds one kind of call; [`world`] sets up the shared base
//! and calls it. Rules of other vendors do not belong here.

mod access;
mod control;
mod conversations;
mod limits;
mod oddities;
mod pages;
mod persistence;
mod size;
mod world;
