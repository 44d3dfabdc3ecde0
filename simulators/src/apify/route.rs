//! Maps requests to operations.

use super::status::RunStatus;
use crate::Request;
use crate::reply::parameters;
use percent_encoding::percent_decode_str;

/// Requests per second to one resource.
pub(super) const REQUESTS_PER_SECOND: usize = 60;
/// Requests per second to one key-value store, and pushes to one dataset.
const RECORDS_PER_SECOND: usize = 200;
const PUSHES_PER_SECOND: usize = 400;

/// A run, by its id or as the last run of its actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunRef {
    Id(String),
    /// The last run of an actor, optionally with this status.
    Last {
        actor: String,
        status: Option<RunStatus>,
    },
}

/// A storage, by its own id or through the run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// By the id of the dataset or key-value store, or by `username~name`.
    Own(String),
    /// As the storage of a run.
    OfRun(RunRef),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Me,
    Actor(String),
    /// Runs of an actor, or of all actors. POST starts one.
    Runs {
        actor: Option<String>,
    },
    Run(RunRef),
    Abort(RunRef),
    Resurrect(RunRef),
    Log(RunRef),
    Datasets,
    Dataset(Holder),
    Items(Holder),
    Stores,
    Store(Holder),
    Keys(Holder),
    Record {
        store: Holder,
        key: String,
    },
    Webhooks,
    Webhook(String),
    TestWebhook(String),
    /// The dispatches of one webhook, or of all.
    Dispatches {
        webhook: Option<String>,
    },
    Dispatch(String),
    /// A path that accepts only these methods.
    MethodNotAllowed(&'static [&'static str]),
    Unknown,
}

impl Route {
    pub(super) fn of(request: &Request) -> Self {
        let route = Self::of_path(request);
        let methods = route.methods();
        if route != Self::Unknown && !methods.contains(&request.method().as_str()) {
            return Self::MethodNotAllowed(methods);
        }
        route
    }

    fn of_path(request: &Request) -> Self {
        let Some(rest) = request.uri().path().strip_prefix("/v2/") else { return Self::Unknown };
        let segments: Vec<String> = rest
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |id: &str| Holder::Own(id.to_owned());
        match segments.as_slice() {
            ["users", "me"] => Self::Me,
            ["actor-runs"] => Self::Runs { actor: None },
            ["actor-runs", run, rest @ ..] => Self::of_run(RunRef::Id((*run).to_owned()), rest),
            // `acts` is the old name of `actors`.
            ["actors" | "acts", actor] => Self::Actor((*actor).to_owned()),
            ["actors" | "acts", actor, "runs"] => Self::Runs { actor: Some((*actor).to_owned()) },
            ["actors" | "acts", actor, "runs", "last", rest @ ..] => {
                let last = RunRef::Last { actor: (*actor).to_owned(), status: status(request) };
                Self::of_run(last, rest)
            }
            ["logs", run] => Self::Log(RunRef::Id((*run).to_owned())),
            ["datasets"] => Self::Datasets,
            ["datasets", id] => Self::Dataset(own(id)),
            ["datasets", id, "items"] => Self::Items(own(id)),
            ["key-value-stores"] => Self::Stores,
            ["key-value-stores", id] => Self::Store(own(id)),
            ["key-value-stores", id, "keys"] => Self::Keys(own(id)),
            ["key-value-stores", id, "records", key] => {
                Self::Record { store: own(id), key: (*key).to_owned() }
            }
            ["webhooks"] => Self::Webhooks,
            ["webhooks", id] => Self::Webhook((*id).to_owned()),
            ["webhooks", id, "test"] => Self::TestWebhook((*id).to_owned()),
            ["webhooks", id, "dispatches"] => Self::Dispatches { webhook: Some((*id).to_owned()) },
            ["webhook-dispatches"] => Self::Dispatches { webhook: None },
            ["webhook-dispatches", id] => Self::Dispatch((*id).to_owned()),
            _ => Self::Unknown,
        }
    }

