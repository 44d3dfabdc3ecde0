//! Maps requests to operations.

use super::request::{asks_for_flex, has_flex_header};
use super::terms::Surface;
use crate::Request;
use crate::reply::parameters;
use http::Method;
use percent_encoding::percent_decode_str;

/// The versions of the Developer API. Google's own clients use `v1` unless told otherwise.
const STUDIO: [&str; 3] = ["v1", "v1beta", "v1alpha"];
/// The versions of Vertex AI. Google's own clients use `v1beta1` unless told otherwise.
const VERTEX: [&str; 2] = ["v1", "v1beta1"];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Generate {
        target: Target,
        form: AnswerForm,
    },
    CountTokens(Target),
    /// One model and its operations.
    Model(Target),
    /// All models; the target's name is empty.
    Models(Target),
    Token,
    Unknown,
}

/// The form in which an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerForm {
    /// Complete.
    Whole,
    /// In pieces, as server-sent events (`alt=sse`).
    Events,
    /// In pieces, as the elements of one JSON array.
    Array,
}

/// The model that a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) surface: Surface,
    /// Its location; empty if the path has none.
    pub(super) location: String,
    pub(super) model: String,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        if segments == ["token"] && request.method() == Method::POST {
            return Self::Token;
        }
        let Some((surface, location, rest)) = models(&segments) else { return Self::Unknown };
        let target = |model: &str| Target {
            surface,
            location: location.to_owned(),
            model: model.to_owned(),
        };
        match (request.method(), rest) {
            (&Method::GET, []) => Self::Models(target("")),
            (&Method::GET, [model]) => Self::Model(target(model)),
            (&Method::POST, [call]) => match call.split_once(':') {
                Some((model, "generateContent")) => {
                    Self::Generate { target: target(model), form: AnswerForm::Whole }
                }
                Some((model, "streamGenerateContent")) => {
                    let is_events = parameters(request).contains(&("alt".into(), "sse".into()));
                    let form = if is_events { AnswerForm::Events } else { AnswerForm::Array };
                    Self::Generate { target: target(model), form }
                }
                Some((model, "countTokens")) => Self::CountTokens(target(model)),
                Some(_) | None => Self::Unknown,
            },
            (_, _) => Self::Unknown,
        }
    }

    /// The kind by which requests are counted. Calls for the flex tier have their own kind, so that
    /// tests can refuse only that tier.
    pub(super) fn kind(&self, request: &Request) -> &'static str {
        match self {
            Self::Generate { .. }
                if asks_for_flex(request.body()) || has_flex_header(request.headers()) =>
            {
                "generate_flex"
            }
            Self::Generate { .. } => "generate",
            Self::CountTokens(_) => "count_tokens",
            Self::Model(_) | Self::Models(_) => "models",
            Self::Token => "token",
            Self::Unknown => "other",
        }
    }

    /// The API of the request, and the model, if any.
    pub(super) fn target(&self) -> (Surface, &str) {
        match self {
            Self::Generate { target, .. }
            | Self::CountTokens(target)
            | Self::Model(target)
            | Self::Models(target) => (target.surface, &target.model),
            Self::Token | Self::Unknown => (Surface::Studio, ""),
        }
    }

    /// Whether an error is sent as the only element of an array, as observed for answers in pieces
    /// and on Vertex AI.
    pub(super) fn lists_errors(&self) -> bool {
        let is_array = matches!(self, Self::Generate { form: AnswerForm::Array, .. });
        is_array || self.target().0 == Surface::Vertex
    }
}

/// The API and the location of a path to models, and the segments after `models`.
fn models<'a>(segments: &'a [&'a str]) -> Option<(Surface, &'a str, &'a [&'a str])> {
    match segments {
        [version, "models", rest @ ..] if STUDIO.contains(version) => {
            Some((Surface::Studio, "", rest))
        }
        [
            version,
            "projects",
            _,
            "locations",
            location,
            "publishers",
            "google",
            "models",
            rest @ ..,
        ] if VERTEX.contains(version) => Some((Surface::Vertex, location, rest)),
        // Lists, and calls with an API key, have neither project nor location in the path.
        [version, "publishers", "google", "models", rest @ ..] if VERTEX.contains(version) => {
            Some((Surface::Vertex, "", rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn kind(method: Method, path: &str) -> (&'static str, Surface) {
        let mut request = http::Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        let route = Route::of(&request);
        (route.kind(&request), route.target().0)
    }

    #[test]
    fn every_version_that_googles_clients_use_is_a_path() {
        let vertex = "projects/p/locations/global/publishers/google/models";
        for (path, surface) in [
            ("/v1/models/m:generateContent".to_owned(), Surface::Studio),
            ("/v1beta/models/m:streamGenerateContent?alt=sse".to_owned(), Surface::Studio),
            (format!("/v1beta1/{vertex}/m:generateContent"), Surface::Vertex),
            (format!("/v1/{vertex}/m:streamGenerateContent"), Surface::Vertex),
            ("/v1beta1/publishers/google/models/m:generateContent".to_owned(), Surface::Vertex),
        ] {
            assert_eq!(kind(Method::POST, &path), ("generate", surface), "{path}");
        }
        assert_eq!(kind(Method::GET, "/v1/models"), ("models", Surface::Studio));
        assert_eq!(kind(Method::GET, "/v1beta1/publishers/google/models/m").0, "models");
        for path in ["/v2/models/m:generateContent", "/v1/models/m:embedContent", "/v1/models/m"] {
            assert_eq!(kind(Method::POST, path).0, "other", "{path}");
        }
    }
}
