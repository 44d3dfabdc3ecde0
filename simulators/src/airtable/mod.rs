//! Airtable's Web API and Meta API with its limits, its types and its errors.

mod auth;
mod body;
mod cells;
#[cfg(test)]
mod cells_tests;
mod control;
mod define;
mod display;
mod edits;
mod error;
mod field_spec;
mod formula;
mod ids;
mod iterators;
mod list;
mod meta;
mod model;
mod options;
mod params;
mod query;
mod rates;
mod render;
mod route;
mod schema;
mod schema_edits;
mod state;
mod times;
mod write;

pub use edits::{EditError, Row};
pub use options::{AirtableOptions, Scope, Token};
pub use schema::{Choice, Constant, FieldKind, FieldSpec, Format, TableSpec, ViewSpec};
pub use state::LoadError;

use crate::{Clock, Fault, Request, Response, Service, Store, json_reply};
use body::Body;
use error::ApiError;
use http::StatusCode;
use query::Query;
use render::Shape;
use route::Route;
use serde_json::{Value, json};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The length a URL must stay below, counted as if it were sent to Airtable's own host.
const URL_LIMIT: usize = 16_000;
const HOST: &str = "https://api.airtable.com";

/// A simulated Airtable.
pub struct Airtable {
    options: AirtableOptions,
    clock: Clock,
    seed: u64,
    state: Mutex<State>,
}

