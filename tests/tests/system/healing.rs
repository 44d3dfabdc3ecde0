//! Records that heal: whatever happened to one, the next tick puts it right, also when no event
//! of its run ever comes again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use shared::core::digest::id_of;
use shared::core::ids::PlanId;
use shared::core::linkedin::ProfileKey;
use shared::messages::{
    Fact, HarvestStatus, Harvested, Kind, Note, NoteKind, Opened, OpenedBy, Planned, PlannedChunk,
    PlannedLead,
};
use shared::ports::{EventLog, HarvestKey, QueueName};
use shared::schema::{apify, clients, leads, run_record};
use simulators::apify::{DEFAULT_ACTOR, RunSpec};
use std::time::Duration;
use tests::{CLIENT, Harvest, MASTER_BASE, Pipeline, post, profile, told};

const FOR_CLIENT: &str = "clientId=Guy-Wilson";
const COMPLETED: &str = "Completed: 3 harvested, 3 examined, 3 scored; balanced";

/// A pipeline whose one run is finished; with its record.
async fn finished() -> (Pipeline, String) {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), COMPLETED);
    let record = pipeline.records().remove(0).id;
    (pipeline, record)
}

fn notes(record: &Map<String, Value>) -> &str {
    record[run_record::SYSTEM_NOTES].as_str().unwrap()
}

/// Fails unless exactly one note contains these words.
#[track_caller]
fn assert_noted_once(record: &Map<String, Value>, words: &str) {
    assert_eq!(notes(record).matches(words).count(), 1, "{words:?} in {}", notes(record));
}

/// All cells but the notes.
fn numbers(record: &Map<String, Value>) -> Map<String, Value> {
    let mut record = record.clone();
    record.remove(run_record::SYSTEM_NOTES);
    record
}

/// What finds a record that is not as it was left.
#[derive(Debug, Clone, Copy, PartialEq)]
enum FoundBy {
    Tick,
    Event,
}

impl FoundBy {
    async fn come(self, pipeline: &Pipeline) {
        let note =
            Note { kind: NoteKind::Input, text: "a late event".to_owned(), needs_action: false };
        match self {
            Self::Tick => pipeline.tick().await,
            Self::Event => pipeline.report(vec![Fact::Noted(note)]).await,
        }
    }
}

#[tokio::test]
async fn a_deleted_record_is_back_by_the_next_tick_or_event_with_identical_numbers_and_one_note() {
    for found_by in [FoundBy::Tick, FoundBy::Event] {
        let (pipeline, record) = finished().await;
        let before = pipeline.record();
        pipeline.delete_record(&record);
        found_by.come(&pipeline).await;
        let after = pipeline.record();
        assert_eq!(numbers(&after), numbers(&before), "{found_by:?}");
        assert_noted_once(&after, &format!("Record {record} was gone; created again as "));
        pipeline.tick().await;
        assert_eq!(pipeline.record(), after, "one note per thing, not one per tick");
    }
}

#[tokio::test]
async fn edited_machine_fields_are_restored_by_the_next_tick_and_human_fields_stay() {
    let (pipeline, record) = finished().await;
    let before = pipeline.record();
    let edits = json!({run_record::POST_TOKENS: 7, run_record::STATUS: "Failed",
        run_record::BALANCE: "", "Invoiced": true});
    pipeline.edit_record(&record, &edits);
    pipeline.tick().await;
    let mut after = pipeline.record();
    assert_eq!(after.remove("Invoiced"), Some(json!(true)));
    assert_eq!(numbers(&after), numbers(&before));
    let line = "\"Status\", \"Post Scoring Tokens\", \"Balance\" did not show what was written";
    assert_noted_once(&after, line);
    let writes = pipeline.airtable_requests("upsert");
    pipeline.tick().await;
    assert_eq!(pipeline.airtable_requests("upsert"), writes, "what is right is not written");
}

