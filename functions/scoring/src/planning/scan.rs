//! The waiting leads of a base, page by page.

use crate::lead::fields::LeadFields;
use crate::lead::row::profile_of;
use crate::posts::stored::read_posts;
use crate::prompt::profile::profile_material;
use crate::prompt::subject::Subject;
use shared::core::digest::short_id_of;
use shared::core::ids::{BaseId, LeadKey, RecordId};
use shared::messages::{Kind, ScanCursor, Unplanned};
use shared::ports::Transport;
use shared::schema::leads as schema;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{
    Airtable, AirtableError, ListQuery, ListingAt, PageAt, PageSize, Row,
};
use std::collections::BTreeSet;

/// Lead ids that one listing names.
const IDS_PER_LISTING: usize = 200;
/// How often a listing whose position the server lost is started again.
const RESTARTS: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WaitingLead {
    pub(crate) key: LeadKey,
    pub(crate) record: RecordId,
    /// Its size in a call; 0 if not measured.
    pub(crate) bytes: usize,
    /// The number of answers it needs; 0 if not measured.
    pub(crate) answers: usize,
}

/// Reads the waiting leads. Only one page is kept in memory at a time.
pub(crate) struct Scan<'a, T> {
    airtable: &'a Airtable<T>,
    base: &'a BaseId,
    kind: Kind,
    fields: Vec<String>,
    /// The view of waiting leads; `None` once the base is known to lack it.
    view: Option<&'static str>,
    /// Selects the waiting leads in a base without the view.
    filter: Formula,
    /// The listings. Each names some record ids; a single listing without ids covers all leads.
    listings: Vec<Vec<RecordId>>,
    /// Number of listings that are read to their end.
    done: usize,
    at: ListingAt,
    /// How many rows to request for the next page.
    size: PageSize,
    restarts: u32,
    /// Rows that were already read. After a restart they appear again.
    seen: BTreeSet<RecordId>,
    keys: BTreeSet<LeadKey>,
    /// Named leads that were not found among the waiting ones.
    pub(crate) unplanned: NamedLeads,
    /// Rows that cannot be read, by the ids they give.
    pub(crate) unreadable: Vec<String>,
}

/// Leads that a request names but that are not planned, by reason.
#[derive(Debug, Clone, Default)]
pub(crate) struct NamedLeads {
    /// They have no row.
    pub(crate) unknown: Unplanned,
    pub(crate) not_waiting: Unplanned,
}

pub(crate) struct ScanRequest<'a> {
    pub(crate) kind: Kind,
    pub(crate) fields: &'a LeadFields,
    /// Whether to read how much their scoring would use.
    pub(crate) measure: bool,
    /// Only these rows, if they are waiting; empty for all waiting leads.
    pub(crate) ids: &'a [RecordId],
}

impl<'a, T: Transport> Scan<'a, T> {
    pub(crate) fn new(
        airtable: &'a Airtable<T>,
        base: &'a BaseId,
        request: &ScanRequest<'_>,
    ) -> Self {
        let ids = request.ids;
        let (fields, view, filter) = selection(request);
        let ids: BTreeSet<&RecordId> = ids.iter().collect();
        let ids: Vec<RecordId> = ids.into_iter().cloned().collect();
        let listings = if ids.is_empty() {
            vec![Vec::new()]
        } else {
            ids.chunks(IDS_PER_LISTING).map(<[RecordId]>::to_vec).collect()
        };
        Self {
            airtable,
            base,
            kind: request.kind,
            fields,
            view,
            filter,
            listings,
            done: 0,
            at: ListingAt::default(),
            size: PageSize::default(),
            restarts: 0,
            seen: BTreeSet::new(),
            keys: BTreeSet::new(),
            unplanned: NamedLeads::default(),
            unreadable: Vec::new(),
        }
    }

    /// Continues where an earlier invocation stopped.
    pub(crate) fn resume(&mut self, cursor: &ScanCursor) {
        for (key, record) in &cursor.held {
            self.keys.insert(key.clone());
            self.seen.insert(record.clone());
        }
        self.done = cursor.listings;
        self.at.offset.clone_from(&cursor.offset);
        if !cursor.has_view {
            self.view = None;
        }
        let (unknown, not_waiting) = (cursor.unknown.clone(), cursor.not_waiting.clone());
        self.unplanned = NamedLeads { unknown, not_waiting };
    }

    /// The current position: listings read, the offset, and whether the view is used.
    pub(crate) fn position(&self) -> (usize, Option<String>, bool) {
        (self.done, self.at.offset.clone(), self.view.is_some())
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.done >= self.listings.len()
    }

    /// Whether an invocation may stop here. It may not stop within a listing of named leads,
    /// because only its end shows which of them are missing.
    pub(crate) fn may_pause(&self) -> bool {
        let names_leads = self.listings.iter().any(|listing| !listing.is_empty());
        !self.is_at_end() && (!names_leads || self.at.offset.is_none())
    }

