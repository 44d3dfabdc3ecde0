//! Which operation a request asks for.

use super::request::{asks_for_flex, has_flex_header};
use super::terms::Surface;
use crate::Request;
use http::Method;
use percent_encoding::percent_decode_str;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Generate { surface: Surface, model: String },
    CountTokens { surface: Surface, model: String },
    Token,
    Unknown,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        if request.method() != Method::POST {
            return Self::Unknown;
        }
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (surface, call) = match segments.as_slice() {
            ["token"] => return Self::Token,
            ["v1beta", "models", call] => (Surface::Studio, call),
            ["v1", "projects", _, "locations", _, "publishers", "google", "models", call] => {
                (Surface::Vertex, call)
            }
            _ => return Self::Unknown,
        };
        match call.split_once(':') {
            Some((model, "generateContent")) => Self::Generate { surface, model: model.to_owned() },
            Some((model, "countTokens")) => Self::CountTokens { surface, model: model.to_owned() },
            Some(_) | None => Self::Unknown,
        }
    }

    /// The name requests are counted by. Calls for the flex tier have their own, so
    /// that tests can refuse that tier alone.
    pub(super) fn kind(&self, request: &Request) -> &'static str {
        match self {
            Self::Generate { .. }
                if asks_for_flex(request.body()) || has_flex_header(request.headers()) =>
            {
                "generate_flex"
            }
            Self::Generate { .. } => "generate",
            Self::CountTokens { .. } => "count_tokens",
            Self::Token => "token",
            Self::Unknown => "other",
        }
    }

    pub(super) fn target(&self) -> (Surface, &str) {
        match self {
            Self::Generate { surface, model } | Self::CountTokens { surface, model } => {
                (*surface, model)
            }
            Self::Token | Self::Unknown => (Surface::Studio, ""),
        }
    }
}
