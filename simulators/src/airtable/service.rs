//! Answers requests to the API: checks the token and the limits, and executes the operation.

use super::body::{self, Body};
use super::error::ApiError;
use super::options::Token;
use super::query::Query;
use super::render::Shape;
use super::route::{Operation, Route};
use super::simulator::Airtable;
use super::state::{Place, State};
use super::{ids, list, meta, oddities, write};
use crate::reply::{bearer, pause};
use crate::{Fault, Request, Response, Service, json_reply};
use http::StatusCode;
use serde_json::{Value, json};

/// A URL must be shorter than this, counted as if it were sent to Airtable's own host.
const URL_LIMIT: usize = 16_000;
const HOST: &str = "https://api.airtable.com";
/// Requests per second to one base, by all tokens together.
const PER_BASE: usize = 5;
/// Requests per second by one token.
const PER_TOKEN: usize = 50;

impl Airtable {
    fn answer(&self, request: &Request) -> Result<Value, ApiError> {
        let route = Route::of(request);
        let now = self.clock.now();
        let mut state = self.lock();
        count(&mut state, &route);
        let length = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        if HOST.len() + length >= URL_LIMIT {
            return Err(ApiError::UrlTooLong);
        }
        let token = token(&self.options.tokens, request)?;
        let base = route.base();
        let known_base = base.filter(|base| state.bases.contains_key(*base));
        let limit = |requests| self.options.rate_limit.then_some(requests);
        if known_base.is_some_and(|base| !state.rates.admits(base, limit(PER_BASE), now))
            || !state.rates.admits(&token.secret, limit(PER_TOKEN), now)
        {
            return Err(ApiError::RateLimited);
        }
        if state.quota_spent && !route.is_meta() {
            return Err(ApiError::QuotaSpent);
        }
        token.permit(route.scope(), base)?;
        if base.is_some_and(|base| !ids::is_id("app", base)) {
            return Err(ApiError::NotFound);
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
        let base = route.base().unwrap_or_default();
        let (place, item) = ((base, route.table.as_str()), route.item.as_str());
        match route.operation {
            Operation::Whoami => Ok(meta::whoami(token)),
            Operation::Bases => meta::bases(state, token, request),
            Operation::Schema => meta::schema(state, base, request),
            Operation::CreateBase => meta::create_base(state, request),
            Operation::UpdateTable => meta::update_table(state, place, request),
            Operation::CreateTable => meta::create_table(state, base, request),
            Operation::CreateField => meta::create_field(state, place, request),
            Operation::UpdateField => meta::update_field(state, place, item, request),
            Operation::List => self.list(state, place, &Query::from_url(request)?),
            Operation::ListByPost => self.list(state, place, &Query::from_body(request)?),
            Operation::Get => list::get(state, base, item, request),
            Operation::Create => {
                state.table(place)?;
                self.write(state, place, &body::create(request)?)
            }
            Operation::Update => {
                state.table(place)?;
                self.write(state, place, &body::update(request, route.clear)?)
            }
            Operation::UpdateOne => {
                known_record(state, place, item)?;
                self.write(state, place, &body::update_one(request, item, route.clear)?)
            }
            Operation::Delete => {
                state.table(place)?;
                let ids = body::deleted(request)?;
                write::delete(state, place, &ids)?;
                let deleted = ids.iter().map(|id| json!({"id": id, "deleted": true}));
                Ok(json!({"records": deleted.collect::<Vec<_>>()}))
            }
            Operation::DeleteOne => {
                known_record(state, place, item)?;
                write::delete(state, place, &[item.to_owned()])?;
                Ok(json!({"id": item, "deleted": true}))
            }
            Operation::Unknown => Err(ApiError::NotFound),
        }
    }

    fn list(&self, state: &mut State, place: Place<'_>, query: &Query) -> Result<Value, ApiError> {
        list::list(state, place, query, self.clock.now(), self.options.page_rows)
    }

    /// Writes rows, and answers with their new state.
    fn write(&self, state: &mut State, place: Place<'_>, body: &Body) -> Result<Value, ApiError> {
        oddities::check_locks(state, place, &body.changes)?;
        let written = write::write(state, place, &body.changes, &body.plan, self.clock.now())?;
        let (base, table) = state.table(place)?;
        let shape = Shape { by_field_id: body.by_field_id, ..Shape::default() };
        let columns = shape.columns(table);
        let row = |id: &String| {
            table.records.get(id.as_str()).map(|record| shape.row(base, &columns, id, record))
        };
        let mut rows: Vec<Value> = written.ids.iter().filter_map(row).collect();
        if body.single {
            return rows.pop().ok_or(ApiError::Internal);
        }
        let mut reply: Value = [("records", rows)].into_iter().collect();
        if body.plan.merge_on.is_some() {
            reply["createdRecords"] = json!(written.created);
            reply["updatedRecords"] = json!(written.updated);
        }
        Ok(reply)
    }
}

fn token<'a>(tokens: &'a [Token], request: &Request) -> Result<&'a Token, ApiError> {
    let secret = bearer(request).ok_or(ApiError::NoToken)?;
    tokens.iter().find(|token| token.secret == secret).ok_or(ApiError::BadToken)
}

fn known_record(state: &State, place: Place<'_>, record: &str) -> Result<(), ApiError> {
    let (_, table) = state.table(place)?;
    if !ids::is_id("rec", record) {
        return Err(ApiError::NotFound);
    }
    table.records.contains_key(record).then_some(()).ok_or(ApiError::Forbidden)
}

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
        pause(self.options.latency).await;
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
                ApiError::RateLimited.response()
            }
            Fault::Unavailable => ApiError::Unavailable.response(),
            Fault::InternalError | Fault::LostBefore | Fault::LostAfter | Fault::MalformedBody => {
                ApiError::Internal.response()
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
