//! Answers requests to the API.

use super::error::ApiError;
use super::route::{REQUESTS_PER_SECOND, Route};
use super::simulator::Apify;
use super::{control, views};
use crate::reply::pause;
use crate::{Fault, Request, Response, Service};
use http::{HeaderValue, StatusCode};

impl Apify {
    fn answer(&self, request: &Request, route: &Route) -> Result<Response, ApiError> {
        if let Some((resource, limit)) = route.limit(request) {
            let now = self.0.clock.now();
            if !self.0.state().rates.admits(&resource, Some(limit), now) {
                return Err(ApiError::RateLimitExceeded { limit });
            }
        }
        views::answer(&self.0, request, route)
    }
}

impl Service for Apify {
    fn kind(&self, request: &Request) -> &'static str {
        Route::of(request).kind()
    }

    async fn respond(&self, request: Request) -> Response {
        let route = Route::of(&request);
        pause(self.0.options.latency + views::asked_to_wait(&self.0, &request, &route)).await;
        let answer = self.answer(&request, &route);
        let mut response = answer.unwrap_or_else(|error| error.response());
        if let Some((_, limit)) = route.limit(&request) {
            response.headers_mut().insert("x-ratelimit-limit", HeaderValue::from(limit));
        }
        response
    }

    fn refuse(&self, request: &Request, fault: Fault) -> Response {
        let limit =
            Route::of(request).limit(request).map_or(REQUESTS_PER_SECOND, |(_, limit)| limit);
        match fault {
            Fault::TooManyRequests => ApiError::RateLimitExceeded { limit },
            Fault::Unavailable => ApiError::Internal(StatusCode::SERVICE_UNAVAILABLE),
            Fault::InternalError | Fault::LostBefore | Fault::LostAfter | Fault::MalformedBody => {
                ApiError::Internal(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
        .response()
    }

    async fn control(&self, request: &Request) -> Option<Response> {
        control::answer(self, request)
    }

    fn reset(&self) {
        self.0.state().clear();
        self.set_credit(true);
    }
}
