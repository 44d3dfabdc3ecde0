//! The control endpoints: runs are made up and webhooks sent here.

use super::dispatch::Dispatch;
use super::webhook::{EventType, Webhook};
use super::{Apify, RunSpec};
use crate::service::control_error;
use crate::{Request, Response, json_reply};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The body of `POST /_sim/dispatch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DispatchAgain {
    /// The run; only a test of a given webhook can do without.
    run_id: Option<String>,
    /// The event of the run's status if not given.
    event_type: Option<EventType>,
    /// All webhooks of the run if not given.
    webhook: Option<Webhook>,
}

/// Answers `POST /_sim/runs`, `DELETE /_sim/runs/{id}`, `POST /_sim/dispatch` and
/// `GET /_sim/dispatches`.
pub(super) fn answer(apify: &Apify, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let answer = match (request.method(), path) {
        (&Method::POST, "/_sim/runs") => read(request).map(|spec: RunSpec| {
            let (run, dataset) = apify.0.add_run(spec);
            json!({"runId": run, "datasetId": dataset})
        }),
        (&Method::POST, "/_sim/dispatch") => read(request).and_then(|body| again(apify, body)),
        (&Method::GET, "/_sim/dispatches") => {
            Ok(apify.dispatches().iter().map(dispatch_view).collect())
        }
        (&Method::DELETE, _) => {
            let run = path.strip_prefix("/_sim/runs/")?;
            Ok(json!({"deleted": apify.delete_run(run)}))
        }
        (_, _) => return None,
    };
    Some(match answer {
        Ok(body) => json_reply(StatusCode::OK, &body),
        Err(message) => control_error(StatusCode::BAD_REQUEST, &message),
    })
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(request.body()).map_err(|error| error.to_string())
}

fn again(apify: &Apify, body: DispatchAgain) -> Result<Value, String> {
    let Some(run_id) = &body.run_id else {
        return match (body.event_type, &body.webhook) {
            (Some(EventType::Test), Some(hook)) => {
                Ok(json!({"dispatchIds": [apify.dispatch_test(hook)]}))
            }
            (_, _) => Err("without `runId` only a TEST of a given `webhook` can be sent".into()),
        };
    };
    let run = apify.0.state().run(run_id).cloned();
    let run = run.ok_or_else(|| format!("there is no run {run_id:?}"))?;
    let event = body.event_type.or(EventType::of(run.status));
    let event = event.ok_or("the run's status stands for no event; give `eventType`")?;
    let webhooks = body.webhook.map_or(run.webhooks, |webhook| vec![webhook]);
    let ids: Vec<String> =
        webhooks.iter().filter_map(|hook| apify.dispatch(run_id, event, hook)).collect();
    Ok(json!({"dispatchIds": ids}))
}

/// The dispatch without its headers, which may carry a secret.
fn dispatch_view(dispatch: &Dispatch) -> Value {
    let mut view = dispatch.view();
    view["runId"] = json!(dispatch.run_id);
    view["nextCallAt"] = json!(dispatch.next_call_at);
    view["body"] = dispatch.body.as_str().into();
    view
}
