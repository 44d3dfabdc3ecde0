//! What people do in Airtable during runs.

use crate::env::world::World;
use crate::fault::Fault;
use crate::oracle::Invariant;
use crate::scenario::HUMAN_FIELD;
use crate::script::Edit;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use shared::schema::{leads, run_record};
use simulators::airtable::Row;
use simulators::gemini::Marker;
use std::sync::Arc;
use std::time::Duration;
use tests::MASTER_BASE;

/// The longest time before people first look at the bases.
const FIRST_GAP: Duration = Duration::from_mins(10);
/// The number of looks in the first hour. After that each gap is twice as long as the one before.
const EAGER_LOOKS: u32 = 6;
const LONGEST_GAP: Duration = Duration::from_hours(24 * 10);
/// How long people look at least, even if everything is done before.
pub(crate) const FIRST_LOOKS: Duration = Duration::from_mins(30);
/// Ticks check a record for a week after its last write (`VERIFY_DAYS`). The last day is reserved
/// for outages.
const WATCHED: SignedDuration = SignedDuration::from_hours(24 * 6);
/// Fields that a person renames: an optional one, and some that are used for billing.
const RENAMED: [&str; 4] =
    [run_record::POST_TOKENS, run_record::PROGRESS_LOG, run_record::END_TIME, run_record::BALANCE];
/// Fields of the run records that a person locks.
const LOCKED: [&str; 4] = [
    run_record::APIFY_COST,
    run_record::POSTS_HARVESTED,
    run_record::ERROR_DETAILS,
    run_record::BALANCE,
];
/// Fields of leads that a person locks.
const LOCKED_OF_LEADS: [&str; 4] =
    [leads::TOP_POST, leads::POSTS_SCORE, leads::POST_SCORING_RUN_ID, leads::POSTS_JSON_STATUS];
/// Fields that a person overwrites.
const EDITED: [&str; 3] =
    [run_record::POST_TOKENS, run_record::POSTS_SCORED, run_record::POSTS_HARVESTED];

/// Edits the bases from time to time, until the healing begins.
pub(crate) async fn run(world: Arc<World>) {
    for look_number in 0_u32.. {
        let growth = 2_u32.saturating_pow(look_number.saturating_sub(EAGER_LOOKS - 1));
        let gap = FIRST_GAP.saturating_mul(growth).min(LONGEST_GAP);
        if is_over(&world, world.dice.within(gap)).await {
            break;
        }
        delete_lead(&world);
        look(&world);
        if world.faults.hits(Fault::FieldRenamed) && rename_for_a_while(&world).await {
            break;
        }
        if world.faults.hits(Fault::FieldLocked) && lock_for_a_while(&world).await {
            break;
        }
        if world.faults.hits(Fault::ChoiceRenamed) && rename_a_choice(&world).await {
            break;
        }
    }
}

/// Waits. Returns whether people must leave the bases alone.
async fn is_over(world: &World, wait: Duration) -> bool {
    tokio::select! {
        biased;
        () = world.faults.people_gone() => true,
        () = tokio::time::sleep(wait) => false,
    }
}

fn look(world: &World) {
    let dice = &world.dice;
    let rows = world.airtable.rows(MASTER_BASE, run_record::TABLE).expect("the run records");
    let rows: Vec<Row> = rows.into_iter().filter(|row| is_of_a_watched_run(world, row)).collect();
    let Some(row) = dice.pick(&rows).cloned() else { return };
    // The fault is counted if the base accepted the edit, because the field may have another name
    // at the moment.
    let edit = |fault: Option<Fault>, cells: Value| {
        let Value::Object(cells) = cells else { return };
        match world.airtable.edit(MASTER_BASE, run_record::TABLE, &row.id, cells) {
            Ok(()) => fault.into_iter().for_each(|fault| {
                world.faults.count(fault);
                world.activity.notify_one();
            }),
            Err(_) => world.trace.say(|| format!("a person cannot edit {}", row.id)),
        }
    };
    let wants = |fault| world.faults.is_drawn(fault).then_some(fault);
    if world.faults.hits(Fault::RecordDeleted) {
        world.trace.say(|| format!("a person deletes record {}", row.id));
        world.airtable.delete_record(MASTER_BASE, run_record::TABLE, &row.id).expect("it is there");
        world.oracle().record_deleted(&row.id);
        world.activity.notify_one();
    } else if let Some(fault) = wants(Fault::RecordEdited) {
        let field = EDITED[dice.below(EDITED.len())];
        world.trace.say(|| format!("a person edits {field:?} of record {}", row.id));
        edit(Some(fault), json!({field: 7}));
    } else if let Some(fault) = wants(Fault::RunIdEdited) {
        world.trace.say(|| format!("a person edits the Run ID of record {}", row.id));
        let run = row.fields.get(run_record::RUN_ID).and_then(Value::as_str).unwrap_or_default();
        edit(Some(fault), json!({run_record::RUN_ID: format!("{run} (mine)")}));
    } else if let Some(fault) = wants(Fault::RetryTicked) {
        world.trace.say(|| format!("a person ticks Retry on record {}", row.id));
        edit(Some(fault), json!({run_record::RETRY: true}));
        mend_profiles(world);
    } else if world.faults.hits(Fault::RecordDuplicated) {
        world.trace.say(|| format!("a person duplicates record {}", row.id));
        let mut copy: Map<String, Value> = row.fields.clone();
        copy.remove(HUMAN_FIELD);
        world.airtable.insert(MASTER_BASE, run_record::TABLE, copy).expect("the cells fit");
        world.activity.notify_one();
    } else if dice.chance(0.3) {
        edit(None, json!({HUMAN_FIELD: true}));
        world.oracle().human_wrote(&row.id);
    }
}