#[tokio::test]
async fn a_duplicate_is_marked_by_the_next_tick_or_event_and_nothing_is_deleted() {
    for found_by in [FoundBy::Tick, FoundBy::Event] {
        let (pipeline, record) = finished().await;
        let before = pipeline.record();
        let mut copy = before.clone();
        copy.insert("Invoiced".to_owned(), json!(true));
        tokio::time::sleep(Duration::from_millis(5)).await;
        let copy = pipeline.insert(MASTER_BASE, run_record::TABLE, Value::Object(copy));
        for _ in 0..2 {
            found_by.come(&pipeline).await;
            assert_eq!(pipeline.records().len(), 2, "{found_by:?}");
            let kept = pipeline.record_of(&record);
            assert_eq!(numbers(&kept), numbers(&before));
            let line = format!("Record existed more than once; kept {record}, marked {copy}");
            assert_noted_once(&kept, &line);
            let marked = pipeline.record_of(&copy);
            let run_id = format!("261123-094519-Guy-Wilson (duplicate of {record})");
            assert_eq!(marked[run_record::RUN_ID], run_id);
            assert_eq!(marked["Invoiced"], true, "what people wrote stays");
        }
        let requests = pipeline.services.airtable.requests();
        let is_refused = requests.iter().any(|count| count.status != 200);
        assert!(found_by == FoundBy::Event || !is_refused, "found before a write is refused");
    }
}

#[tokio::test]
async fn a_record_whose_run_id_was_edited_gets_it_back() {
    for edit in [json!({run_record::RUN_ID: "mine"}), json!({run_record::CLIENT_ID: "Other"})] {
        let (pipeline, record) = finished().await;
        let before = pipeline.record();
        pipeline.edit_record(&record, &edit);
        pipeline.tick().await;
        let after = pipeline.record();
        assert_eq!(numbers(&after), numbers(&before));
        assert!(notes(&after).contains("had its identity edited"), "{}", notes(&after));
    }
}

#[tokio::test]
async fn an_event_that_meets_an_edited_run_id_keeps_the_old_record_and_says_why() {
    let (pipeline, record) = finished().await;
    let before = pipeline.record();
    pipeline.edit_record(&record, &json!({run_record::RUN_ID: "mine", "Invoiced": true}));
    let apify_run = before[run_record::APIFY_RUN_ID].as_str().unwrap().parse().unwrap();
    let opened = Fact::Opened(Opened { by: OpenedBy::Webhook(apify_run) });
    pipeline.report(vec![opened]).await;
    let after = pipeline.record_of(&record);
    assert_eq!(told(&after), COMPLETED);
    assert_eq!(after["Invoiced"], true, "what people wrote stays with the run");
    assert!(notes(&after).contains("Client ID was edited (Run ID \"mine\")"), "{}", notes(&after));
    assert_eq!(pipeline.records().len(), 2, "the one created in between is marked");
    pipeline.tick().await;
    assert_eq!(pipeline.record_of(&record), after);
}

#[tokio::test]
async fn a_field_that_is_gone_costs_that_field_and_comes_back_by_itself() {
    let (pipeline, _) = finished().await;
    let before = pipeline.record();
    let airtable = pipeline.services.airtable.service();
    airtable.delete_field(MASTER_BASE, run_record::TABLE, run_record::POSTS_SCORED).unwrap();
    for _ in 0..2 {
        pipeline.tick().await;
        let without = pipeline.record();
        assert_eq!(told(&without), "Completed: 3 harvested, 3 examined, - scored; balanced");
        let line =
            "Field \"Posts Successfully Scored\" is not written: the table has no such field";
        assert_noted_once(&without, line);
    }
    let spec = simulators::airtable::FieldSpec::number(run_record::POSTS_SCORED, 0);
    airtable.add_field(MASTER_BASE, run_record::TABLE, spec).unwrap();
    pipeline.tick().await;
    assert_eq!(pipeline.record(), before, "the field and the notes are as they were");
}

