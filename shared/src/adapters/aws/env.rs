use super::dynamodb::DynamoEventLog;
use super::sqs::SqsQueue;
use crate::adapters::http::HttpTransport;
use crate::ports::Env;

/// The adapters of a function on AWS.
pub struct OnAws;

impl Env for OnAws {
    type Transport = HttpTransport;
    type Queue = SqsQueue;
    type EventLog = DynamoEventLog;
}
