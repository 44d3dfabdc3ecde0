//! The seams' adapters to the real world. Only the functions' `main`s and the local system make
//! one; everything else sees the traits.

pub mod actions;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod dynamodb;
#[cfg(feature = "http")]
pub mod http;
pub mod limits;
#[cfg(feature = "aws")]
pub mod secrets;
#[cfg(feature = "aws")]
pub mod sqs;

#[cfg(test)]
#[cfg(feature = "http")]
mod loopback;