#[tokio::test]
async fn a_record_on_which_somebody_ticks_retry_has_its_failed_leads_scored_again_and_no_other() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    pipeline.add_lead("jane", json!({}));
    let max = pipeline.add_lead("max", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let items = vec![post("jane", 1, "We shipped it."), post("max", 1, "Hi.")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "max"], items));
    pipeline.run(&apify_run).await;
    assert_eq!(
        pipeline.told(),
        "Completed with Errors: 2 harvested, 1 examined, 1 scored; balanced"
    );
    let first = pipeline.billed_tokens();

    pipeline.edit_lead(&max, &json!({leads::POSTS_CONTENT: null}));
    pipeline.retry().await;

    let after = pipeline.record();
    assert_eq!(told(&after), "Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert!(!after.contains_key(run_record::RETRY), "the tick is taken off");
    assert_noted_once(&after, "queued again: 1 lead.");
    let answers = pipeline.services.gemini.service().billed().len();
    assert_eq!(answers, 2, "jane is not asked about again");
    pipeline.assert_shows(run_record::PROGRESS_LOG, "Planned post scoring of 1 lead again.");
    assert!(pipeline.billed_tokens() > first);
    assert_eq!(after[run_record::POST_TOKENS], pipeline.billed_tokens(), "both tries' cost counts");
}

#[tokio::test]
async fn leads_whose_harvest_apify_has_deleted_are_scored_again_from_their_rows() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let jane = pipeline.add_lead("jane", json!({leads::POSTS_CONTENT: "Dear diary, today …"}));
    let apify_run = pipeline.harvest(Harvest::of(&["jane"], vec![post("jane", 1, "Hi.")]));
    pipeline.run(&apify_run).await;
    assert!(pipeline.told().starts_with("Failed"), "the only lead could not be read");
    pipeline.services.apify.service().delete_run(&apify_run);
    let posts = r#"[{"postUrl":"https://www.linkedin.com/posts/old","postContent":"Old."}]"#;
    pipeline.edit_lead(&jane, &json!({leads::POSTS_CONTENT: posts}));
    pipeline.retry().await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
}

#[tokio::test]
async fn a_run_that_could_not_be_planned_is_planned_by_retry_once_the_cause_is_gone() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    let set_status = |status| pipeline.edit_client(&json!({clients::STATUS: status}));
    set_status("Paused");
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Failed: 3 harvested, 0 examined, 0 scored; balanced");
    pipeline.retry().await;
    let line = "Nothing was queued again: client \"Guy-Wilson\" has the status \"Paused\"";
    assert!(notes(&pipeline.record()).contains(line), "{}", notes(&pipeline.record()));
    set_status(clients::ACTIVE);
    pipeline.retry().await;
    assert_eq!(pipeline.told(), COMPLETED);
}

#[tokio::test]
async fn an_unattributed_run_is_scored_by_retry_once_the_table_apify_names_its_client() {
    let (pipeline, apify_run) = Pipeline::with_harvest().await;
    pipeline.run_by(&apify_run, "").await;
    let unattributed = pipeline.records().remove(0).id;
    assert_eq!(pipeline.billed_tokens(), 0, "nothing is scored");
    let row = json!({apify::APIFY_RUN_ID: apify_run, apify::CLIENT_ID: CLIENT});
    pipeline.insert(MASTER_BASE, apify::TABLE, row);
    pipeline.edit_record(&unattributed, &json!({run_record::RETRY: true}));
    pipeline.tick().await;
    let records = pipeline.records();
    let of_client = records.iter().find(|row| row.id != unattributed).unwrap();
    assert_eq!(told(&of_client.fields), COMPLETED);
    assert_eq!(pipeline.record_of(&unattributed)[run_record::STATUS], "Failed");
}

#[tokio::test]
async fn retry_of_a_run_that_is_well_says_that_there_is_nothing_to_do() {
    let (pipeline, _) = finished().await;
    let billed = pipeline.billed_tokens();
    pipeline.retry().await;
    let after = pipeline.record();
    assert!(!after.contains_key(run_record::RETRY));
    assert!(
        notes(&after).contains("Retry was ticked: nothing failed or is missing"),
        "{}",
        notes(&after)
    );
    assert_eq!((told(&after).as_str(), pipeline.billed_tokens()), (COMPLETED, billed));
}

