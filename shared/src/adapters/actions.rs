//! What the adapters may do on AWS, as the actions of IAM policies. The adapters' tests compare
//! these lists with the calls that are made; a test of the template compares them with what each
//! function is allowed.

/// `Queue::send` and `Queue::dead_letter`, on the queue that is sent to. A batch needs the same right.
pub const SEND: &[&str] = &["sqs:SendMessage"];

/// `Queue::requeue`, on the queue that is received from.
pub const REQUEUE: &[&str] = &["sqs:ChangeMessageVisibility"];

/// What an event source mapping needs of the queue it polls, by the function's rights.
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

/// Logs in the function's own group.
pub const LOG: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];

/// Traces, which have no resource.
pub const TRACE: &[&str] = &["xray:PutTelemetryRecords", "xray:PutTraceSegments"];
