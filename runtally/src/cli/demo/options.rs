//! The options of `runtally demo`.

/// Options of `runtally demo`.
#[derive(Debug, Clone, clap::Parser)]
pub struct Options {
    /// Number of leads over all clients (at most 25,000)
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    pub(super) leads: u32,
    /// Number of leads whose profile also waits for scoring, in the same runs
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=25_000))]
    pub(super) profiles: u32,
    /// Leads in one call of the model (default: the system's choice)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(super) leads_per_call: Option<u32>,
    /// Compare what a post-scored lead costs with one lead in each call of the model, on the same
    /// data without profiles
    #[arg(long)]
    pub(super) compare: bool,
    /// Number of clients
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) clients: u32,
    /// Seed of everything invented or random
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Latency of the simulated Gemini
    #[arg(long, default_value_t = 200)]
    pub(super) latency_ms: u64,
    /// Latency of the simulated Airtable
    #[arg(long, default_value_t = 50)]
    pub(super) airtable_latency_ms: u64,
    /// Switch the simulated Airtable's request limits off
    #[arg(long)]
    pub(super) no_rate_limit: bool,
    /// While the runs go on: kill the system, deliver messages twice and in another order, post
    /// webhooks again, delete and edit run records
    #[arg(long)]
    pub(super) chaos: bool,
    /// Show every record and every check
    #[arg(long)]
    pub(super) verbose: bool,
    /// Answer with one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Options {
    /// Whether a program reads the answer.
    pub fn answers_json(&self) -> bool {
        self.json
    }

    /// Whether the demo disturbs the system.
    pub fn chaos(&self) -> bool {
        self.chaos
    }
}