/// What is told of a harvest whose chunk was lost: it is planned, and nothing more comes.
fn lost_chunk(apify_run: &str, names: &[&str]) -> Vec<Fact> {
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
            cost: None,
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

#[tokio::test]
async fn a_run_whose_chunk_is_lost_stalls_by_name_and_is_completed_by_retry() {
    let variables = [("PROJECT_SECONDS", "0"), ("STALL_MINUTES", "0")];
    let pipeline = Pipeline::start_with(&variables).await;
    pipeline.add_lead("jane", json!({}));
    pipeline.add_lead("max", json!({}));
    let items = vec![post("jane", 1, "We shipped it."), post("max", 1, "Hi.")];
    let apify_run = pipeline.harvest(Harvest::of(&["jane", "max"], items));
    // Behind the tick of the start.
    pipeline.tick().await;
    pipeline.report(lost_chunk(&apify_run, &["jane", "max"])).await;
    assert_eq!(pipeline.record()[run_record::STATUS], "Running");

    pipeline.tick().await;
    let stalled = pipeline.record();
    assert_eq!(stalled[run_record::STATUS], "Stalled");
    let notes = notes(&stalled);
    assert!(notes.starts_with("Stalled: nothing has moved since "), "{notes}");
    assert!(notes.contains("Still missing: chunk 1 of 1 (plan "), "{notes}");

    pipeline.retry().await;
    assert_eq!(pipeline.told(), "Completed: 2 harvested, 2 examined, 2 scored; balanced");
}

#[tokio::test]
async fn a_harvest_whose_webhook_never_came_is_found_by_the_tick_and_completed_once() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    pipeline.add_lead("jane", json!({}));
    let apify_run = old_harvest(&pipeline, SignedDuration::from_hours(1));
    let row = json!({apify::APIFY_RUN_ID: apify_run, apify::CLIENT_ID: CLIENT});
    pipeline.insert(MASTER_BASE, apify::TABLE, row);
    pipeline.tick().await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_RUN_ID], apify_run);
    let reads = |pipeline: &Pipeline| {
        let requests = pipeline.services.apify.requests();
        requests.iter().filter(|r| r.kind == "items").map(|r| r.count).sum::<u64>()
    };
    let before = reads(&pipeline);
    pipeline.tick().await;
    assert_eq!(reads(&pipeline), before, "it is known from then on");
}

/// A harvest of jane's that ended so long ago, and began two minutes before.
fn old_harvest(pipeline: &Pipeline, ago: SignedDuration) -> String {
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

#[tokio::test]
async fn a_second_end_whose_webhook_never_came_is_found_by_the_tick() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    pipeline.add_lead("jane", json!({}));
    let apify_run = old_harvest(&pipeline, SignedDuration::from_hours(2));
    pipeline.run(&apify_run).await;
    assert_eq!(pipeline.told(), "Completed: 1 harvested, 1 examined, 1 scored; balanced");
    let spec = RunSpec {
        finished_at: Some(Timestamp::now() - SignedDuration::from_hours(1)),
        input: json!({"targetUrls": [profile("jane")]}),
        items: vec![post("jane", 1, "We shipped it."), post("jane", 2, "And more.")],
        cost_usd: Some(0.02),
        ..RunSpec::default()
    };
    pipeline.services.apify.service().resurrect(&apify_run, spec).unwrap();
    pipeline.tick().await;
    pipeline.assert_exact("Completed: 2 harvested, 2 examined, 2 scored; balanced");
    assert_eq!(pipeline.record()[run_record::APIFY_COST], 0.02);
}

#[tokio::test]
async fn a_missed_harvest_is_found_behind_any_number_of_others() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    let missed = old_harvest(&pipeline, SignedDuration::from_hours(30));
    let mut others = Vec::new();
    for n in 0..150 {
        let other = old_harvest(&pipeline, SignedDuration::from_mins(60 + n));
        others.push(HarvestKey::of(&other));
    }
    pipeline.system.log.hear(&others).await.unwrap();
    pipeline.tick().await;
    assert_eq!(pipeline.record()[run_record::APIFY_RUN_ID], missed);
}

#[tokio::test]
async fn a_harvest_that_nobody_names_a_client_for_leaves_a_failed_record_when_it_is_found() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    pipeline.add_lead("jane", json!({}));
    old_harvest(&pipeline, SignedDuration::from_hours(1));
    pipeline.tick().await;
    let record = pipeline.record();
    assert_eq!(record[run_record::STATUS], "Failed");
    assert_eq!(record[run_record::CLIENT_ID], "(unattributed)");
    assert_eq!(pipeline.billed_tokens(), 0);
}

