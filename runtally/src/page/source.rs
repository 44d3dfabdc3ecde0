//! What the page reads and, if allowed, acts on.

use super::last_read::{GivenUp, LastRead};
use super::open_book::Known;
use super::waits::Waiting;
use crate::invented::InventedClient;
use crate::result::Fault;
use crate::system::{Deployment, Inside};
use crate::view::{Comparison, Letter};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use shared::adapters::http::HttpTransport;
use shared::core::clock::Clock;
use shared::core::ids::{BaseId, RecordId};
use shared::run_records::Shape;
use shared::schema::run_record;
use shared::services::airtable::{Airtable, Row};
use simulators::Simulated;
use simulators::airtable::Airtable as SimulatedAirtable;
use simulators::apify::Apify;
use simulators::gemini::Gemini;
use std::sync::Arc;

/// Most dead letters of a queue that the pages of runs read one by one.
const MOST_LETTERS: u64 = 200;

/// One outside service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceState {
    pub(crate) name: &'static str,
    pub(crate) is_real: bool,
    /// Where it is, in words.
    pub(crate) place: String,
}

/// The services that are simulated in this process.
#[derive(Default, Clone)]
pub(crate) struct Simulators {
    pub(crate) airtable: Option<Arc<Simulated<SimulatedAirtable>>>,
    pub(crate) apify: Option<Arc<Simulated<Apify>>>,
    pub(crate) gemini: Option<Arc<Simulated<Gemini>>>,
    /// The invented clients, for which harvests can be invented.
    pub(crate) clients: Vec<InventedClient>,
    /// Where the simulated Apify sends its webhooks, and their token.
    pub(crate) webhook: Option<(String, String)>,
}

/// A system as the page sees it.
pub(crate) struct Source {
    pub(crate) deployment: Deployment,
    pub(crate) airtable: Airtable<HttpTransport>,
    pub(crate) master: BaseId,
    pub(crate) services: Vec<ServiceState>,
    pub(crate) simulators: Simulators,
    /// What only the system's own process knows; `None` if the system runs elsewhere.
    pub(crate) inside: Option<Inside>,
    /// Whether the page may change something.
    pub(crate) allow_actions: bool,
    /// How many chunks of a base are scored at the same time.
    pub(crate) lanes: u32,
    /// How long the records of finished runs are checked. The runs of a deployed log are listed for
    /// as long.
    pub(crate) verify_for: SignedDuration,
    pub(crate) clock: Clock,
    pub(crate) last: LastRead,
}

impl Source {
    /// A counter of changes to stored data. Constant for a system that runs elsewhere.
    pub(super) fn changes(&self) -> u64 {
        self.inside.as_ref().map_or(0, |inside| *inside.changes.borrow())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The record of a run as Airtable shows it. A simulated Airtable is always read. A real one is
    /// read only if `is_asked`, and the result is used for half a minute, unless the run changes.
    pub(super) async fn comparison(
        &self,
        known: &Known,
        is_asked: bool,
    ) -> Result<Option<(Timestamp, Arc<Comparison>)>, Fault> {
        let (now, summary) = (self.now(), &known.summary);
        let read = match &self.simulators.airtable {
            Some(airtable) => {
                Comparison::of(&Shape::default(), self.rows(airtable, known), summary)
            }
            None if is_asked => crate::view::compare(&self.airtable, &self.master, summary).await?,
            None => return Ok(self.last.records.of(known, now)),
        };
        let read = Arc::new(read);
        self.last.records.keep(known, now, &read);
        Ok(Some((now, read)))
    }

    /// The run's rows in a simulated Airtable; `None` for a real one.
    pub(super) fn simulated_rows(&self, known: &Known) -> Option<Vec<Row>> {
        self.simulators.airtable.as_ref().map(|airtable| self.rows(airtable, known))
    }

    /// The tasks that wait for their next attempt. With `may_be_old`, the result may be two seconds
    /// old.
    pub(super) async fn waiting(&self, may_be_old: bool) -> Result<Arc<Vec<Waiting>>, Fault> {
        let now = self.now();
        if may_be_old && let Some(tasks) = self.last.tasks.of(now) {
            return Ok(tasks);
        }
        let (tasks, _) = self.deployment.waiting().await?;
        Ok(self.last.tasks.keep(now, tasks.into_iter().map(Waiting::from).collect()))
    }

    /// The dead letters. On AWS they are only counted, because reading them hides them from others
    /// for a moment. Those of a queue with very many are only counted too. With `may_be_old`, the
    /// result may be two seconds old.
    pub(super) async fn given_up(&self, may_be_old: bool) -> Result<Arc<GivenUp>, Fault> {
        let now = self.now();
        if may_be_old && let Some(given_up) = self.last.given_up.of(now) {
            return Ok(given_up);
        }
        let most = if self.deployment.is_on_aws() { 0 } else { MOST_LETTERS };
        let mut given_up = GivenUp { letters: Vec::new(), unread: 0 };
        for queue in self.deployment.queues() {
            let dead = self.deployment.state(queue).await?.dead;
            if dead > most {
                given_up.unread += dead;
            } else if dead > 0 {
                let letters = self.deployment.dead_letters(queue).await?;
                given_up.letters.extend(letters.iter().map(|letter| Letter::of(queue, letter)));
            }
        }
        Ok(self.last.given_up.keep(now, given_up))
    }

    /// The run's rows in a simulated Airtable: the row that was last written, if it still belongs
    /// to the run, or else all rows with the run's identity.
    fn rows(&self, airtable: &Simulated<SimulatedAirtable>, known: &Known) -> Vec<Row> {
        let (airtable, base) = (airtable.service(), self.master.as_str());
        let is_of_run = |fields: &Map<String, Value>| {
            let run = fields.get(run_record::RUN_ID).and_then(Value::as_str);
            run == Some(known.summary.run.as_str())
        };
        let written = known.projection.as_ref().map(|projection| projection.record.as_str());
        let written = written.and_then(|id| airtable.row(base, run_record::TABLE, id).ok()?);
        let rows = match written.filter(|row| is_of_run(&row.fields)) {
            Some(row) => Ok(vec![row]),
            None => airtable.rows(base, run_record::TABLE),
        };
        let rows = rows.unwrap_or_default().into_iter().filter(|row| is_of_run(&row.fields));
        let as_read = |row: simulators::airtable::Row| {
            let id: RecordId = row.id.parse().ok()?;
            Some(Row { id, created_time: row.created_time, fields: row.fields })
        };
        rows.filter_map(as_read).collect()
    }
}
