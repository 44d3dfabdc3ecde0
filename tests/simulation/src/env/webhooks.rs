//! Apify's part: harvests end, and their webhooks are sent until they are accepted.

use super::oddities;
use super::ports::Ports;
use super::variables::variable;
use super::worker::Worker;
use super::world::World;
use crate::fault::Fault;
use crate::scenario::{ANOTHER_RUN, Asked, Harvest};
use lambda_http::Body;
use lambda_http::http::{Request, header};
use serde_json::{Value, json};
use shared::ports::QueueName;
use shared::schema::apify;
use simulators::apify::{RunSpec, RunStatus};
use std::sync::Arc;
use std::time::Duration;
use tests::MASTER_BASE;
use tests::WEBHOOK_TOKEN;
use tests::bases;
use webhook_intake::Intake;

/// How often Apify retries a webhook. The first wait is a minute, and each further one is twice as
/// long.
const RETRIES: u32 = 11;

/// Ends a harvest and announces it.
pub(crate) async fn harvest(world: Arc<World>, index: usize) {
    let harvest = &world.scenario.harvests[index];
    tokio::time::sleep(harvest.ends_after).await;
    let (spec, odd) = oddities::run_of(&world, index);
    let is_missing = world.faults.is_drawn(Fault::WebhookMissing);
    let is_resurrected = !is_missing && world.faults.is_drawn(Fault::HarvestResurrected);
    let first_end = if is_resurrected { half_of(&spec) } else { spec.clone() };
    let apify_run = world.apify.add_run(first_end);
    world.trace.say(|| format!("harvest {apify_run} of run {} ends", harvest.run));
    let derived = harvest.started_at.strftime("%y%m%d-%H%M%S").to_string();
    world.oracle().harvest_ended(&apify_run, (index, odd), &harvest.run, &derived);
    if is_resurrected {
        world.oracle().resurrected.insert(index);
    }
    if is_missing {
        world.faults.count(Fault::WebhookMissing);
        world.trace.say(|| format!("no webhook is sent for {apify_run}"));
        // Then only the table `Apify` can say whose harvest it is.
        let is_listed = world.dice.chance(0.6);
        if is_listed {
            list(&world, harvest, &apify_run);
        }
        let stranger = format!("{derived}-(unattributed)");
        world.oracle().missed(&apify_run, if is_listed { &harvest.run } else { &stranger });
        return;
    }
    let event = match harvest.status {
        RunStatus::TimedOut => "ACTOR.RUN.TIMED_OUT",
        RunStatus::Aborted => "ACTOR.RUN.ABORTED",
        RunStatus::Failed => "ACTOR.RUN.FAILED",
        RunStatus::Ready
        | RunStatus::Running
        | RunStatus::Succeeded
        | RunStatus::TimingOut
        | RunStatus::Aborting => "ACTOR.RUN.SUCCEEDED",
    };
    if world.faults.hits(Fault::WebhookOfStranger)
        && post(&world, &apify_run, event, "clientId=Nobody").await
    {
        world.oracle().accepted(&format!("{derived}-(unattributed)"));
    }
    let is_sent_twice = world.faults.is_drawn(Fault::WebhookTwice);
    if post(&world, &apify_run, event, &harvest.query).await {
        world.oracle().accepted(&harvest.run);
    }
    if is_sent_twice {
        tokio::time::sleep(world.dice.within(Duration::from_mins(20))).await;
        world.faults.count(Fault::WebhookTwice);
        world.trace.say(|| format!("the webhook for {apify_run} is sent twice"));
        if post(&world, &apify_run, event, &harvest.query).await {
            world.oracle().accepted(&harvest.run);
        }
    }
    // Without a run in the webhook, a second record could be mistaken for the harvest's own.
    let is_named = harvest.query.contains("runId");
    if is_resurrected {
        end_again(&world, &apify_run, (index, event), spec).await;
    } else if is_named && world.faults.is_drawn(Fault::WebhookOfAnotherRun) {
        post_for_another_run(&world, &apify_run, (index, event)).await;
    }
}

/// The harvest at its first end: with half of its items, at half of its cost.
fn half_of(spec: &RunSpec) -> RunSpec {
    let mut first = spec.clone();
    first.items.truncate(spec.items.len() / 2);
    first.raw_items.clear();
    first.cost_usd = spec.cost_usd.map(|cost| cost / 2.0);
    first
}