/// A person deletes a lead, whether any run knows it or not.
fn delete_lead(world: &World) {
    let dice = &world.dice;
    if !world.faults.is_drawn(Fault::LeadDeleted) {
        return;
    }
    let client = &world.scenario.clients[dice.below(world.scenario.clients.len())];
    let lead = &client.leads[dice.below(client.leads.len())];
    // It may be deleted already.
    if world.airtable.delete_record(client.base, leads::TABLE, &lead.record).is_ok() {
        world.faults.count(Fault::LeadDeleted);
        world.trace.say(|| format!("a person deletes lead {}", lead.slug));
        world.oracle().lead_deleted(&lead.record);
    }
}

/// Does what a script says, at the time that it says.
pub(crate) async fn play(world: Arc<World>, edit: Edit) {
    let rename = |from: &str, to: &str| {
        world.airtable.rename_field(MASTER_BASE, run_record::TABLE, from, to).expect("a field");
        world.activity.notify_one();
    };
    match edit {
        Edit::Rename { field, during } => {
            let other = format!("{field} (old)");
            tokio::time::sleep(during.start).await;
            rename(field, &other);
            tokio::time::sleep(during.end - during.start).await;
            rename(&other, field);
        }
        Edit::Read { after, field, says } => {
            tokio::time::sleep(after).await;
            let rows = world.airtable.rows(MASTER_BASE, run_record::TABLE).expect("the records");
            let is = rows.first().and_then(|row| row.fields.get(field)).and_then(Value::as_str);
            if !is.is_some_and(|is| is.contains(says)) {
                let what = format!("{field:?} is {is:?} after {after:?}, not {says:?}");
                world.oracle().violate(Invariant::Numbers, what);
            }
        }
    }
}

/// Corrects the profiles that make the model misbehave. Their status stays.
fn mend_profiles(world: &World) {
    for client in &world.scenario.clients {
        for row in world.airtable.rows(client.base, leads::TABLE).expect("the leads") {
            let profile = row.fields.get(leads::RAW_PROFILE).and_then(Value::as_str);
            let Some(profile) = profile.filter(|profile| profile.contains("[[sim:")) else {
                continue;
            };
            let mended = Marker::ALL
                .iter()
                .fold(profile.to_owned(), |profile, marker| profile.replace(marker.text(), ""));
            let cells = Map::from_iter([(leads::RAW_PROFILE.to_owned(), json!(mended))]);
            world.airtable.edit(client.base, leads::TABLE, &row.id, cells).expect("the cells fit");
        }
    }
}

/// Locks and unlocks a field of the run records or of a client's leads. Returns whether people must
/// leave the bases alone.
async fn lock_for_a_while(world: &World) -> bool {
    let client = &world.scenario.clients[world.dice.below(world.scenario.clients.len())];
    let places = [(MASTER_BASE, run_record::TABLE), (client.base, leads::TABLE)];
    let of_records = world.dice.chance(0.6);
    let (place, fields) =
        if of_records { (places[0], LOCKED) } else { (places[1], LOCKED_OF_LEADS) };
    let field = fields[world.dice.below(fields.len())];
    let lock = |is_locked| {
        world.airtable.lock_field(place, field, is_locked).expect("a field");
        world.trace.say(|| format!("a person sets the lock of {field:?} to {is_locked}"));
        world.activity.notify_one();
    };
    lock(true);
    let is_over = is_over(world, world.dice.within(Duration::from_mins(20))).await;
    lock(false);
    is_over
}

/// Renames a choice of a Status, and renames it back. Returns whether people must leave the bases
/// alone.
async fn rename_a_choice(world: &World) -> bool {
    let choice = run_record::STATUSES[world.dice.below(run_record::STATUSES.len())];
    let other = format!("{choice} (old)");
    let table = (MASTER_BASE, run_record::TABLE);
    let rename = |from: &str, to: &str| {
        world.airtable.rename_choice(table, run_record::STATUS, (from, to)).expect("a choice");
        world.trace.say(|| format!("a person renames the choice {from:?} to {to:?}"));
        world.activity.notify_one();
    };
    rename(choice, &other);
    let is_over = is_over(world, world.dice.within(Duration::from_mins(20))).await;
    rename(&other, choice);
    is_over
}

/// Whether the functions promise to repair a record. A record that was marked as a duplicate, or
/// that got another id, no longer belongs to a run. A run that ended long ago is not checked.
fn is_of_a_watched_run(world: &World, row: &Row) -> bool {
    let run = row.fields.get(run_record::RUN_ID).and_then(Value::as_str);
    let Some(run) = run.and_then(|run| run.parse().ok()) else { return false };
    world.log.is_watched(&run, world.clock.now() - WATCHED)
}

/// Renames a field, and renames it back. Returns whether people must leave the bases alone.
async fn rename_for_a_while(world: &World) -> bool {
    let field = RENAMED[world.dice.below(RENAMED.len())];
    let other = format!("{field} (old)");
    let rename = |from: &str, to: &str| {
        world.airtable.rename_field(MASTER_BASE, run_record::TABLE, from, to).expect("a field");
        world.trace.say(|| format!("a person renames field {from:?} to {to:?}"));
        world.activity.notify_one();
    };
    rename(field, &other);
    let is_over = is_over(world, world.dice.within(Duration::from_mins(20))).await;
    rename(&other, field);
    is_over
}
