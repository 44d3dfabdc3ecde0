//! What run records say that runs have used, and what the limits leave.

use super::rows::MasterBase;
use shared::core::ids::{ClientId, RunId, RunStamp};
use shared::messages::{Kind, RunHeader};
use shared::ports::Transport;
use shared::schema::run_record;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{AirtableError, identity};

/// Tokens that run records name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Spent {
    /// By the run, of the kind asked about.
    run: u64,
    /// By all runs of its day, of both kinds.
    day: u64,
}

/// The limits on a plan's tokens; `None` for no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenLimits {
    /// `DAILY_TOKEN_LIMIT`: of all clients' runs of one day.
    pub(crate) day: Option<u64>,
    /// The client's, of one run.
    pub(crate) run: Option<u64>,
    /// The client's part of the day's limit, when a task for all clients was divided.
    pub(crate) share: Option<u64>,
}

impl<T: Transport> MasterBase<'_, T> {
    /// What the limits leave for a plan of this run; `None` without any limit.
    ///
    /// Records are the source: tokens of chunks in work right now are on no record yet.
    pub(crate) async fn tokens_left(
        &self,
        run: &RunHeader,
        kind: Kind,
        limits: TokenLimits,
    ) -> Result<Option<u64>, AirtableError> {
        if limits.run.is_none() && limits.day.is_none() {
            return Ok(limits.share);
        }
        let spent = self.spent(&run.run_stamp, Some(&run.client), kind).await?;
        let of_run = limits.run.map(|limit| limit.saturating_sub(spent.run));
        let of_day = limits.day.map(|limit| limit.saturating_sub(spent.day));
        Ok([of_run, of_day, limits.share].into_iter().flatten().min())
    }

    pub(crate) async fn spent_on_day(&self, run_stamp: &RunStamp) -> Result<u64, AirtableError> {
        Ok(self.spent(run_stamp, None, Kind::Post).await?.day)
    }

    /// Reads what the runs of a day have used: those whose id starts with the day of `run_stamp`.
    async fn spent(
        &self,
        run_stamp: &RunStamp,
        client: Option<&ClientId>,
        kind: Kind,
    ) -> Result<Spent, AirtableError> {
        let day = &run_stamp.as_str()[..7];
        let formula = Formula::contains(run_record::RUN_ID, day);
        let rows = self.list(run_record::TABLE, &[], formula).await?;
        let own = client.map(|client| RunId::new(run_stamp, client).to_string());
        let mut spent = Spent::default();
        for row in &rows {
            let id = row.text(run_record::RUN_ID);
            // The tokens of a duplicate are on the record that it duplicates.
            if !id.starts_with(day) || run_record::is_duplicate(&id) {
                continue;
            }
            let posts = row.whole(run_record::POST_TOKENS).unwrap_or(0);
            let profiles = row.whole(run_record::PROFILE_TOKENS).unwrap_or(0);
            spent.day += posts + profiles;
            if Some(&id) == own.as_ref() {
                spent.run = match kind {
                    Kind::Post => posts,
                    Kind::Profile => profiles,
                };
            }
        }
        Ok(spent)
    }

    pub(crate) async fn is_recorded(&self, run: &RunHeader) -> Result<bool, AirtableError> {
        let fields = [run_record::RUN_ID];
        let rows = self.list(run_record::TABLE, &fields, identity(&run.id())).await?;
        Ok(!rows.is_empty())
    }
}
