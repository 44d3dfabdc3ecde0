//! Requests to the simulated services, with the faults on the way.

use super::bugs;
use super::odd_answers;
use super::parts::{Part, Service};
use super::paths::{base_of, table_of};
use super::ports::{Ports, Turn};
use crate::bug::Bug;
use crate::fault::Fault;
use crate::script::Call;
use bytes::Bytes;
use http::Uri;
use shared::ports::{HttpRequest, HttpResponse, Transport, TransportError};
use shared::schema::{leads, run_record};
use simulators::Service as _;
use std::time::Duration;
use tokio::time::Instant;

/// Part of the body of a request for a later page of a listing.
const OFFSET: &[u8] = b"\"offset\"";

/// Airtable's answer to a listing with a field that it does not have.
const UNKNOWN_FIELD: &[u8] =
    b"{\"error\":{\"type\":\"UNKNOWN_FIELD_NAME\",\"message\":\"Unknown field name: \\\"Posts\\\"\"}}";

/// The faults of one service's requests.
struct OfService {
    service: Service,
    not_reached: Fault,
    answer_lost: Fault,
    /// Each with its possible answers; one of them is drawn.
    refusals: &'static [(Fault, &'static [simulators::Fault])],
}

const AIRTABLE: OfService = OfService {
    service: Service::Airtable,
    not_reached: Fault::AirtableNotReached,
    answer_lost: Fault::AirtableAnswerLost,
    refusals: &[
        (Fault::AirtableLimited, &[simulators::Fault::TooManyRequests]),
        (Fault::AirtableBroken, &[simulators::Fault::InternalError]),
        (Fault::AirtableOverloaded, &[simulators::Fault::Unavailable]),
    ],
};
const APIFY: OfService = OfService {
    service: Service::Apify,
    not_reached: Fault::ApifyNotReached,
    answer_lost: Fault::ApifyAnswerLost,
    refusals: &[
        (Fault::ApifyLimited, &[simulators::Fault::TooManyRequests]),
        (Fault::ApifyBroken, &[simulators::Fault::InternalError, simulators::Fault::Unavailable]),
    ],
};
const GEMINI: OfService = OfService {
    service: Service::Gemini,
    not_reached: Fault::GeminiNotReached,
    answer_lost: Fault::GeminiAnswerLost,
    refusals: &[
        (Fault::GeminiLimited, &[simulators::Fault::TooManyRequests]),
        (Fault::GeminiBroken, &[simulators::Fault::InternalError]),
        (Fault::GeminiOverloaded, &[simulators::Fault::Unavailable]),
    ],
};

impl OfService {
    fn of(request: &HttpRequest) -> Self {
        match request.uri().host() {
            Some("airtable.invalid") => AIRTABLE,
            Some("apify.invalid") => APIFY,
            Some("gemini.invalid") => GEMINI,
            other => panic!("a request to {other:?}: the configuration names no such host"),
        }
    }
}

impl Transport for Ports {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let faults = OfService::of(&request);
        let (before, after) = if takes_effect(&faults, &request) {
            (Turn::Before, Turn::After)
        } else {
            (Turn::Reading, Turn::Reading)
        };
        let (asked, uri) = (request.body().clone(), request.uri().clone());
        let sent = Instant::now();
        let (method, body) = (request.method().clone(), String::from_utf8_lossy(&asked));
        let about = [method.as_str(), uri.path(), &body];
        let call = Call { name: faults.service.name(), about: &about };
        if faults.service == Service::Gemini {
            self.world.oracle().model_called(&self.worker.name, &asked, sent);
        }
        self.turn(before, &call).await;
        let outcome = match self.instead_of_effect(&faults, &request, (sent, timeout), &call).await
        {
            Some(outcome) => outcome,
            None => {
                let (response, answered) = self.perform(&faults, request, sent, &call).await;
                if self.hit(faults.answer_lost, &call) {
                    tokio::time::sleep(self.world.dice.within(timeout)).await;
                    Err(lost(&uri, "simulated"))
                } else {
                    self.turn(after, &call).await;
                    self.note_answer(&faults, (&uri, &asked), &response, &answered);
                    return Ok(response);
                }
            }
        };
        self.note_no_answer(&faults, &asked, &outcome);
        outcome
    }
}