#[tokio::test]
async fn a_harvest_too_old_too_young_or_heard_of_is_not_queued_by_the_tick() {
    let pipeline = Pipeline::start_with(&[("APIFY_ACTORS", DEFAULT_ACTOR)]).await;
    old_harvest(&pipeline, SignedDuration::from_hours(49));
    old_harvest(&pipeline, SignedDuration::from_mins(5));
    let accepted = old_harvest(&pipeline, SignedDuration::from_hours(1));
    // Its webhook was accepted; its task waits because Apify is away.
    pipeline.break_apify(&json!({"fault": "unavailable", "probability": 1, "kind": "run"}));
    assert_eq!(pipeline.webhook(&accepted, FOR_CLIENT).await.0, 202);
    let depth = |queue| pipeline.system.queue.depth(queue).unwrap();
    let until = async |is_over: &dyn Fn() -> bool| {
        while !is_over() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let is_taken = || {
        let is_empty = |queue| depth(queue).visible == 0;
        QueueName::ALL.into_iter().all(is_empty) && depth(QueueName::Retry).in_flight == 1
    };
    until(&is_taken).await;
    pipeline.send_tick().await;
    let metrics = || depth(QueueName::Metrics);
    until(&|| metrics().in_flight == 0 && metrics().visible == 0).await;
    let tasks = [QueueName::Scoring, QueueName::Retry].map(depth);
    let tasks: usize = tasks.iter().map(|depth| depth.visible + depth.in_flight).sum();
    assert_eq!(tasks, 1, "only the accepted one waits");
    assert!(pipeline.records().is_empty());
}

#[tokio::test]
async fn redeliveries_for_twenty_finalizers_on_a_missing_record_make_one_record_in_two_requests() {
    let pipeline = Pipeline::start_with(&[("PROJECT_SECONDS", "3600")]).await;
    // Behind the tick of the start.
    pipeline.tick().await;
    let missing = |pipeline: &Pipeline| {
        pipeline.airtable_requests("upsert") + pipeline.airtable_requests("list")
    };
    let before = missing(&pipeline);
    // The run was never opened: every one of these finds the record missing.
    let apify_run = old_harvest(&pipeline, SignedDuration::from_hours(1));
    let facts = lost_chunk(&apify_run, &["jane"]).split_off(2);
    for _ in 0..20 {
        pipeline.report(facts.clone()).await;
    }
    assert_eq!(pipeline.records().len(), 1);
    assert_eq!(missing(&pipeline) - before, 2, "one to see why it is missing, one to create it");
    let record = pipeline.record();
    assert!(notes(&record).contains("was never opened here"), "{}", notes(&record));
}

#[tokio::test]
async fn a_record_created_without_opening_names_the_run_that_has_the_same_harvest() {
    let other = Pipeline::start_with(&[("PROJECT_SECONDS", "0")]).await;
    let apify_run = old_harvest(&other, SignedDuration::from_hours(1));
    let row = json!({run_record::RUN_ID: "251014-153000-Guy-Wilson",
        run_record::CLIENT_ID: CLIENT, run_record::APIFY_RUN_ID: apify_run});
    let known = other.insert(MASTER_BASE, run_record::TABLE, row);
    other.report(lost_chunk(&apify_run, &["jane"]).split_off(1)).await;
    let records = other.records();
    let created = &records.iter().find(|row| row.id != known).unwrap().fields;
    let line = "the same Apify run is on record ";
    assert!(notes(created).contains(line), "{}", notes(created));
    assert!(notes(created).contains("under the Run ID \"251014-153000-Guy-Wilson\""));
}

#[tokio::test]
async fn a_state_written_over_a_newer_one_is_put_right_by_the_next_tick() {
    let (pipeline, record) = finished().await;
    let before = pipeline.record();
    // What a finalizer that was too slow does: it writes the state as it was in the middle.
    let older = json!({run_record::STATUS: "Running", run_record::POSTS_SCORED: 1,
        run_record::POST_TOKENS: 10, run_record::END_TIME: null});
    pipeline.edit_record(&record, &older);
    pipeline.tick().await;
    assert_eq!(numbers(&pipeline.record()), numbers(&before));
}
