//! The control endpoints: they invent runs and send webhooks.

use super::dispatch::Dispatch;
use super::run::RunSpec;
use super::simulator::Apify;
use super::webhook::EventType;
use crate::service::control_error;
use crate::{Request, Response, json_reply};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DispatchAgain {
    run_id: String,
}

/// Answers `POST /_sim/runs`, `POST /_sim/runs/{id}/resurrect`, `DELETE /_sim/runs/{id}`,
/// `POST /_sim/credit`, `POST /_sim/dispatch` and `GET /_sim/dispatches`.
pub(super) fn answer(apify: &Apify, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let answer = match (request.method(), path) {
        (&Method::POST, "/_sim/runs") => RunSpec::read(request.body()).and_then(|spec| {
            let (run, dataset) = apify.0.add_run(&spec)?;
            Ok(json!({"runId": run, "datasetId": dataset}))
        }),
        (&Method::POST, path) if path.ends_with("/resurrect") => {
            let run = path.strip_prefix("/_sim/runs/")?.strip_suffix("/resurrect")?;
            RunSpec::read(request.body()).and_then(|spec| {
                let dataset = apify.0.resurrect(run, spec)?;
                Ok(json!({"runId": run, "datasetId": dataset}))
            })
        }
        // The body is `true` or `false`: whether the account has credit.
        (&Method::POST, "/_sim/credit") => {
            apify.set_credit(request.body().as_ref() == b"true");
            Ok(json!({}))
        }
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

/// Sends the event of a run's status to all its webhooks again.
fn again(apify: &Apify, DispatchAgain { run_id }: DispatchAgain) -> Result<Value, String> {
    let run = apify.0.state().runs.get(&run_id).cloned();
    let run = run.ok_or_else(|| format!("there is no run {run_id:?}"))?;
    let event = EventType::of(run.status).ok_or("the run's status stands for no event")?;
    let webhooks = run.webhooks.iter();
    let ids: Vec<String> =
        webhooks.filter_map(|hook| apify.dispatch(&run_id, event, hook)).collect();
    Ok(json!({"dispatchIds": ids}))
}

/// The dispatch without its headers, because they may carry a secret.
fn dispatch_view(dispatch: &Dispatch) -> Value {
    let mut view = dispatch.view();
    view["runId"] = json!(dispatch.run_id);
    view["nextCallAt"] = json!(dispatch.next_call_at);
    view["body"] = dispatch.body.as_str().into();
    view
}