impl Ports {
    /// What a worker gets if the request has no effect; `None` if it has its effect.
    async fn instead_of_effect(
        &self,
        faults: &OfService,
        request: &HttpRequest,
        (sent, timeout): (Instant, Duration),
        call: &Call<'_>,
    ) -> Option<Result<HttpResponse, TransportError>> {
        let dice = &self.world.dice;
        if faults.service == Service::Gemini && self.world.faults.is_out_of_credit() {
            self.world.gemini.set_credit(false);
            let refusal = self.world.gemini.respond(request.clone()).await;
            self.world.gemini.set_credit(true);
            let refusal = bugs::response(&self.world, Service::Gemini, ("", &[]), refusal);
            self.world.oracle().model_halted(&self.worker.name, Instant::now());
            return Some(Ok(refusal));
        }
        if self.world.faults.meets_outage(Part::Service(faults.service)) {
            return Some(match dice.below(3) {
                0 => Err(not_sent(request.uri(), "simulated outage")),
                1 => Ok(self.refuse(faults, request, simulators::Fault::Unavailable, sent)),
                _ => {
                    tokio::time::sleep(timeout).await;
                    Err(lost(request.uri(), "simulated outage"))
                }
            });
        }
        let path = request.uri().path();
        let reads_leads = path.ends_with("/listRecords") && table_of(path) == leads::TABLE;
        if reads_leads && self.worker.has_chunk() && self.hit(Fault::LeadsFieldGone, call) {
            self.world.oracle().airtable_asked(self.worker.invocation(), base_of(path), sent);
            let mut response = HttpResponse::new(Bytes::from_static(UNKNOWN_FIELD));
            *response.status_mut() = http::StatusCode::UNPROCESSABLE_ENTITY;
            return Some(Ok(response));
        }
        if self.hit(faults.not_reached, call) {
            return Some(Err(not_sent(request.uri(), "simulated")));
        }
        if let Some(denied) = self.denied(faults, request, sent, call) {
            return Some(Ok(denied));
        }
        let (_, refusals) = faults.refusals.iter().find(|(fault, _)| self.hit(*fault, call))?;
        let refusal = refusals[dice.below(refusals.len())];
        Some(Ok(self.refuse(faults, request, refusal, sent)))
    }

    /// Airtable's answer while it denies requests to the base.
    fn denied(
        &self,
        faults: &OfService,
        request: &HttpRequest,
        sent: Instant,
        call: &Call<'_>,
    ) -> Option<HttpResponse> {
        if faults.service != Service::Airtable {
            return None;
        }
        let base = base_of(request.uri().path());
        if self.hit(Fault::AirtableDenied, call) {
            self.world.deny(base);
        }
        let status = self.world.denial(base)?;
        self.world.oracle().airtable_asked(self.worker.invocation(), base, sent);
        let error_type = match status {
            401 => "UNAUTHORIZED",
            _ => "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
        };
        if self.world.has(Bug::DenialTakenForFinal) {
            return Some(refusal(422, "INVALID_RECORDS"));
        }
        Some(refusal(status, error_type))
    }

    /// Executes the request. Returns what the worker gets, and the service's answer.
    async fn perform(
        &self,
        faults: &OfService,
        request: HttpRequest,
        sent: Instant,
        call: &Call<'_>,
    ) -> (HttpResponse, Bytes) {
        let world = &self.world;
        let request = bugs::request(world, request);
        let path = request.uri().path().to_owned();
        let asked = request.body().clone();
        let response = match faults.service {
            Service::Airtable => self.ask_airtable(request, sent, call).await,
            Service::Apify => world.apify.respond(request).await,
            Service::Gemini => world.gemini.respond(request).await,
        };
        let answered = response.body().clone();
        let response = odd_answers::answer(&world.faults, &world.dice, faults.service, response);
        let response = bugs::response(world, faults.service, (&path, &asked), response);
        world.trace.say(|| {
            let (name, status) = (&self.worker.name, response.status().as_u16());
            format!("{name} asks {:?} {path}: {status}", faults.service)
        });
        self.note_effect(faults, &path, &asked, &response);
        (response, answered)
    }

    async fn ask_airtable(
        &self,
        request: HttpRequest,
        sent: Instant,
        call: &Call<'_>,
    ) -> HttpResponse {
        let world = &self.world;
        let goes_on = || request.body().windows(OFFSET.len()).any(|part| part == OFFSET);
        if request.uri().path().ends_with("/listRecords")
            && goes_on()
            && world.faults.is_drawn_at(Fault::StaleIterator, call)
        {
            world.airtable.expire_iterators();
        }
        let invocation = self.worker.invocation();
        world.oracle().airtable_asked(invocation, base_of(request.uri().path()), sent);
        if request.uri().path().ends_with("/listRecords")
            && goes_on()
            && self.hit(Fault::OffsetInvalid, call)
        {
            return refusal(422, "INVALID_OFFSET_VALUE");
        }
        match bugs::instead(world, invocation, &request).await {
            Some(response) => response,
            None => world.airtable.respond(request).await,
        }
    }

