//! What the adapters may do on AWS, as actions of IAM policies. The adapters' tests compare these
//! lists with the calls that are made. A test of the template compares them with each function's
//! permissions.

/// `Queue::send` and `Queue::dead_letter`, on the target queue. A batch needs the same permission.
pub const SEND: &[&str] = &["sqs:SendMessage"];

/// `Queue::requeue`, on the source queue.
pub const REQUEUE: &[&str] = &["sqs:ChangeMessageVisibility"];

/// What an event source mapping needs on the queue that it polls. It uses the function's
/// permissions.
pub const POLL: &[&str] = &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];

/// `EventLog`, on its table.
pub const EVENT_LOG: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
];

/// `EventLog::open_runs` and `EventLog::finished_runs`, each on its index of the table.
pub const EVENT_LOG_INDEX: &[&str] = &["dynamodb:Query"];

/// Reading the function's secret.
pub const READ_SECRET: &[&str] = &["secretsmanager:GetSecretValue"];

/// Writing logs to the function's own group.
pub const LOG: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];

/// Sending traces. Traces have no resource.
pub const TRACE: &[&str] = &["xray:PutTelemetryRecords", "xray:PutTraceSegments"];
