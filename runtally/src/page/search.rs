//! The filters and the search of the list of runs.

use super::query::Query;
use shared::core::linkedin::ProfileKey;
use shared::fold::{Status, Summary};
use shared::schema::run_record::STATUSES;

/// The filters of the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    client: Option<String>,
    /// `Some(None)` if the value is not a status: then no run matches.
    status: Option<Option<Status>>,
    /// `YYMMDD`, the beginning of the run id.
    day: Option<String>,
    text: Option<String>,
}

/// The statuses, in the order of the table's choices.
pub(super) const ALL_STATUSES: [Status; 5] = [
    Status::Running,
    Status::Completed,
    Status::CompletedWithErrors,
    Status::Stalled,
    Status::Failed,
];

/// The name of a status on the record.
pub(super) fn status_word(status: Status) -> &'static str {
    let at = ALL_STATUSES.iter().position(|known| *known == status);
    STATUSES[at.expect("every status is listed")]
}

impl Search {
    pub(super) fn of(query: &Query) -> Self {
        let status = query.get("status").map(|word| {
            ALL_STATUSES.into_iter().find(|status| status_word(*status).eq_ignore_ascii_case(word))
        });
        // An input of type `date` sends YYYY-MM-DD.
        let day = query.get("day").map(|day| {
            let digits: String = day.chars().filter(char::is_ascii_digit).collect();
            let day = if digits.is_empty() { day } else { &digits };
            day.strip_prefix("20").filter(|rest| rest.len() == 6).unwrap_or(day).to_owned()
        });
        let text = query.get("q").map(str::to_owned);
        Self { client: query.get("client").map(str::to_owned), status, day, text }
    }

    /// Checks the filters that need only the run's id.
    pub(super) fn may_match(&self, run: &shared::core::ids::RunId) -> bool {
        self.client.as_ref().is_none_or(|client| run.client().as_str() == client)
            && self.day.as_ref().is_none_or(|day| run.as_str().starts_with(day.as_str()))
    }

    /// Whether a filter needs more than the run's id.
    pub(super) fn needs_content(&self) -> bool {
        self.status.is_some() || self.text.is_some()
    }

    /// Whether a filter needs the leads of a run.
    pub(super) fn needs_leads(&self) -> bool {
        self.text.is_some()
    }

    /// `leads` is as in [`Details`](super::open_book::Details).
    pub(super) fn matches(&self, summary: &Summary, leads: &str) -> bool {
        self.may_match(&summary.run)
            && self.status.is_none_or(|status| status == Some(summary.status))
            && self.text.as_ref().is_none_or(|text| is_found(text, summary, leads))
    }
}

/// Whether the text is part of the run's id or of its client's name, or names a harvest or a lead
/// of the run.
fn is_found(text: &str, summary: &Summary, leads: &str) -> bool {
    let wanted = text.to_lowercase();
    let has = |name: &str| name.to_lowercase().contains(&wanted);
    if has(summary.run.as_str()) || has(&summary.header.client_name) {
        return true;
    }
    if summary.harvests.iter().any(|(_, harvest)| has(harvest.apify_run.as_str())) {
        return true;
    }
    let profile = ProfileKey::of(text);
    leads.lines().any(|lead| has(lead) || profile.as_ref().is_some_and(|p| p.as_str() == lead))
}
