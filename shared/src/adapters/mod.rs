//! The ports' adapters to external systems. Only the functions' `main`s and the system on one
//! machine create them. All other code uses the traits.

pub mod actions;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "http")]
pub mod http;

#[cfg(test)]
#[cfg(feature = "http")]
mod loopback;
