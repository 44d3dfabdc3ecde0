//! Requests to the simulated services, with what can go wrong on the way.

use super::bugs;
use super::faults::{Fault, Part};
use super::worker::{Seams, Turn};
use bytes::Bytes;
use shared::schema::{leads, run_record};
use shared::seams::{HttpRequest, HttpResponse, Transport, TransportError};
use simulators::Service;
use std::time::Duration;
use tokio::time::Instant;

/// In the body of a request for a further page of a listing.
const OFFSET: &[u8] = b"\"offset\"";

/// The faults that one service's requests meet.
struct OfService {
    part: Part,
    not_reached: Fault,
    answer_lost: Fault,
    /// Each with the answers that it gives, one of them at a time.
    refusals: &'static [(Fault, &'static [simulators::Fault])],
}

const AIRTABLE: OfService = OfService {
    part: Part::Airtable,
    not_reached: Fault::AirtableNotReached,
    answer_lost: Fault::AirtableAnswerLost,
    refusals: &[
        (Fault::AirtableLimited, &[simulators::Fault::TooManyRequests]),
        (Fault::AirtableBroken, &[simulators::Fault::InternalError]),
        (Fault::AirtableOverloaded, &[simulators::Fault::Unavailable]),
    ],
};
const APIFY: OfService = OfService {
    part: Part::Apify,
    not_reached: Fault::ApifyNotReached,
    answer_lost: Fault::ApifyAnswerLost,
    refusals: &[
        (Fault::ApifyLimited, &[simulators::Fault::TooManyRequests]),
        (Fault::ApifyBroken, &[simulators::Fault::InternalError, simulators::Fault::Unavailable]),
    ],
};
const GEMINI: OfService = OfService {
    part: Part::Gemini,
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

impl Transport for Seams {
    async fn send(
        &self,
        request: HttpRequest,
        timeout: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let faults = OfService::of(&request);
        let host = request.uri().host().unwrap_or_default().to_owned();
        let not_sent = |reason: &str| TransportError::NotSent {
            host: host.clone(),
            reason: reason.to_owned(),
        };
        let lost =
            || TransportError::AnswerLost { host: host.clone(), reason: "simulated".to_owned() };
        let asked = request.body().clone();
        let sent = Instant::now();
        let (before, after) = match takes_effect(&faults, &request) {
            true => (Turn::Before, Turn::After),
            false => (Turn::Reading, Turn::Reading),
        };
        self.turn(before).await;
        if self.world.faults.meets_outage(faults.part) {
            let outcome = match self.world.dice.below(3) {
                0 => Err(not_sent("simulated outage")),
                1 => Ok(self.refuse(&faults, &request, simulators::Fault::Unavailable, sent)),
                _ => {
                    tokio::time::sleep(timeout).await;
                    Err(lost())
                }
            };
            self.note_no_answer(&faults, &asked, &outcome);
            return outcome;
        }
        if self.hit(faults.not_reached) {
            let outcome = Err(not_sent("simulated"));
            self.note_no_answer(&faults, &asked, &outcome);
            return outcome;
        }
        for (fault, refusals) in faults.refusals {
            if self.hit(*fault) {
                let refusal = refusals[self.world.dice.below(refusals.len())];
                let outcome = Ok(self.refuse(&faults, &request, refusal, sent));
                self.note_no_answer(&faults, &asked, &outcome);
                return outcome;
            }
        }
        let (response, answered) = self.perform(&faults, request, sent).await;
        if self.hit(faults.answer_lost) {
            tokio::time::sleep(self.world.dice.within(timeout)).await;
            let outcome = Err(lost());
            self.note_no_answer(&faults, &asked, &outcome);
            return outcome;
        }
        self.turn(after).await;
        if is_stale(&response) {
            self.world.faults.count(Fault::StaleIterator);
            self.world.trace.say(|| format!("{}'s listing is stale", self.worker.name));
        }
        if faults.part == Part::Gemini {
            self.world.oracle().model_answer_reached(self.worker.invocation(), &answered);
        }
        Ok(response)
    }
}

impl Seams {
    /// The request takes effect. Returns what the worker gets, and what the service said.
    async fn perform(
        &self,
        faults: &OfService,
        request: HttpRequest,
        sent: Instant,
    ) -> (HttpResponse, Bytes) {
        let world = &self.world;
        let invocation = self.worker.invocation();
        let request = bugs::request(world, request);
        let path = request.uri().path().to_owned();
        let asked = request.body().clone();
        let response = match faults.part {
            Part::Airtable => {
                let goes_on = asked.windows(OFFSET.len()).any(|part| part == OFFSET);
                if goes_on && world.faults.is_drawn(Fault::StaleIterator, &world.dice) {
                    world.airtable.expire_iterators();
                }
                world.oracle().airtable_asked(&self.worker.name, base_of(&path), sent);
                match bugs::instead(world, &self.worker.name, &request).await {
                    Some(response) => response,
                    None => world.airtable.respond(request).await,
                }
            }
            Part::Apify => world.apify.respond(request).await,
            Part::Gemini => world.gemini.respond(request).await,
            Part::Queue | Part::Log => panic!("no service of HTTP"),
        };
        let answered = response.body().clone();
        let response = bugs::response(world, faults.part, &path, &asked, response);
        world.trace.say(|| {
            let (name, status) = (&self.worker.name, response.status().as_u16());
            format!("{name} asks {:?} {path}: {status}", faults.part)
        });
        let done = response.status().is_success();
        let step = world.step();
        match faults.part {
            Part::Gemini if done => {
                world.oracle().model_answered(invocation, &asked);
            }
            Part::Airtable if done => {
                let table = table_of(&path);
                if table == leads::TABLE && path.ends_with("/listRecords") {
                    world.oracle().leads_read(invocation, step, &asked);
                } else if table == leads::TABLE {
                    world.oracle().leads_written(invocation, step, &asked);
                } else if table == run_record::TABLE && !path.ends_with("/listRecords") {
                    world.oracle().records_written(invocation, &asked, &world.airtable);
                }
            }
            Part::Airtable => {
                if response.status() == 429 {
                    world.trace.say(|| "Airtable's limit was exceeded".to_owned());
                    world.oracle().airtable_limited(&self.worker.name, base_of(&path));
                }
            }
            Part::Gemini => {
                let answer: Result<HttpResponse, TransportError> = Ok(response.clone());
                self.note_no_answer(faults, &asked, &answer);
            }
            Part::Apify | Part::Queue | Part::Log => {}
        }
        (response, answered)
    }

    fn refuse(
        &self,
        faults: &OfService,
        request: &HttpRequest,
        fault: simulators::Fault,
        sent: Instant,
    ) -> HttpResponse {
        match faults.part {
            Part::Airtable => {
                let (name, base) = (&self.worker.name, base_of(request.uri().path()));
                self.world.oracle().airtable_asked(name, base, sent);
                if fault == simulators::Fault::TooManyRequests {
                    self.world.oracle().airtable_limited(name, base);
                }
                self.world.airtable.refuse(request, fault)
            }
            Part::Apify => self.world.apify.refuse(request, fault),
            Part::Gemini => self.world.gemini.refuse(request, fault),
            Part::Queue | Part::Log => panic!("no service of HTTP"),
        }
    }

    /// Tells the oracle what a worker sees of a model call that brought no answer.
    fn note_no_answer(
        &self,
        faults: &OfService,
        asked: &[u8],
        outcome: &Result<HttpResponse, TransportError>,
    ) {
        if faults.part != Part::Gemini {
            return;
        }
        let invocation = self.worker.invocation();
        match outcome {
            Err(TransportError::AnswerLost { .. }) => {
                self.world.oracle().model_answer_lost(invocation, asked);
            }
            Ok(_) | Err(TransportError::NotSent { .. }) => {
                self.world.oracle().model_refused(invocation);
            }
        }
    }
}

/// The base that a path names.
pub(super) fn base_of(path: &str) -> &str {
    let path = path.strip_prefix("/v0/meta/bases/").or_else(|| path.strip_prefix("/v0/"));
    path.and_then(|path| path.split('/').next()).unwrap_or_default()
}

/// Whether a request changes anything, or costs anything.
fn takes_effect(faults: &OfService, request: &HttpRequest) -> bool {
    let only_reads =
        request.method() == http::Method::GET || request.uri().path().ends_with("/listRecords");
    faults.part == Part::Gemini || !only_reads
}

/// Whether Airtable answers that it forgot where the listing was.
fn is_stale(response: &HttpResponse) -> bool {
    let body = str::from_utf8(response.body()).unwrap_or_default();
    response.status() == http::StatusCode::UNPROCESSABLE_ENTITY
        && body.contains("LIST_RECORDS_ITERATOR_NOT_AVAILABLE")
}

/// The table that a path names.
pub(super) fn table_of(path: &str) -> String {
    let segment = path.split('/').nth(3).unwrap_or_default();
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}
