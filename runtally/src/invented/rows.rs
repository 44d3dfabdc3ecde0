//! Rows of `Leads` before the harvest.

use super::client::InventedClient;
use super::leads::Lead;
use super::posts::{MOMENT, Post};
use super::profiles;
use super::stored;
use super::tables::{Cells, row as cells_of};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::core::ids::{ClientId, RunId, RunStamp};
use shared::schema::leads;

/// The row of the client's lead at `place`. Whether its profile waits for scoring is random, unless
/// the client has a fixed number of such profiles.
pub(super) fn row(lead: &Lead, client: &InventedClient, place: usize) -> Cells {
    let waits = client.profiles.map(|waiting| place < waiting);
    let rng = &mut profiles::drawn_for(lead);
    let person = &lead.person;
    let mut about = profiles::about(lead, rng);
    if let Some(marker) = profiles::marker(place).filter(|_| waits == Some(true))
        && about.len() > 40
    {
        about = format!("{about} {}", marker.text());
    }
    let profile = json!({
        "firstName": person.first, "lastName": person.last, "headline": person.headline(),
        "about": about, "publicIdentifier": person.slug,
    });
    let is_scored = rng.u8(..3) > 0;
    let is_scored = waits.map_or(is_scored, |waits| !waits);
    let status = if is_scored { leads::SCORED } else { leads::TO_BE_SCORED };
    let scored = |value: Value| if is_scored { value } else { Value::Null };
    let mut cells = cells_of([
        (leads::PROFILE_URL, json!(lead.url)),
        (leads::FIRST_NAME, json!(person.first)),
        (leads::LAST_NAME, json!(person.last)),
        (leads::RAW_PROFILE, json!(profile.to_string())),
        (leads::PROFILE_JSON, json!(profile.to_string())),
        (leads::SCORING_STATUS, json!(status)),
        (leads::AI_SCORE, scored(json!(f64::from(rng.u16(2_000..9_500)) / 10_000.0))),
        (leads::DATE_SCORED, scored(date(days_ago(40)))),
    ]);
    if let Some(content) = stored::cell(&lead.stored) {
        cells.extend(cells_of([
            (leads::POSTS_CONTENT, json!(content)),
            (leads::TIME_POSTS_ADDED, date(days_ago(30))),
        ]));
    }
    if lead.scored_before {
        cells.extend(scored_before(lead, &client.id));
    }
    cells.retain(|name, _| client.has_field(name));
    cells
}

fn scored_before(lead: &Lead, client: &ClientId) -> Cells {
    let at = days_ago(19);
    let run = RunId::new(&RunStamp::at(at), client);
    let posts: Vec<(&Post, u64)> =
        lead.stored.posts.iter().map(|post| (post, 35 + post.id % 60)).collect();
    let evaluation = posts.iter().map(|(post, score)| {
        json!({
            "post_url": post.url(), "post_score": score, "run_id": run,
            "scoring_rationale": "Speaks of automation in their own words, with figures.",
        })
    });
    let best = posts.iter().max_by_key(|(_, score)| score);
    let top = best.map(|(post, score)| {
        let (at, url, text) = (post.posted_at, post.url(), &post.text);
        format!("Date: {at}\nURL: {url}\nScore: {score}\nContent: {text}\nRationale: Good.")
    });
    cells_of([
        (leads::POSTS_SCORE, json!(best.map(|(_, score)| score))),
        (leads::POSTS_EVALUATION, json!(Value::from_iter(evaluation).to_string())),
        (leads::TOP_POST, json!(top)),
        (leads::DATE_POSTS_SCORED, date(at)),
        (leads::POST_SCORING_RUN_ID, json!(run)),
        (leads::POSTS_ACTIONED, json!(lead.case.has_acted.then_some(true))),
    ])
}

fn days_ago(days: i64) -> Timestamp {
    MOMENT - SignedDuration::from_hours(24 * days)
}

fn date(at: Timestamp) -> Value {
    json!(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
