//! Runs that are over, and checks of their records.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use shared::core::digest::id_of;
use shared::core::ids::PlanId;
use shared::core::linkedin::ProfileKey;
use shared::core::tokens::NanoUsd;
use shared::messages::{
    Fact, HarvestStatus, Harvested, Kind, Opened, OpenedBy, Planned, PlannedChunk, PlannedLead,
};
use shared::schema::run_record;
use simulators::apify::RunSpec;
use tests::{Pipeline, post, profile};

pub(crate) const FOR_CLIENT: &str = "clientId=Guy-Wilson";

pub(crate) const COMPLETED: &str = "Completed: 3 harvested, 3 examined, 3 scored; balanced";

/// A pipeline whose only run is finished. Also returns the run's record.
pub(crate) async fn finished() -> (Pipeline, String) {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    let record = pipeline.records().remove(0).id;
    (pipeline, record)
}

pub(crate) fn notes(record: &Map<String, Value>) -> &str {
    record[run_record::SYSTEM_NOTES].as_str().unwrap()
}

/// Fails unless exactly one note contains these words.
#[track_caller]
pub(crate) fn assert_noted_once(record: &Map<String, Value>, words: &str) {
    assert_eq!(notes(record).matches(words).count(), 1, "{words:?} in {}", notes(record));
}

/// All cells except the notes.
pub(crate) fn numbers(record: &Map<String, Value>) -> Map<String, Value> {
    let mut record = record.clone();
    record.remove(run_record::SYSTEM_NOTES);
    record
}

/// The facts about a harvest whose chunk was lost: it is planned, and nothing more comes.
pub(crate) fn lost_chunk(apify_run: &str, names: &[&str]) -> Vec<Fact> {
    let plan: PlanId = id_of(&["a plan whose chunk was lost"]).parse().unwrap();
    let apify_run: shared::core::ids::ApifyRunId = apify_run.parse().unwrap();
    let leads = names.iter().map(|name| PlannedLead {
        lead: ProfileKey::of(&profile(name)).unwrap().lead_key(),
        posts: 1,
        record: None,
        profile: None,
        left_out: 0,
    });
    let count = u32::try_from(names.len()).unwrap();
    vec![
        Fact::Opened(Opened { by: OpenedBy::Webhook(apify_run.clone()) }),
        Fact::Harvested(Harvested {
            seen_at: None,
            finished_at: None,
            account: None,
            apify_run,
            status: HarvestStatus::Succeeded,
            targets: count,
            posts: count,
            posts_without_profile: 0,
            cost: Some(NanoUsd(74_000_000)),
            plan: Some(plan.clone()),
        }),
        Fact::PlannedChunk(PlannedChunk {
            plan: plan.clone(),
            kind: Kind::Post,
            chunk: 0,
            leads: leads.collect(),
        }),
        Fact::Planned(Planned {
            plan,
            kind: Kind::Post,
            chunks: 1,
            part_of: None,
            replaces: None,
            leads_table: None,
        }),
    ]
}

/// A harvest of jane that ended this long ago, and began two minutes before.
pub(crate) fn old_harvest(pipeline: &Pipeline, ago: SignedDuration) -> String {
    let finished_at = Timestamp::now() - ago;
    pipeline.services.apify.service().add_run(RunSpec {
        started_at: Some(finished_at - SignedDuration::from_mins(2)),
        finished_at: Some(finished_at),
        input: json!({"targetUrls": [profile("jane")]}),
        items: vec![post("jane", 1, "We shipped it.")],
        cost_usd: Some(0.01),
        ..RunSpec::default()
    })
}
