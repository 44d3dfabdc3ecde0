//! What runs have used according to their records, and what the limits leave.

use super::records::FieldNames;
use super::rows::MasterBase;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use shared::messages::{Kind, RunHeader};
use shared::ports::Transport;
use shared::run_records::{tokens_of_all_days, tokens_of_day};
use shared::schema::run_record;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{AirtableError, Row};
use std::collections::BTreeSet;

/// The fields that show when a run's tokens were billed.
const TELLING: [&str; 3] =
    [run_record::TOKENS_BY_DAY, run_record::START_TIME, run_record::END_TIME];

/// The limits on a plan's tokens; each is `None` for no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenLimits {
    /// `DAILY_TOKEN_LIMIT`: the limit on everything billed to all clients on one day (UTC).
    pub(crate) day: Option<u64>,
    /// The client's limit for one run.
    pub(crate) run: Option<u64>,
    /// The client's part of the day's limit, if a task for all clients was divided.
    pub(crate) share: Option<u64>,
}

impl<T: Transport> MasterBase<'_, T> {
    /// What the limits leave at `now` for a plan of this run; `None` without any limit.
    ///
    /// The numbers come from records, which do not show the tokens of chunks in work yet.
    pub(crate) async fn tokens_left(
        &self,
        run: &RunHeader,
        kind: Kind,
        limits: TokenLimits,
        now: Timestamp,
    ) -> Result<Option<u64>, AirtableError> {
        let of_run = match limits.run {
            Some(limit) => Some(limit.saturating_sub(self.spent_by(run, kind).await?)),
            None => None,
        };
        let of_day = match limits.day {
            Some(limit) => Some(limit.saturating_sub(self.spent_on_day(now).await?)),
            None => None,
        };
        Ok([of_run, of_day, limits.share].into_iter().flatten().min())
    }

    /// What a run has used for one kind of scoring.
    async fn spent_by(&self, run: &RunHeader, kind: Kind) -> Result<u64, AirtableError> {
        let rows = self.records(&[], |names| names.identity(&run.id())).await?;
        let field = match kind {
            Kind::Post => run_record::POST_TOKENS,
            Kind::Profile => run_record::PROFILE_TOKENS,
        };
        Ok(rows.first().map_or(0, |row| match row.fields.get(field) {
            Some(_) => tokens(row, field),
            // The field is missing: a count of 0 is present. The days count both kinds.
            None => tokens_of_all_days(&row.text(run_record::TOKENS_BY_DAY)).unwrap_or_default(),
        }))
    }

    /// What was billed to all runs on the UTC day of `now`, whatever date their ids have.
    pub(crate) async fn spent_on_day(&self, now: Timestamp) -> Result<u64, AirtableError> {
        let day = Offset::UTC.to_datetime(now).date();
        let mut lost: BTreeSet<&'static str> = BTreeSet::new();
        let rows = loop {
            let of_day = |names: &FieldNames| {
                billed_on(day, |field| names.find(field).filter(|_| !lost.contains(field)))
            };
            let error = match self.records(&[], of_day).await {
                Ok(rows) => break rows,
                Err(error) => error,
            };
            // Without permission to read the schema, only the refusal names the missing fields.
            let known = lost.len();
            lost.extend(TELLING.into_iter().filter(|field| error.names_unknown_field(field)));
            if lost.len() == known {
                return Err(error);
            }
        };
        // The tokens of a duplicate are on the record that it duplicates.
        let counts = |row: &&Row| !run_record::is_duplicate(&row.text(run_record::RUN_ID));
        let spent = rows.iter().filter(counts).map(|row| spent_of(row, day));
        Ok(spent.fold(0, u64::saturating_add))
    }

    pub(crate) async fn is_recorded(&self, run: &RunHeader) -> Result<bool, AirtableError> {
        let fields = [run_record::RUN_ID];
        let rows = self.records(&fields, |names| names.identity(&run.id())).await?;
        Ok(!rows.is_empty())
    }
}

/// The records of runs that may have been billed tokens on a UTC day: those that list the day, and
/// those of runs that were active on it, which started before its end and did not end before its
/// start. If the table lacks these fields, the times at which the record was created and modified
/// are used.
fn billed_on<'a>(day: Date, name: impl Fn(&'static str) -> Option<&'a str>) -> Formula {
    let at = |day: Date| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX);
    let times = [at(day), day.tomorrow().map_or(Timestamp::MAX, at)];
    let start = name(run_record::START_TIME).map_or_else(Formula::created, Formula::cell);
    let end = name(run_record::END_TIME).map_or_else(Formula::modified, Formula::cell);
    let active = Formula::overlaps([start, end], times);
    let Some(days) = name(run_record::TOKENS_BY_DAY) else { return active };
    // Also a record that lists other days: its cell may be one that nobody can read.
    Formula::any([Formula::contains(days, &format!("{day}:")), active])
}

/// What was billed on a day, according to a record. A record without days counts as a whole.
fn spent_of(row: &Row, day: Date) -> u64 {
    let told = row.text(run_record::TOKENS_BY_DAY);
    let of_day = if told.is_empty() { None } else { tokens_of_day(&told, day) };
    of_day.unwrap_or_else(|| {
        tokens(row, run_record::POST_TOKENS) + tokens(row, run_record::PROFILE_TOKENS)
    })
}

/// A number of tokens. A cell that somebody made unreadable counts as 0 until a tick restores it.
fn tokens(row: &Row, field: &str) -> u64 {
    if let Some(odd) = row.odd_number([field]) {
        tracing::error!(%odd, "tokens of a run record cannot be read: they count against no limit");
    }
    row.whole(field).unwrap_or(0)
}
