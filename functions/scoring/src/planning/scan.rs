//! The leads of a base that are waiting, page by page.

use crate::lead::row::Writable;
use crate::posts::stored;
use crate::prompt::profile;
use crate::prompt::template::About;
use serde::Deserialize;
use shared::core::digest::short_id_of;
use shared::core::ids::{BaseId, LeadKey, RecordId};
use shared::core::linkedin::ProfileKey;
use shared::messages::{Kind, ScanCursor};
use shared::ports::Transport;
use shared::schema::leads as schema;
use shared::services::airtable::formula::Formula;
use shared::services::airtable::{Airtable, AirtableError, ListQuery, Record};
use std::collections::{BTreeSet, VecDeque};

/// Lead ids that one listing names.
const IDS_PER_LISTING: usize = 200;
/// How often a listing that the server forgot is begun again.
const RESTARTS: u32 = 3;

/// A lead that is waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WaitingLead {
    pub(crate) key: LeadKey,
    pub(crate) record: RecordId,
    /// How much it takes up in a call, and the answers it needs; 0 where it was not measured.
    pub(crate) bytes: usize,
    pub(crate) answers: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    #[serde(rename = "LinkedIn Profile URL")]
    profile_url: String,
    #[serde(rename = "Posts Content")]
    posts_content: String,
    #[serde(rename = "Raw Profile Data")]
    raw_profile: String,
    #[serde(rename = "Profile Full JSON")]
    profile_json: String,
}

/// Reads the waiting leads. Only one page is held at a time.
pub(crate) struct Selection<'a, T> {
    airtable: &'a Airtable<T>,
    base: &'a BaseId,
    kind: Kind,
    fields: Vec<String>,
    /// Whether the base may have the view of waiting leads; it is asked for it first.
    view: Option<&'static str>,
    /// What is waiting, in a formula; for a base without the view.
    filter: Formula,
    /// The listings to be made: each names some ids, or the only one none.
    listings: VecDeque<Option<Formula>>,
    /// Listings that were made.
    done: usize,
    offset: Option<String>,
    restarts: u32,
    /// The rows that were read: after a restart they come again.
    seen: BTreeSet<RecordId>,
    keys: BTreeSet<LeadKey>,
}

impl<'a, T: Transport> Selection<'a, T> {
    /// The leads of `base` that wait for this kind of scoring; of them those in `ids`, if any
    /// are named. `measure` reads what their scoring would take up.
    pub(crate) fn new(
        airtable: &'a Airtable<T>,
        base: &'a BaseId,
        kind: Kind,
        writable: &Writable,
        measure: bool,
        ids: &[RecordId],
    ) -> Self {
        let mut fields = vec![schema::PROFILE_URL.to_owned()];
        let (view, filter) = match kind {
            Kind::Post => {
                let mut formulas = vec![
                    Formula::filled(schema::POSTS_CONTENT),
                    Formula::blank(schema::DATE_POSTS_SCORED),
                ];
                if writable.has_actioned == Some(true) {
                    formulas.push(Formula::unchecked(schema::POSTS_ACTIONED));
                }
                if measure {
                    fields.push(schema::POSTS_CONTENT.to_owned());
                }
                (Some(schema::WAITING_VIEW), Formula::all(formulas))
            }
            Kind::Profile => {
                if measure {
                    fields.extend(writable.profile_fields.iter().cloned());
                }
                (None, Formula::equals(schema::SCORING_STATUS, schema::TO_BE_SCORED))
            }
        };
        let named = |ids: &[RecordId]| {
            Some(Formula::any(ids.iter().map(|id| Formula::record_id(id.as_str()))))
        };
        let listings = if ids.is_empty() {
            VecDeque::from([None])
        } else {
            ids.chunks(IDS_PER_LISTING).map(named).collect()
        };
        Self {
            airtable,
            base,
            kind,
            fields,
            view,
            filter,
            listings,
            done: 0,
            offset: None,
            restarts: 0,
            seen: BTreeSet::new(),
            keys: BTreeSet::new(),
        }
    }

    /// Goes on where an earlier selection stopped.
    pub(crate) fn resume(&mut self, cursor: &ScanCursor) {
        self.listings.drain(..cursor.listings.min(self.listings.len()));
        self.done = cursor.listings;
        self.offset.clone_from(&cursor.offset);
        if !cursor.has_view {
            self.view = None;
        }
    }

    /// Where it stands: listings that are read, the offset, and whether the view is used.
    pub(crate) fn position(&self) -> (usize, Option<String>, bool) {
        (self.done, self.offset.clone(), self.view.is_some())
    }

    /// Whether everything is read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.listings.is_empty()
    }

    /// The next page; `None` behind the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<WaitingLead>>, AirtableError> {
        while let Some(listing) = self.listings.front() {
            let mut formulas: Vec<Formula> = listing.iter().cloned().collect();
            if self.view.is_none() {
                formulas.push(self.filter.clone());
            }
            let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
            let formula = (!formulas.is_empty()).then(|| Formula::all(formulas));
            let query = ListQuery { fields: &fields, formula };
            let page = self
                .airtable
                .page::<Row>(self.base, schema::TABLE, &query, self.view, self.offset.as_deref())
                .await;
            match page {
                Ok(page) => {
                    self.offset = page.offset;
                    if self.offset.is_none() {
                        self.listings.pop_front();
                        self.done += 1;
                    }
                    let leads = page.records.into_iter().filter_map(|row| self.lead(row)).collect();
                    return Ok(Some(leads));
                }
                Err(error) if error.is_unknown_view() && self.view.is_some() => self.view = None,
                Err(error) if error.is_lost_listing() && self.restarts < RESTARTS => {
                    self.restarts += 1;
                    self.offset = None;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The lead of a row that was not read before. A second row with the profile of another is a
    /// lead of its own: both are scored.
    fn lead(&mut self, row: Record<Row>) -> Option<WaitingLead> {
        if !self.seen.insert(row.id.clone()) {
            return None;
        }
        let of_record = || {
            let id = short_id_of(&["record", row.id.as_str()]);
            id.try_into().expect("a short id has the form of a lead key")
        };
        let key = ProfileKey::of(&row.fields.profile_url).map(|profile| profile.lead_key());
        let key = key.filter(|key| !self.keys.contains(key)).unwrap_or_else(of_record);
        self.keys.insert(key.clone());
        let (bytes, answers) = measure(self.kind, &row.fields);
        Some(WaitingLead { key, record: row.id, bytes, answers })
    }
}

/// How much a row takes up in a call, and the answers it needs.
fn measure(kind: Kind, row: &Row) -> (usize, usize) {
    let about = match kind {
        Kind::Post => {
            let posts = stored::read(&row.posts_content).unwrap_or_default();
            let worded = posts.into_iter().filter(|post| !post.content().is_empty());
            About::Posts(worded.collect())
        }
        Kind::Profile => match profile::material([&row.raw_profile, &row.profile_json]) {
            Some(profile) => About::Profile(profile),
            None => return (0, 0),
        },
    };
    (about.bytes(), about.answers())
}
