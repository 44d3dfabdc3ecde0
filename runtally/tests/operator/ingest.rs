//! `runtally ingest`.

use crate::world::{CLIENT, RUN, World};
use jiff::Timestamp;
use serde_json::json;
use shared::ports::QueueName;
use shared::schema::run_record;
use simulators::apify::{RunSpec, RunStatus};

#[tokio::test(flavor = "multi_thread")]
async fn a_harvest_is_brought_in_by_its_apify_run_and_counts_once_with_its_webhook() {
    let world = World::sound().await;
    world.add_lead("jane");
    let apify_run = world.harvest(&[("jane", "We shipped it.")]);
    let (code, told) = world.json(&format!("ingest {apify_run} --client {CLIENT}")).await;
    assert_eq!(code, 0, "{told:#}");
    let expected =
        json!({"schema_version": 1, "run": RUN, "apify_run": apify_run, "client": CLIENT});
    assert_eq!(told, expected);
    let record = world.ended_record().await;
    assert_eq!(
        (&record[run_record::RUN_ID], &record[run_record::STATUS]),
        (&json!(RUN), &json!("Completed"))
    );
    assert_eq!(record[run_record::POSTS_SCORED], 1);
    world.settle().await;
    world.run(&apify_run).await;
    let again = world.record().fields;
    for field in [run_record::POSTS_HARVESTED, run_record::POST_TOKENS, run_record::POSTS_SCORED] {
        assert_eq!(again[field], record[field], "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_harvest_can_be_added_to_a_run() {
    let world = World::sound().await;
    world.add_lead("jane");
    let apify_run = world.harvest(&[("jane", "We shipped it.")]);
    let into = "260101-000000";
    let told = world.json(&format!("ingest {apify_run} --client {CLIENT} --run {into}")).await;
    assert_eq!(told.1["run"], format!("{into}-{CLIENT}"));
    assert_eq!(world.ended_record().await[run_record::RUN_ID], format!("{into}-{CLIENT}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_brought_in_is_refused_with_what_to_do() {
    let world = World::sound().await;
    let going_on = world.services.apify.service().add_run(RunSpec {
        status: RunStatus::Running,
        started_at: Some(Timestamp::now()),
        ..RunSpec::default()
    });
    let ended = world.harvest(&[("jane", "We shipped it.")]);
    for (run, client, message, hint) in [
        ("HG7ML7M8z78YcAPEB", CLIENT, "Apify does not know run HG7ML7M8z78YcAPEB", "check the id"),
        (going_on.as_str(), CLIENT, "is still running", "wait until it has ended"),
        (ended.as_str(), "Nobody", "client \"Nobody\" is not in the table", "correct --client"),
    ] {
        let refused = world.runtally(&format!("ingest {run} --client {client}")).await;
        assert_eq!((refused.code, refused.out.as_str()), (1, ""));
        let errors = refused.errors;
        assert!(errors.starts_with("error: ") && errors.contains(message), "{errors}");
        assert!(errors.contains(&format!("\nhint: {hint}")), "{errors}");
    }
    let queue = &world.system().queue;
    assert!(queue.depth(QueueName::Scoring).unwrap().is_idle());
    assert_eq!(world.records(), []);
}
