//! `runtally trigger`.

use crate::world::{CLIENT, World};
use serde_json::{Value, json};
use shared::schema::run_record;

async fn with_leads() -> World {
    let world = World::sound().await;
    for name in ["jane", "max", "eva"] {
        world.add_lead(name);
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_harvest_of_new_posts_is_fired_and_becomes_a_run() {
    let world = with_leads().await;
    let url = world.url();
    let fired = format!("trigger harvest --leads 2 --fault apify:unavailable:1 --url {url}");
    let (code, told) = world.json(&fired).await;
    assert_eq!(code, 0, "{told:#}");
    assert_eq!((&told["client"], &told["leads"]), (&json!(CLIENT), &json!(2)));
    assert_eq!(told["faults"], json!(["The next request to Apify will fail (503: unavailable)."]));
    let record = world.ended_record().await;
    assert_eq!(record[run_record::RUN_ID], told["run"]);
    assert_eq!(record[run_record::APIFY_RUN_ID], told["apify_run"]);
    assert_eq!(record[run_record::STATUS], "Completed");
    assert_eq!(
        (&record[run_record::TARGETS], &record[run_record::POSTS_SCORED]),
        (&json!(2), &json!(4))
    );
    let failed = |count: &&simulators::RequestCount| count.status == 503;
    assert_eq!(
        world.services.apify.requests().iter().find(failed).map(|count| count.count),
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_webhook_of_apify_can_be_sent() {
    let world = with_leads().await;
    let url = world.url();
    let tested = world.runtally(&format!("trigger webhook test --url {url}")).await;
    assert_eq!(tested.code, 0, "{}", tested.errors);
    assert!(tested.out.contains("which answers 200"), "{}", tested.out);
    let failed = format!("trigger webhook failed --client {CLIENT} --leads 1 --url {url}");
    let (code, told) = world.json(&failed).await;
    assert_eq!((code, &told["event"]), (0, &json!("ACTOR.RUN.FAILED")), "{told:#}");
    let record = world.ended_record().await;
    let notes = record[run_record::SYSTEM_NOTES].as_str().unwrap();
    let apify_run = told["apify_run"].as_str().unwrap();
    assert!(notes.contains(&format!("Apify run {apify_run} failed")), "{notes}");
    // Announces the same harvest again, which already exists.
    let again = format!("trigger webhook succeeded --apify-run {apify_run} --url {url}");
    let (code, told) = world.json(&again).await;
    assert_eq!((code, &told["status"]), (0, &json!(202)), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_invented_on_real_services() {
    let mut world = with_leads().await;
    let url = world.url();
    for (variable, place, named) in [
        ("APIFY_API_URL", "https://api.apify.com/v2", "Apify is the real one"),
        ("AIRTABLE_API_URL", "https://api.airtable.com", "Airtable is the real one"),
    ] {
        world.variables.insert(variable, place.to_owned());
        for what in ["harvest", "webhook succeeded"] {
            let refused = world.runtally(&format!("trigger {what} --url {url}")).await;
            assert_eq!(refused.code, 1);
            assert!(refused.errors.starts_with(&format!("error: {named}")), "{}", refused.errors);
            assert!(refused.errors.contains("\nhint: "), "{}", refused.errors);
            assert!(refused.errors.contains("runtally ingest"), "{}", refused.errors);
        }
    }
    assert_eq!(world.services.apify.service().dispatches().len(), 0);
    // Apify's test event invents nothing.
    let tested = world.runtally(&format!("trigger webhook test --url {url}")).await;
    assert_eq!(tested.code, 0, "{}", tested.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_with_what_to_do() {
    let mut world = with_leads().await;
    let url = world.url();
    let error = async |world: &World, arguments: &str| {
        let (code, told) = world.json(&format!("trigger {arguments}")).await;
        assert_eq!(code, 1, "{told:#}");
        let text = |name: &str| told["error"][name].as_str().unwrap().to_owned();
        (text("message"), text("hint"))
    };
    let (message, hint) = error(&world, "harvest").await;
    assert!(message.starts_with("`runtally serve` was never started on"), "{message}");
    assert!(hint.contains("--url"), "{hint}");
    let (message, hint) = error(&world, &format!("harvest --client Nobody --url {url}")).await;
    assert_eq!(message, "no client Nobody is served");
    assert_eq!(hint, format!("clients that are served: {CLIENT}"));
    let (message, _) = error(&world, &format!("harvest --leads 4 --url {url}")).await;
    assert_eq!(message, format!("client {CLIENT} has 3 leads with a LinkedIn profile URL"));
    world.variables.insert("WEBHOOK_TOKEN", "another-webhook-token".to_owned());
    let (message, hint) = error(&world, &format!("harvest --url {url}")).await;
    assert!(message.ends_with("does not know the token"), "{message}");
    assert!(hint.contains("WEBHOOK_TOKEN"), "{hint}");
    assert_eq!(world.records(), [], "nothing was begun");
    let wrong: Value = world.json("trigger harvest --fault gemini:tired:3").await.1;
    let message = wrong["error"]["message"].as_str().unwrap();
    assert!(message.contains("gemini:unavailable:20"), "{message}");
}
