//! Queues and event log of a system that runs elsewhere: in the file of `runtally serve`, or on AWS
//! where the configuration says so. Operators ask both the same questions.

use super::running::{Variables, queue_settings};
use crate::storage::{Database, DeadLetter, SqliteEventLog, SqliteQueue, StoreError};
#[cfg(feature = "aws")]
use shared::adapters::aws::{dynamodb::DynamoEventLog, lambda::Aws, sqs::SqsQueue};
#[cfg(feature = "aws")]
use shared::adapters::http::HttpTransport;
#[cfg(feature = "aws")]
use shared::config::QueueUrls;
use shared::config::{ConfigError, Vars};
use shared::core::clock::Clock;
use shared::core::ids::RunId;
use shared::ports::{EventLog, LogError, OutgoingMessage, Queue, QueueError, QueueName, RunLog};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The database file in the data folder.
pub(crate) const DATABASE: &str = "runtally.sqlite";

/// Any of these variables means that the data is on AWS.
const ON_AWS: [&str; 5] = [
    "SCORING_QUEUE_URL",
    "SCORING_DEAD_LETTERS_URL",
    "METRICS_QUEUE_URL",
    "METRICS_DEAD_LETTERS_URL",
    "EVENT_LOG_TABLE",
];

/// Queues and event log of a running system.
pub(crate) enum Deployment {
    /// Of `runtally serve`.
    Local(LocalData),
    /// Deployed by `template.yaml`.
    #[cfg(feature = "aws")]
    Aws(AwsData),
}

/// Queues and event log in one file.
pub(crate) struct LocalData {
    path: PathBuf,
    queue: SqliteQueue,
    log: SqliteEventLog,
}

/// Queues on SQS and an event log on DynamoDB.
#[cfg(feature = "aws")]
pub(crate) struct AwsData {
    queue: SqsQueue,
    log: DynamoEventLog,
}

/// Why the data cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeploymentError {
    /// `runtally serve` never ran on this folder.
    #[error(
        "there is no data in {}: name the folder of `runtally serve` with --data, or set {} for what is on AWS",
        path.display(),
        ON_AWS.join(", ")
    )]
    NoData {
        /// The folder.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A variable for AWS is missing or wrong.
    #[error(
        "{0} (an operator's own AWS credentials: `aws configure export-credentials --format env`)"
    )]
    Config(#[from] ConfigError),
    /// This build has no AWS clients.
    #[cfg(not(feature = "aws"))]
    #[error(
        "{variable} is set, but this runtally was built without AWS: install it with `cargo install --path runtally --features aws`"
    )]
    NoAws {
        /// The variable that says the data is on AWS.
        variable: &'static str,
    },
    /// The HTTP client could not be made.
    #[cfg(feature = "aws")]
    #[error("no HTTP client: {0}")]
    Http(String),
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFill {
    /// Messages that wait or are being handled.
    pub(crate) messages: u64,
    /// Messages on its dead-letter queue.
    pub(crate) dead: u64,
    /// Whether it keeps the order of a group.
    pub(crate) is_fifo: bool,
}

impl Deployment {
    /// The deployment that `variables` name, or else the one in the folder `data`.
    pub(crate) fn open(variables: impl Variables, data: &Path) -> Result<Self, DeploymentError> {
        let vars = Vars::new(variables);
        if let Some(variable) = ON_AWS.into_iter().find(|name| vars.text(name).is_some()) {
            return Self::on_aws(&vars, variable);
        }
        let path = data.join(DATABASE);
        if !path.is_file() {
            return Err(DeploymentError::NoData { path: data.to_owned() });
        }
        Ok(Self::Local(LocalData::of(&Database::open(&path)?, path)))
    }

    #[cfg(feature = "aws")]
    fn on_aws(
        vars: &Vars<impl Variables>,
        _because: &'static str,
    ) -> Result<Self, DeploymentError> {
        let http =
            HttpTransport::new().map_err(|error| DeploymentError::Http(error.to_string()))?;
        let mut urls = std::collections::BTreeMap::new();
        for queue in QueueName::ALL {
            urls.insert(queue, QueueUrls::received_from(vars, queue)?);
        }
        let table = vars.required("EVENT_LOG_TABLE", "the name of the event log's table")?;
        let aws = Aws::read(vars, &http)?;
        let queue = SqsQueue::new(aws.sqs(), urls);
        Ok(Self::Aws(AwsData { queue, log: DynamoEventLog::new(aws.dynamodb(), table) }))
    }

