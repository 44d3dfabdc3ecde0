//! Queues and event log of a system that runs elsewhere: in the file of `runtally serve`, or on AWS
//! if the configuration says so. Operators use both in the same way.

use super::running::{FUNCTION_TIMEOUT, Variables, queue_settings};
use crate::result::{Fault, Hinted};
use crate::storage::{
    Database, LaneState, RunHead, RunNews, SqliteEventLog, SqliteQueue, WaitingTask,
};
use jiff::Timestamp;
#[cfg(feature = "aws")]
use shared::adapters::aws::{dynamodb::DynamoEventLog, lambda::Aws, sqs::SqsQueue};
#[cfg(feature = "aws")]
use shared::adapters::http::HttpTransport;
use shared::config::Vars;
#[cfg(feature = "aws")]
use shared::config::{ConfigError, QueueUrls};
use shared::core::clock::Clock;
use shared::core::ids::RunId;
use shared::ports::{
    DeadLetter, EventLog, LogError, OutgoingMessage, Queue, QueueError, QueueName, QueueState,
    RunLog,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(crate) const DATABASE: &str = "runtally.sqlite";

/// Any of these variables means that the data is on AWS.
const ON_AWS: [&str; 7] = [
    "SCORING_QUEUE_URL",
    "SCORING_DEAD_LETTERS_URL",
    "METRICS_QUEUE_URL",
    "METRICS_DEAD_LETTERS_URL",
    "RETRY_QUEUE_URL",
    "RETRY_DEAD_LETTERS_URL",
    "EVENT_LOG_TABLE",
];

/// Queues and event log of a running system.
pub(crate) enum Deployment {
    /// The file of `runtally serve`, with queues and log.
    Local(PathBuf, SqliteQueue, SqliteEventLog),
    /// The resources of `template.yaml`.
    #[cfg(feature = "aws")]
    Aws(SqsQueue, DynamoEventLog),
}

/// Calls a method on the queues or the log of either deployment.
macro_rules! ask {
    ($deployment:expr, |$queue:pat_param, $log:pat_param| $question:expr) => {
        match $deployment {
            Deployment::Local(_, $queue, $log) => $question,
            #[cfg(feature = "aws")]
            Deployment::Aws($queue, $log) => $question,
        }
    };
}

impl Deployment {
    /// The deployment that `variables` name, or else the one in the folder `data`.
    pub(crate) fn open(variables: impl Variables, data: &Path) -> Result<Self, Fault> {
        let vars = Vars::new(variables);
        if let Some(variable) = ON_AWS.into_iter().find(|name| vars.text(name).is_some()) {
            return Self::on_aws(&vars, variable);
        }
        let path = data.join(DATABASE);
        if !path.is_file() {
            let (data, variables) = (data.display(), ON_AWS.join(", "));
            let hint = format!(
                "name the folder of `runtally serve` with --data, start `runtally serve`, or set \
                 {variables} for what is on AWS"
            );
            return Err(Hinted::new(format!("there is no data in {data}"), hint));
        }
        let database = Database::open(&path)?;
        let settings = queue_settings(fastrand::u64(..));
        let queue = SqliteQueue::new(database.clone(), Clock::system(), settings);
        Ok(Self::Local(path, queue, SqliteEventLog::new(database)))
    }

    #[cfg(feature = "aws")]
    fn on_aws(vars: &Vars<impl Variables>, _because: &str) -> Result<Self, Fault> {
        let http = HttpTransport::new().map_err(|error| format!("no HTTP client: {error}"))?;
        let opened = || -> Result<Self, ConfigError> {
            let mut urls = std::collections::BTreeMap::new();
            for queue in QueueName::ALL.into_iter().filter(|queue| is_named(*queue, vars)) {
                urls.insert(queue, QueueUrls::received_from(vars, queue)?);
            }
            let table = vars.required("EVENT_LOG_TABLE", "the name of the event log's table")?;
            let aws = Aws::read(vars, &http)?;
            let queue = SqsQueue::new(aws.sqs(), urls);
            Ok(Self::Aws(queue, DynamoEventLog::new(aws.dynamodb(), table)))
        };
        let hint = "set the outputs of the stack and your own AWS credentials \
                    (`aws configure export-credentials --format env`)";
        opened().map_err(|error| Hinted::new(error.to_string(), hint))
    }

    /// The queues of the deployment. One is missing if the operator's configuration is from an
    /// earlier release.
    pub(crate) fn queues(&self) -> Vec<QueueName> {
        match self {
            Self::Local(..) => QueueName::ALL.into(),
            #[cfg(feature = "aws")]
            Self::Aws(queues, _) => queues.names().collect(),
        }
    }

    #[cfg(not(feature = "aws"))]
    fn on_aws(_vars: &Vars<impl Variables>, variable: &str) -> Result<Self, Fault> {
        let message = format!("{variable} is set, but this runtally was built without AWS");
        let hint = "install it with `cargo install --path runtally --features aws`";
        Err(Hinted::new(message, hint))
    }

    /// The deployment of this process, in the file at `path`.
    pub(crate) fn of_this_process(path: &Path, queue: SqliteQueue, log: SqliteEventLog) -> Self {
        Self::Local(path.to_owned(), queue, log)
    }

    /// The runs without their events: all of them on one machine; on AWS the open ones and those
    /// written since `since`.
    pub(crate) async fn heads(&self, since: Timestamp) -> Result<Vec<RunHead>, LogError> {
        match self {
            Self::Local(_, _, log) => {
                let _all = since;
                log.heads().await
            }
            #[cfg(feature = "aws")]
            Self::Aws(_, log) => {
                let mut heads: Vec<RunHead> = Vec::new();
                for (run, shown) in log.finished_runs(since).await? {
                    let written = (shown.at.as_millisecond(), shown.events as u64);
                    let appends = Some(shown.appends);
                    heads.push(RunHead { run, appends, open: false, shown: written });
                }
                for run in log.open_runs().await? {
                    heads.push(RunHead { run, appends: None, open: true, shown: (0, 0) });
                }
                Ok(heads)
            }
        }
    }

    /// The runs that were open at `since` or later, without their events. There may be other runs
    /// among them.
    pub(crate) async fn active_since(&self, since: Timestamp) -> Result<Vec<RunHead>, LogError> {
        match self {
            Self::Local(_, _, log) => log.heads_since(since).await,
            #[cfg(feature = "aws")]
            Self::Aws(..) => self.heads(since).await,
        }
    }

    /// A run without its events; `None` if only reading the log shows them.
    pub(crate) async fn head(&self, run: &RunId) -> Result<Option<RunHead>, LogError> {
        match self {
            Self::Local(_, _, log) => log.head(run).await,
            #[cfg(feature = "aws")]
            Self::Aws(..) => Ok(None),
        }
    }

    /// The lanes of a queue; `None` on AWS, where they are not visible.
    pub(crate) fn lanes(&self, queue: QueueName) -> Result<Option<Vec<LaneState>>, QueueError> {
        match self {
            Self::Local(_, queues, _) => queues.lanes(queue).map(Some),
            #[cfg(feature = "aws")]
            Self::Aws(..) => Ok(None),
        }
    }

    /// Deletes one dead letter permanently. Returns whether it existed.
    pub(crate) async fn discard(&self, queue: QueueName, id: &str) -> Result<bool, QueueError> {
        ask!(self, |queues, _| queues.discard(queue, id).await)
    }

    pub(crate) fn is_on_aws(&self) -> bool {
        match self {
            Self::Local(..) => false,
            #[cfg(feature = "aws")]
            Self::Aws(..) => true,
        }
    }

    pub(crate) fn place(&self) -> String {
        match self {
            Self::Local(path, ..) => path.display().to_string(),
            #[cfg(feature = "aws")]
            Self::Aws(..) => "AWS".to_owned(),
        }
    }

    /// What is new of a run since `before`; `None` if only reading all of it shows that.
    pub(crate) async fn news(
        &self,
        before: Option<&RunHead>,
        now: Option<&RunHead>,
    ) -> Result<Option<RunNews>, LogError> {
        match (self, before.zip(now)) {
            (Self::Local(_, _, log), Some((before, now))) => log.news(before, now).await,
            (_, None) => Ok(None),
            #[cfg(feature = "aws")]
            (Self::Aws(..), Some(_)) => Ok(None),
        }
    }

    pub(crate) async fn read(&self, run: &RunId) -> Result<RunLog, LogError> {
        ask!(self, |_, log| log.read(run).await)
    }

    pub(crate) async fn open_runs(&self) -> Result<Vec<RunId>, LogError> {
        ask!(self, |_, log| log.open_runs().await)
    }

    pub(crate) async fn all_runs(&self) -> Result<Vec<RunId>, LogError> {
        ask!(self, |_, log| log.runs().await)
    }

    pub(crate) async fn log_forgets(&self) -> Result<bool, LogError> {
        ask!(self, |_, log| log.forgets().await)
    }

    /// Makes the next tick rewrite the record of `run`: none of its events counts as projected.
    pub(crate) async fn unproject(&self, run: &RunId) -> Result<(), LogError> {
        ask!(self, |_, log| log.unproject(run).await)
    }

    pub(crate) async fn send(
        &self,
        queue: QueueName,
        message: OutgoingMessage,
    ) -> Result<(), QueueError> {
        ask!(self, |queues, _| queues.send(queue, vec![message]).await)
    }

    pub(crate) async fn state(&self, queue: QueueName) -> Result<QueueState, QueueError> {
        ask!(self, |queues, _| queues.state(queue).await)
    }

    /// The tasks that wait for their next attempt, and how many messages wait. On AWS the tasks
    /// themselves are not visible.
    pub(crate) async fn waiting(&self) -> Result<(Vec<WaitingTask>, u64), QueueError> {
        match self {
            Self::Local(_, queue, _) => {
                let tasks = queue.waiting(FUNCTION_TIMEOUT)?;
                let count = tasks.len() as u64;
                Ok((tasks, count))
            }
            #[cfg(feature = "aws")]
            Self::Aws(queues, _) => {
                let is_known = queues.names().any(|queue| queue == QueueName::Retry);
                let count =
                    if is_known { queues.state(QueueName::Retry).await?.messages } else { 0 };
                Ok((Vec::new(), count))
            }
        }
    }

    /// The visible dead letters of a queue, oldest first.
    pub(crate) async fn dead_letters(
        &self,
        queue: QueueName,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        ask!(self, |queues, _| queues.dead_letters(queue).await)
    }

    /// Puts the dead letters with these ids back on their queue. Returns their number. An error
    /// loses none of them.
    pub(crate) async fn redrive(
        &self,
        queue: QueueName,
        ids: &BTreeSet<String>,
    ) -> Result<usize, QueueError> {
        ask!(self, |queues, _| queues.redrive(queue, ids).await)
    }
}

/// Whether the variables name this queue. The retry queue may be missing, because earlier releases
/// had none.
#[cfg(feature = "aws")]
fn is_named(queue: QueueName, vars: &Vars<impl Variables>) -> bool {
    queue.is_fifo() || vars.text("RETRY_QUEUE_URL").is_some()
}
