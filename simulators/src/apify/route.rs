//! Which operation a request asks for.

use crate::Request;
use http::Method;
use percent_encoding::percent_decode_str;

/// How many requests a second one resource takes.
pub(super) const REQUESTS_PER_SECOND: usize = 60;
/// How many requests a second one key-value store takes.
const RECORDS_PER_SECOND: usize = 200;

/// A record of a run, named by its own id or through the run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// By the id of the dataset or key-value store.
    Own(String),
    /// By the id of the run it belongs to.
    OfRun(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Run(String),
    Runs { actor: Option<String> },
    Dataset(Holder),
    Items(Holder),
    Record { store: Holder, key: String },
    Dispatch(String),
    MethodNotAllowed,
    Unknown,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        let route = Self::of_path(request.uri().path());
        if route != Self::Unknown && request.method() != Method::GET {
            return Self::MethodNotAllowed;
        }
        route
    }

    fn of_path(path: &str) -> Self {
        let Some(rest) = path.strip_prefix("/v2/") else { return Self::Unknown };
        let segments: Vec<String> = rest
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |id: &str| Holder::Own(id.to_owned());
        let of_run = |id: &str| Holder::OfRun(id.to_owned());
        match segments.as_slice() {
            ["actor-runs"] => Self::Runs { actor: None },
            // `acts` is the older name of `actors`.
            ["actors" | "acts", actor, "runs"] => Self::Runs { actor: Some((*actor).to_owned()) },
            ["actor-runs", run] => Self::Run((*run).to_owned()),
            ["actor-runs", run, "dataset"] => Self::Dataset(of_run(run)),
            ["datasets", id] => Self::Dataset(own(id)),
            ["actor-runs", run, "dataset", "items"] => Self::Items(of_run(run)),
            ["datasets", id, "items"] => Self::Items(own(id)),
            ["actor-runs", run, "key-value-store", "records", key] => {
                Self::Record { store: of_run(run), key: (*key).to_owned() }
            }
            ["key-value-stores", id, "records", key] => {
                Self::Record { store: own(id), key: (*key).to_owned() }
            }
            ["webhook-dispatches", id] => Self::Dispatch((*id).to_owned()),
            _ => Self::Unknown,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Runs { .. } => "runs",
            Self::Dataset(_) => "dataset",
            Self::Items(_) => "items",
            Self::Record { .. } => "input",
            Self::Dispatch(_) => "dispatch",
            Self::MethodNotAllowed | Self::Unknown => "other",
        }
    }

    /// The resource whose rate is limited, and to how many requests a second; `None` for a
    /// request that reaches no resource.
    pub(super) fn limit(&self) -> Option<(String, usize)> {
        let rate = REQUESTS_PER_SECOND;
        let held = |kind: &str, holder: &Holder| match holder {
            Holder::Own(id) => format!("{kind}/{id}"),
            Holder::OfRun(run) => format!("{kind}-of-run/{run}"),
        };
        match self {
            Self::Run(id) => Some((format!("run/{id}"), rate)),
            Self::Runs { actor } => {
                Some((format!("runs/{}", actor.as_deref().unwrap_or_default()), rate))
            }
            Self::Dataset(holder) | Self::Items(holder) => Some((held("dataset", holder), rate)),
            Self::Record { store, .. } => Some((held("store", store), RECORDS_PER_SECOND)),
            Self::Dispatch(id) => Some((format!("dispatch/{id}"), rate)),
            Self::MethodNotAllowed | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_names_its_operation() {
        for (path, kind) in [
            ("/v2/actor-runs/r1", "run"),
            ("/v2/actor-runs", "runs"),
            ("/v2/actors/harvestapi~linkedin-profile-posts/runs", "runs"),
            ("/v2/acts/a1/runs", "runs"),
            ("/v2/datasets/d1", "dataset"),
            ("/v2/datasets/d1/items", "items"),
            ("/v2/actor-runs/r1/dataset/items", "items"),
            ("/v2/key-value-stores/k1/records/INPUT", "input"),
            ("/v2/actor-runs/r1/key-value-store/records/INPUT", "input"),
            ("/v2/webhook-dispatches/w1", "dispatch"),
            ("/v2/nothing", "other"),
            ("/actor-runs/r1", "other"),
        ] {
            assert_eq!(Route::of_path(path).kind(), kind, "{path}");
        }
    }

    #[test]
    fn a_reference_may_be_percent_encoded() {
        let actor = Some("a~b".to_owned());
        assert_eq!(Route::of_path("/v2/actors/a%7Eb/runs"), Route::Runs { actor });
    }
}