impl Airtable {
    /// An Airtable with what is in `store`. The same seed and the same requests give the same
    /// ids; times are those of `clock`.
    ///
    /// # Errors
    /// If the store holds something unreadable: better not to start than to lose rows.
    pub fn new(
        options: AirtableOptions,
        clock: Clock,
        store: Arc<dyn Store>,
        seed: u64,
    ) -> Result<Self, LoadError> {
        let state = Mutex::new(State::load(store, seed)?);
        Ok(Self { options, clock, seed, state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Result<Value, ApiError> {
        let route = Route::of(request);
        let now = self.clock.now();
        let mut state = self.lock();
        count(&mut state, &route);
        let length = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        if HOST.len() + length >= URL_LIMIT {
            return Err(ApiError::url_too_long());
        }
        let token = auth::token(&self.options.tokens, request)?;
        let base = route.base();
        let known_base = base.filter(|base| state.bases.contains_key(*base));
        state.rates.admit(known_base, &token.secret, now, self.options.rate_limit)?;
        if state.quota_spent && !route.is_meta() {
            return Err(ApiError::quota_spent());
        }
        token.permit(route.scope(), base)?;
        if base.is_some_and(|base| !ids::is_id("app", base)) {
            return Err(ApiError::not_found());
        }
        self.perform(&mut state, &route, token, request)
    }

    fn perform(
        &self,
        state: &mut State,
        route: &Route,
        token: &Token,
        request: &Request,
    ) -> Result<Value, ApiError> {
        let now = self.clock.now();
        let pages = (self.options.iterator_ttl, self.options.page_rows);
        match route {
            Route::Whoami => Ok(meta::whoami(token)),
            Route::Bases => meta::bases(state, token, request),
            Route::Schema { base } => meta::schema(state, base, request),
            Route::CreateTable { base } => meta::create_table(state, base, request),
            Route::CreateField { base, table } => meta::create_field(state, (base, table), request),
            Route::UpdateField { base, table, field } => {
                meta::update_field(state, (base, table, field), request)
            }
            Route::List { base, table } => {
                list::list(state, (base, table), &Query::from_url(request)?, now, pages)
            }
            Route::ListByPost { base, table } => {
                list::list(state, (base, table), &Query::from_body(request)?, now, pages)
            }
            Route::Get { base, record } => list::get(state, base, record, request),
            Route::Create { base, table } => {
                state.table(base, table)?;
                self.write(state, (base, table), &body::create(request)?)
            }
            Route::Update { base, table, clear } => {
                state.table(base, table)?;
                self.write(state, (base, table), &body::update(request, *clear)?)
            }
            Route::UpdateOne { base, table, record, clear } => {
                known_record(state, (base, table), record)?;
                self.write(state, (base, table), &body::update_one(request, record, *clear)?)
            }
            Route::Delete { base, table } => {
                state.table(base, table)?;
                let ids = body::deleted(request)?;
                write::delete(state, (base, table), &ids)?;
                let deleted = ids.iter().map(|id| json!({"id": id, "deleted": true}));
                Ok(json!({"records": deleted.collect::<Vec<_>>()}))
            }
            Route::DeleteOne { base, table, record } => {
                known_record(state, (base, table), record)?;
                write::delete(state, (base, table), std::slice::from_ref(record))?;
                Ok(json!({"id": record, "deleted": true}))
            }
            Route::Unknown => Err(ApiError::not_found()),
        }
    }

    /// Writes rows and answers with them as they are afterwards.
    fn write(
        &self,
        state: &mut State,
        (base, table): (&str, &str),
        body: &Body,
    ) -> Result<Value, ApiError> {
        let now = self.clock.now();
        let written = write::write(state, (base, table), &body.changes, &body.plan, now)?;
        let (base, table) = state.table(base, table)?;
        let shape = Shape { by_field_id: body.by_field_id, ..Shape::default() };
        let columns = shape.columns(table);
        let row = |id: &String| {
            table.records.get(id.as_str()).map(|record| shape.row(base, &columns, id, record))
        };
        let mut rows: Vec<Value> = written.ids.iter().filter_map(row).collect();
        if body.single {
            return rows.pop().ok_or_else(ApiError::internal);
        }
        let mut reply = json!({});
        // Not within `json!`, which would copy them.
        reply["records"] = rows.into();
        if body.plan.merge_on.is_some() {
            reply["createdRecords"] = json!(written.created);
            reply["updatedRecords"] = json!(written.updated);
        }
        Ok(reply)
    }
}

/// Refuses a record that a path names and the table does not have.
fn known_record(state: &State, (base, table): (&str, &str), record: &str) -> Result<(), ApiError> {
    let (_, table) = state.table(base, table)?;
    if !ids::is_id("rec", record) {
        return Err(ApiError::not_found());
    }
    match table.records.contains_key(record) {
        true => Ok(()),
        false => Err(ApiError::forbidden()),
    }
}

/// Counts a request for its base.
fn count(state: &mut State, route: &Route) {
    if let Some(base) = route.base().filter(|base| state.bases.contains_key(*base)) {
        *state.requests.entry(base.to_owned()).or_default() += 1;
    }
}

impl Service for Airtable {
    fn kind(&self, request: &Request) -> &'static str {
        Route::of(request).kind(request.body())
    }

    async fn respond(&self, request: Request) -> Response {
        let response = match self.answer(&request) {
            Ok(body) => json_reply(StatusCode::OK, &body),
            Err(error) => error.response(),
        };
        if !self.options.latency.is_zero() {
            tokio::time::sleep(self.options.latency).await;
        }
        response
    }

    fn refuse(&self, request: &Request, fault: Fault) -> Response {
        let route = Route::of(request);
        let mut state = self.lock();
        count(&mut state, &route);
        match fault {
            Fault::TooManyRequests => {
                if let Some(base) = route.base() {
                    state.rates.punish(base, self.clock.now());
                }
                ApiError::rate_limited().response()
            }
            Fault::Unavailable => ApiError::unavailable().response(),
            Fault::InternalError | Fault::LostBefore | Fault::LostAfter | Fault::MalformedBody => {
                ApiError::internal().response()
            }
        }
    }

    async fn control(&self, request: &Request) -> Option<Response> {
        self.answer_control(request)
    }

    fn reset(&self) {
        self.lock().clear(self.seed);
    }
}