/// Apify resurrects the harvest, and it ends again.
async fn end_again(
    world: &Arc<World>,
    apify_run: &str,
    (index, event): (usize, &str),
    spec: RunSpec,
) {
    tokio::time::sleep(world.dice.within(Duration::from_mins(30)) + Duration::from_secs(1)).await;
    let finished_at = world.clock.now();
    let spec = RunSpec { finished_at: Some(finished_at), ..spec };
    world.apify.resurrect(apify_run, spec).expect("it was added");
    world.faults.count(Fault::HarvestResurrected);
    world.trace.say(|| format!("{apify_run} was resurrected and ends again"));
    let harvest = &world.scenario.harvests[index];
    let resource = json!({"id": apify_run, "finishedAt": finished_at});
    if post_end(world, (event, &harvest.query), &resource).await {
        world.oracle().accepted(&harvest.run);
    }
}

/// The harvest's webhook comes again for a run that was named beforehand.
async fn post_for_another_run(world: &Arc<World>, apify_run: &str, (index, event): (usize, &str)) {
    tokio::time::sleep(world.dice.within(Duration::from_mins(20))).await;
    world.faults.count(Fault::WebhookOfAnotherRun);
    let client = world.scenario.clients[world.scenario.harvests[index].client].id;
    let run_stamp = format!("{ANOTHER_RUN}{index:02}");
    let query = format!("clientId={client}&runId={run_stamp}");
    if post(world, apify_run, event, &query).await {
        world.oracle().accepted(&format!("{run_stamp}-{client}"));
    }
}

/// Adds the harvest to the table `Apify`, like the scheduler that starts it.
fn list(world: &World, harvest: &Harvest, apify_run: &str) {
    let orchestrated = harvest.query.contains("runId");
    let run = if orchestrated { harvest.run.as_str() } else { "" };
    let client = world.scenario.clients[harvest.client].id;
    let row = json!({apify::RUN_ID: run, apify::CLIENT_ID: client,
        apify::APIFY_RUN_ID: apify_run});
    bases::insert(&world.airtable, MASTER_BASE, apify::TABLE, row);
}

/// Requests scoring of waiting leads, until that is accepted.
pub(crate) async fn request(world: Arc<World>, index: usize) {
    let Asked { run, body, sent_after, .. } = &world.scenario.requests[index];
    tokio::time::sleep(*sent_after).await;
    if post_until_accepted(&world, "/runs", body).await {
        world.oracle().accepted(run);
    }
}

/// Posts a webhook until it is accepted. Returns whether it was.
async fn post(world: &Arc<World>, apify_run: &str, event: &str, query: &str) -> bool {
    world.trace.say(|| format!("Apify sends {event} of {apify_run} with {query}"));
    post_end(world, (event, query), &json!({"id": apify_run})).await
}

/// Like [`post`], with what the webhook says about the harvest.
async fn post_end(world: &Arc<World>, (event, query): (&str, &str), resource: &Value) -> bool {
    let body = json!({"eventType": event, "eventData": {"actorRunId": resource["id"]},
        "resource": resource})
    .to_string();
    post_until_accepted(world, &format!("/webhooks/apify?{query}"), &body).await
}

async fn post_until_accepted(world: &Arc<World>, path: &str, body: &str) -> bool {
    for retry in 0..=RETRIES {
        if post_once(world, path, body).await == Some(202) {
            return true;
        }
        tokio::time::sleep(Duration::from_mins(1 << retry)).await;
    }
    false
}

/// One call of intake; `None` when its process died.
async fn post_once(world: &Arc<World>, path: &str, body: &str) -> Option<u16> {
    let invocation = world.step();
    let worker = Arc::new(Worker::new("intake".to_owned()));
    worker.begin(invocation, QueueName::Scoring, []);
    let ports = Ports { world: Arc::clone(world), worker: Arc::clone(&worker) };
    let config = webhook_intake::Config::read(variable).expect("a configuration");
    let intake = Intake::new(config, ports, world.clock.clone());
    let request = Request::post(format!("https://intake.invalid{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {WEBHOOK_TOKEN}"))
        .body(Body::Text(body.to_owned()))
        .expect("a request");
    let status = tokio::select! {
        biased;
        () = worker.died() => None,
        response = webhook_intake::handle(&intake, request) => Some(response.status().as_u16()),
    };
    world.trace.say(|| match status {
        Some(status) => format!("intake answers {status}"),
        None => "intake answers nothing".to_owned(),
    });
    status
}
