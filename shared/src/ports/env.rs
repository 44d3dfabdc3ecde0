use super::event_log::EventLog;
use super::queue::Queue;
use super::transport::Transport;

/// The environment of a function: its adapter for each port. A function is generic over one `Env`
/// instead of over each port.
pub trait Env: 'static {
    /// HTTP to the outside services.
    type Transport: Transport + Clone;
    /// The queues between the functions.
    type Queue: Queue;
    /// The log of each run's events.
    type EventLog: EventLog;
}