    fn of_run(run: RunRef, rest: &[&str]) -> Self {
        match rest {
            [] => Self::Run(run),
            ["abort"] => Self::Abort(run),
            ["resurrect"] => Self::Resurrect(run),
            ["log"] => Self::Log(run),
            ["dataset"] => Self::Dataset(Holder::OfRun(run)),
            ["dataset", "items"] => Self::Items(Holder::OfRun(run)),
            ["key-value-store"] => Self::Store(Holder::OfRun(run)),
            ["key-value-store", "keys"] => Self::Keys(Holder::OfRun(run)),
            ["key-value-store", "records", key] => {
                Self::Record { store: Holder::OfRun(run), key: (*key).to_owned() }
            }
            _ => Self::Unknown,
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Me
            | Self::Actor(_)
            | Self::Runs { actor: None }
            | Self::Log(_)
            | Self::Keys(_)
            | Self::Dispatches { .. }
            | Self::Dispatch(_)
            | Self::Unknown => &["GET"],
            Self::Abort(_) | Self::Resurrect(_) | Self::TestWebhook(_) => &["POST"],
            Self::Runs { .. } | Self::Datasets | Self::Stores | Self::Webhooks => &["GET", "POST"],
            Self::Run(_) => &["GET", "DELETE"],
            Self::Dataset(_) | Self::Store(_) | Self::Webhook(_) => &["GET", "PUT", "DELETE"],
            Self::Items(_) => &["GET", "HEAD", "POST"],
            Self::Record { .. } => &["GET", "HEAD", "PUT", "DELETE"],
            Self::MethodNotAllowed(methods) => methods,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Me => "user",
            Self::Actor(_) => "actor",
            Self::Run(_) => "run",
            Self::Runs { .. } => "runs",
            Self::Abort(_) => "abort",
            Self::Resurrect(_) => "resurrect",
            Self::Log(_) => "log",
            Self::Datasets => "datasets",
            Self::Dataset(_) => "dataset",
            Self::Items(_) => "items",
            Self::Stores => "stores",
            Self::Store(_) => "store",
            Self::Keys(_) => "keys",
            Self::Record { .. } => "input",
            Self::Webhooks => "webhooks",
            Self::Webhook(_) | Self::TestWebhook(_) => "webhook",
            Self::Dispatches { .. } => "dispatches",
            Self::Dispatch(_) => "dispatch",
            Self::MethodNotAllowed(_) | Self::Unknown => "other",
        }
    }

    /// The resource whose rate is limited, and its limit per second. `None` for a request that
    /// reaches no resource.
    pub(super) fn limit(&self, request: &Request) -> Option<(String, usize)> {
        let rate = REQUESTS_PER_SECOND;
        Some(match self {
            Self::Unknown | Self::MethodNotAllowed(_) => return None,
            Self::Me => ("user".to_owned(), rate),
            Self::Datasets => ("datasets".to_owned(), rate),
            Self::Stores => ("stores".to_owned(), rate),
            Self::Webhooks => ("webhooks".to_owned(), rate),
            Self::Actor(id) => (format!("actor/{id}"), rate),
            Self::Run(run) | Self::Abort(run) | Self::Resurrect(run) | Self::Log(run) => {
                (format!("run/{}", name(run)), rate)
            }
            Self::Runs { actor } => {
                (format!("runs/{}", actor.as_deref().unwrap_or_default()), rate)
            }
            Self::Items(holder) if request.method() == http::Method::POST => {
                (held("pushes", holder), PUSHES_PER_SECOND)
            }
            Self::Dataset(holder) | Self::Items(holder) => (held("dataset", holder), rate),
            Self::Store(holder) | Self::Keys(holder) => (held("store", holder), rate),
            Self::Record { store, .. } => (held("store", store), RECORDS_PER_SECOND),
            Self::Webhook(id) | Self::TestWebhook(id) => (format!("webhook/{id}"), rate),
            Self::Dispatches { webhook } => {
                (format!("dispatches/{}", webhook.as_deref().unwrap_or_default()), rate)
            }
            Self::Dispatch(id) => (format!("dispatch/{id}"), rate),
        })
    }
}

fn name(run: &RunRef) -> &str {
    let (RunRef::Id(name) | RunRef::Last { actor: name, .. }) = run;
    name
}

fn held(kind: &str, holder: &Holder) -> String {
    match holder {
        Holder::Own(id) => format!("{kind}/{id}"),
        Holder::OfRun(run) => format!("{kind}-of-run/{}", name(run)),
    }
}

/// The required status of the last run. A word that is not a status is ignored.
fn status(request: &Request) -> Option<RunStatus> {
    let (_, name) = parameters(request).into_iter().find(|(key, _)| key == "status")?;
    serde_json::from_value(name.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn of_path(path: &str) -> Route {
        let request = http::Request::get(path).body(Bytes::new());
        Route::of_path(&request.unwrap())
    }

    #[test]
    fn every_path_names_its_operation() {
        for (path, kind) in [
            ("/v2/users/me", "user"),
            ("/v2/actor-runs/r1", "run"),
            ("/v2/actor-runs", "runs"),
            ("/v2/actors/harvestapi~linkedin-profile-posts/runs", "runs"),
            ("/v2/acts/a1/runs", "runs"),
            ("/v2/acts/a1/runs/last", "run"),
            ("/v2/acts/a1/runs/last/dataset/items", "items"),
            ("/v2/datasets/d1", "dataset"),
            ("/v2/datasets/d1/items", "items"),
            ("/v2/actor-runs/r1/dataset/items", "items"),
            ("/v2/actor-runs/r1/resurrect", "resurrect"),
            ("/v2/key-value-stores/k1/records/INPUT", "input"),
            ("/v2/key-value-stores/k1/keys", "keys"),
            ("/v2/actor-runs/r1/key-value-store/records/INPUT", "input"),
            ("/v2/webhooks/w1/dispatches", "dispatches"),
            ("/v2/webhook-dispatches/w1", "dispatch"),
            ("/v2/nothing", "other"),
            ("/actor-runs/r1", "other"),
        ] {
            assert_eq!(of_path(path).kind(), kind, "{path}");
        }
    }

    #[test]
    fn a_reference_may_be_percent_encoded() {
        let actor = Some("a~b".to_owned());
        assert_eq!(of_path("/v2/actors/a%7Eb/runs"), Route::Runs { actor });
    }
}
