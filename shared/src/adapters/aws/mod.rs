//! The ports on AWS: SQS, DynamoDB, and the secrets and credentials of a Lambda function. AWS's
//! types are used only here.
#![expect(missing_docs, reason = "a field whose name says all has no comment")]

pub mod dynamodb;
mod env;
#[cfg(feature = "lambda")]
pub mod function;
pub mod lambda;
pub mod secrets;
pub mod sqs;
pub mod start;

pub use env::OnAws;