    /// Reads the next page; `None` after the last one.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<WaitingLead>>, AirtableError> {
        while let Some(listing) = self.listings.get(self.done) {
            let mut formulas: Vec<Formula> = named(listing).into_iter().collect();
            if self.view.is_none() {
                formulas.push(self.filter.clone());
            }
            let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
            let formula = (!formulas.is_empty()).then(|| Formula::all(formulas));
            let query = ListQuery { fields: &fields, formula };
            let (view, offset) = (self.view, self.at.offset.as_deref());
            let at = PageAt { view, offset, size: self.size };
            let page = self.airtable.page(self.base, schema::TABLE, &query, at).await;
            match page {
                Ok(page) => {
                    let listing = listing.clone();
                    // In a long listing, only some rows may be large, so the size grows again.
                    self.size = page.size.larger();
                    let leads = page.records.into_iter().filter_map(|row| self.lead(row)).collect();
                    self.unreadable.extend(page.unreadable);
                    self.at.go_on(page.offset)?;
                    if self.at.offset.is_none() {
                        self.account_for(&listing).await?;
                        self.done += 1;
                        self.at = ListingAt::default();
                    }
                    return Ok(Some(leads));
                }
                Err(error) if error.is_unknown_view() && self.view.is_some() => self.view = None,
                Err(error) if error.is_lost_listing() && self.restarts < RESTARTS => {
                    self.restarts += 1;
                    self.at = ListingAt::default();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Finds out why a listing did not return some of the named leads: they have no row, or they
    /// are not waiting.
    async fn account_for(&mut self, named_leads: &[RecordId]) -> Result<(), AirtableError> {
        let missing: Vec<&RecordId> =
            named_leads.iter().filter(|id| !self.seen.contains(*id)).collect();
        let Some(formula) = named(missing.iter().copied()) else { return Ok(()) };
        let query = ListQuery { fields: &[schema::PROFILE_URL], formula: Some(formula) };
        let rows = self.airtable.list(self.base, schema::TABLE, &query).await?;
        let there: BTreeSet<RecordId> = rows.into_iter().map(|row| row.id).collect();
        for id in missing {
            let NamedLeads { unknown, not_waiting } = &mut self.unplanned;
            let list = if there.contains(id) { not_waiting } else { unknown };
            list.add(id.clone());
        }
        Ok(())
    }

    /// The lead of a row; `None` for a row that was already read. A second row with the same
    /// profile is a separate lead: both are scored.
    fn lead(&mut self, row: Row) -> Option<WaitingLead> {
        if !self.seen.insert(row.id.clone()) {
            return None;
        }
        let of_record = || {
            let id = short_id_of(&["record", row.id.as_str()]);
            id.try_into().expect("a short id has the form of a lead key")
        };
        let key = profile_of(&row).map(|profile| profile.lead_key());
        let key = key.filter(|key| !self.keys.contains(key)).unwrap_or_else(of_record);
        self.keys.insert(key.clone());
        let (bytes, answers) = measure(self.kind, &row);
        Some(WaitingLead { key, record: row.id, bytes, answers })
    }
}

/// The rows with these ids; `None` if there are no ids.
fn named<'i>(ids: impl IntoIterator<Item = &'i RecordId>) -> Option<Formula> {
    let formulas: Vec<Formula> =
        ids.into_iter().map(|id| Formula::record_id(id.as_str())).collect();
    (!formulas.is_empty()).then(|| Formula::any(formulas))
}

fn selection(request: &ScanRequest<'_>) -> (Vec<String>, Option<&'static str>, Formula) {
    let mut fields = vec![schema::PROFILE_URL.to_owned()];
    match request.kind {
        Kind::Post => {
            let mut formulas = vec![
                Formula::filled(schema::POSTS_CONTENT),
                Formula::blank(schema::DATE_POSTS_SCORED),
            ];
            formulas.extend(request.fields.not_actioned.clone());
            if request.measure {
                fields.push(schema::POSTS_CONTENT.to_owned());
            }
            // A row whose cell is an error must not be left out silently.
            (fields, Some(schema::WAITING_VIEW), Formula::all(formulas).or_error())
        }
        Kind::Profile => {
            if request.measure {
                fields.extend(request.fields.profile.iter().cloned());
            }
            let waits = Formula::equals(schema::SCORING_STATUS, schema::TO_BE_SCORED);
            (fields, None, waits.or_error())
        }
    }
}

fn measure(kind: Kind, row: &Row) -> (usize, usize) {
    let about = match kind {
        Kind::Post => {
            let stored = read_posts(&row.text(schema::POSTS_CONTENT)).unwrap_or_default();
            Subject::Posts(stored.to_judge())
        }
        Kind::Profile => match profile_material(row) {
            Some(profile) => Subject::Profile(profile),
            None => return (0, 0),
        },
    };
    (about.bytes(), about.answers())
}