    #[cfg(not(feature = "aws"))]
    fn on_aws(
        _vars: &Vars<impl Variables>,
        variable: &'static str,
    ) -> Result<Self, DeploymentError> {
        Err(DeploymentError::NoAws { variable })
    }

    /// Where it is, for people.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Local(data) => data.path.display().to_string(),
            #[cfg(feature = "aws")]
            Self::Aws(_) => "AWS".to_owned(),
        }
    }

    /// All events of `run`.
    pub(crate) async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        match self {
            Self::Local(data) => data.log.read(run).await,
            #[cfg(feature = "aws")]
            Self::Aws(data) => data.log.read(run).await,
        }
    }

    /// The runs that are not finished.
    pub(crate) async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        match self {
            Self::Local(data) => data.log.open_runs().await,
            #[cfg(feature = "aws")]
            Self::Aws(data) => data.log.open_runs().await,
        }
    }

    /// Every run of the log.
    pub(crate) async fn all_runs(&self) -> Result<Vec<RunId>, LogError> {
        match self {
            Self::Local(data) => data.log.runs(),
            #[cfg(feature = "aws")]
            Self::Aws(data) => data.log.runs().await,
        }
    }

    /// Whether the log deletes events after some time.
    pub(crate) async fn log_forgets(&self) -> Result<bool, LogError> {
        match self {
            Self::Local(_) => Ok(false),
            #[cfg(feature = "aws")]
            Self::Aws(data) => data.log.forgets().await,
        }
    }

    /// Makes the next tick rewrite the record of `run`: none of its events counts as shown.
    pub(crate) async fn unproject(&self, run: &RunId) -> Result<(), LogError> {
        match self {
            Self::Local(data) => data.log.unproject(run),
            #[cfg(feature = "aws")]
            Self::Aws(data) => data.log.unproject(run).await,
        }
    }

    /// Sends a message.
    pub(crate) async fn send(
        &self,
        queue: QueueName,
        message: OutgoingMessage,
    ) -> Result<(), QueueError> {
        match self {
            Self::Local(data) => data.queue.send(queue, vec![message]).await,
            #[cfg(feature = "aws")]
            Self::Aws(data) => data.queue.send(queue, vec![message]).await,
        }
    }

    /// How full a queue is.
    pub(crate) async fn fill(&self, queue: QueueName) -> Result<QueueFill, QueueError> {
        match self {
            Self::Local(data) => {
                let depth = data.queue.depth(queue)?;
                let messages = (depth.visible + depth.in_flight) as u64;
                Ok(QueueFill { messages, dead: depth.dead as u64, is_fifo: true })
            }
            #[cfg(feature = "aws")]
            Self::Aws(data) => {
                let state = data.queue.state(queue).await?;
                let (messages, dead) = (state.messages, state.dead);
                Ok(QueueFill { messages, dead, is_fifo: state.is_fifo })
            }
        }
    }

    /// The dead letters of a queue that can be seen, oldest first.
    pub(crate) async fn dead_letters(
        &self,
        queue: QueueName,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        match self {
            Self::Local(data) => data.queue.dead_letters(queue),
            #[cfg(feature = "aws")]
            Self::Aws(data) => {
                let letters = data.queue.dead_letters(queue).await?;
                let mut letters: Vec<DeadLetter> = letters
                    .into_iter()
                    .map(|letter| DeadLetter {
                        message_id: letter.message_id,
                        group: letter.group,
                        body: letter.body,
                        reason: letter.reason,
                        died_at: letter.sent_at,
                    })
                    .collect();
                letters.sort_by_key(|letter| letter.died_at);
                Ok(letters)
            }
        }
    }

    /// Puts the dead letters with these ids back on their queue. Returns their number; an error loses
    /// none.
    pub(crate) async fn redrive(
        &self,
        queue: QueueName,
        ids: &BTreeSet<String>,
    ) -> Result<usize, QueueError> {
        match self {
            Self::Local(data) => {
                data.queue.redrive(queue, |letter| ids.contains(&letter.message_id))
            }
            #[cfg(feature = "aws")]
            Self::Aws(data) => {
                let is_chosen = |letter: &shared::adapters::aws::sqs::DeadLetter| {
                    ids.contains(&letter.message_id)
                };
                data.queue.redrive(queue, ids.len(), is_chosen).await
            }
        }
    }
}

impl LocalData {
    fn of(database: &Database, path: PathBuf) -> Self {
        let queue =
            SqliteQueue::new(database.clone(), Clock::system(), queue_settings(fastrand::u64(..)));
        Self { path, queue, log: SqliteEventLog::new(database.clone()) }
    }
}
