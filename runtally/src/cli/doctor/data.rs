//! Queues and event log.

use super::check::Check;
use crate::cli::waiting::{NOT_SHOWN, Waiting};
use crate::result::Fault;
use crate::system::Deployment;
use shared::core::counted::counted;
use shared::ports::QueueName;

/// Checks that queues and event log are reachable, and that there are no dead letters.
pub(super) async fn check(deployment: Result<Deployment, Fault>) -> Vec<Check> {
    let deployment = match deployment {
        Ok(deployment) => deployment,
        Err(error) => {
            return vec![Check::wrong(
                "queues and event log",
                error,
                "start `runtally serve`, or set the variables of the deployed functions",
            )];
        }
    };
    let mut checks = Vec::new();
    for queue in deployment.queues() {
        checks.extend(check_queue(&deployment, queue).await);
    }
    checks.extend(check_waiting(&deployment).await);
    checks.extend(check_log(&deployment).await);
    checks
}

/// The tasks that wait for their next attempt, each with its reason where it can be seen.
async fn check_waiting(deployment: &Deployment) -> Vec<Check> {
    let what = "waiting tasks";
    match Waiting::read(deployment).await {
        // The check of the queue reports the error.
        Err(_) => Vec::new(),
        Ok(waiting) if waiting.count == 0 => vec![Check::ok(what, "none")],
        Ok(waiting) if waiting.tasks.is_empty() => {
            vec![Check::info(what, format!("{}; {NOT_SHOWN}", waiting.in_words()))]
        }
        Ok(waiting) => {
            let todo = "correct what it names; the task continues automatically";
            waiting.tasks.iter().map(|task| Check::warning(what, task.in_words(), todo)).collect()
        }
    }
}

async fn check_queue(deployment: &Deployment, queue: QueueName) -> Vec<Check> {
    let what = format!("{} queue", queue.as_str());
    let state = match deployment.state(queue).await {
        Ok(state) => state,
        Err(error) => {
            let todo = "check the queue's URLs and the credentials' right to it";
            return vec![Check::wrong(what, error, todo)];
        }
    };
    let mut checks = vec![if state.is_fifo == queue.is_fifo() {
        Check::ok(&what, format!("reachable, {}", counted(state.messages, "message")))
    } else if state.is_fifo {
        let says = "it is a FIFO queue: what waits on it would hold up what waits behind it";
        Check::wrong(&what, says, "deploy the queues of template.yaml and set their URLs")
    } else {
        Check::wrong(
            &what,
            "it or its dead-letter queue is not a FIFO queue: events would overtake each other",
            "deploy the queues of template.yaml and set their URLs",
        )
    }];
    let what = format!("{} dead letters", queue.as_str());
    checks.push(match state.dead {
        0 => Check::ok(what, "none"),
        count => Check::warning(
            what,
            format!("{count}: their work is not done"),
            "run `runtally redrive` to see why, correct the cause, then put them back",
        ),
    });
    checks
}

async fn check_log(deployment: &Deployment) -> Vec<Check> {
    let (log, horizon) = ("event log", "deduplication");
    let todo = "check EVENT_LOG_TABLE and the credentials' right to it";
    let open = match deployment.open_runs().await {
        Ok(open) => open.len(),
        Err(error) => return vec![Check::wrong(log, error, todo)],
    };
    let log = Check::ok(
        log,
        format!("reachable in {}, {}", deployment.place(), counted(open, "open run")),
    );
    let horizon = match deployment.log_forgets().await {
        Ok(false) => Check::ok(
            horizon,
            "events are never deleted: a webhook or message counts once, however late it comes again",
        ),
        Ok(true) => Check::warning(
            horizon,
            "events are deleted after EventLogDays: the records of their runs stay, without their proof",
            "nothing, if you want that; else deploy with EventLogDays 0",
        ),
        Err(error) => Check::wrong(horizon, error, todo),
    };
    vec![log, horizon]
}