    /// Reports to the oracle what a service did.
    fn note_effect(&self, faults: &OfService, path: &str, asked: &[u8], response: &HttpResponse) {
        let world = &self.world;
        let invocation = self.worker.invocation();
        let done = response.status().is_success();
        let step = world.step();
        match faults.service {
            Service::Gemini if done => world.oracle().model_answered(invocation, asked),
            Service::Gemini => self.note_no_answer(faults, asked, &Ok(response.clone())),
            Service::Airtable if done => {
                let table = table_of(path);
                let lists = path.ends_with("/listRecords");
                match table.as_str() {
                    leads::TABLE if lists => world.oracle().leads_read(invocation, step, asked),
                    leads::TABLE => world.oracle().leads_written(invocation, step, asked),
                    run_record::TABLE if !lists => {
                        world.oracle().records_written(invocation, asked, &world.airtable);
                    }
                    _ => {}
                }
            }
            Service::Airtable if response.status() == 429 => {
                world.trace.say(|| "Airtable's limit was exceeded".to_owned());
            }
            Service::Airtable | Service::Apify => {}
        }
    }

    /// Reports an answer that reached the worker.
    fn note_answer(
        &self,
        faults: &OfService,
        (uri, asked): (&Uri, &[u8]),
        response: &HttpResponse,
        answered: &Bytes,
    ) {
        let world = &self.world;
        if faults.service == Service::Airtable && response.status() == 429 {
            let base = base_of(uri.path());
            world.oracle().airtable_limited(self.worker.invocation(), base);
        }
        if is_stale(response) {
            world.faults.count(Fault::StaleIterator);
            world.trace.say(|| format!("{}'s listing is stale", self.worker.name));
        }
        if faults.service == Service::Gemini {
            let is_known = !odd_answers::is_silent(response);
            let answer = (&**answered, is_known);
            world.oracle().model_answer_reached(self.worker.invocation(), asked, answer);
        }
    }

    fn refuse(
        &self,
        faults: &OfService,
        request: &HttpRequest,
        fault: simulators::Fault,
        sent: Instant,
    ) -> HttpResponse {
        match faults.service {
            Service::Airtable => {
                let (invocation, base) = (self.worker.invocation(), base_of(request.uri().path()));
                self.world.oracle().airtable_asked(invocation, base, sent);
                if fault == simulators::Fault::TooManyRequests {
                    self.world.oracle().airtable_limited(invocation, base);
                }
                self.world.airtable.refuse(request, fault)
            }
            Service::Apify => self.world.apify.refuse(request, fault),
            Service::Gemini => self.world.gemini.refuse(request, fault),
        }
    }

    /// Reports to the oracle what a worker sees of a model call without an answer.
    fn note_no_answer(
        &self,
        faults: &OfService,
        asked: &[u8],
        outcome: &Result<HttpResponse, TransportError>,
    ) {
        if faults.service != Service::Gemini {
            return;
        }
        let invocation = self.worker.invocation();
        match outcome {
            Err(TransportError::AnswerLost { .. } | TransportError::TooLarge { .. }) => {
                self.world.oracle().model_answer_lost(invocation, asked);
            }
            Ok(_) | Err(TransportError::NotSent { .. }) => {
                self.world.oracle().model_refused(invocation, asked);
            }
        }
    }
}

/// An answer of Airtable with a type and without a message.
fn refusal(status: u16, error_type: &str) -> HttpResponse {
    let body = serde_json::json!({"error": {"type": error_type}}).to_string();
    let mut response = HttpResponse::new(Bytes::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    response
}

fn not_sent(uri: &Uri, reason: &str) -> TransportError {
    TransportError::NotSent { host: host_of(uri), reason: reason.to_owned() }
}

fn lost(uri: &Uri, reason: &str) -> TransportError {
    TransportError::AnswerLost { host: host_of(uri), reason: reason.to_owned() }
}

fn host_of(uri: &Uri) -> String {
    uri.host().unwrap_or_default().to_owned()
}

/// Whether a request changes anything, or costs anything.
fn takes_effect(faults: &OfService, request: &HttpRequest) -> bool {
    let only_reads =
        request.method() == http::Method::GET || request.uri().path().ends_with("/listRecords");
    faults.service == Service::Gemini || !only_reads
}

/// Whether Airtable answers that it lost its place in the listing.
fn is_stale(response: &HttpResponse) -> bool {
    let body = str::from_utf8(response.body()).unwrap_or_default();
    response.status() == http::StatusCode::UNPROCESSABLE_ENTITY
        && body.contains("LIST_RECORDS_ITERATOR_NOT_AVAILABLE")
}
