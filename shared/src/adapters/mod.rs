//! The ports' adapters to the real world. Only the functions' `main`s and the system on one machine
//! make one; everything else sees the traits.

pub mod actions;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "http")]
pub mod http;

#[cfg(test)]
#[cfg(feature = "http")]
mod loopback;
