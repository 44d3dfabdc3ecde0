//! Every oddity is there.

use super::super::cases::Case;
use super::*;
use simulators::gemini::Marker;
use std::collections::HashMap;

#[test]
fn a_client_of_twenty_leads_has_every_oddity() {
    let world = World::invent(Size { leads: 40, clients: 2, seed: 1 });
    let airtable = furnished(&world);
    for client in &world.clients {
        let harvest = client.harvest();
        let rows = airtable.rows(client.base.as_str(), leads::TABLE).unwrap();
        let oddities = oddities(&harvest, &rows);
        let absent: Vec<&&str> =
            oddities.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
        assert!(absent.is_empty(), "{absent:?}");
    }
}

/// How often each oddity is there, looked for in the data alone.
fn oddities(harvest: &Harvest, rows: &[Row]) -> BTreeMap<&'static str, usize> {
    let targets = targets(harvest);
    let with =
        |test: &dyn Fn(&Value) -> bool| harvest.items.iter().filter(|item| test(item)).count();
    let holding = |marker: Marker| {
        with(&|item| item["content"].as_str().is_some_and(|text| text.contains(marker.text())))
    };
    let mut profiles_of_post: HashMap<&str, BTreeSet<ProfileKey>> = HashMap::new();
    let mut under_target: HashMap<(&str, &str), usize> = HashMap::new();
    for item in posts(harvest) {
        let (id, target) = (item["id"].as_str().unwrap(), target_of(item));
        profiles_of_post.entry(id).or_default().extend(ProfileKey::of(target));
        *under_target.entry((id, target)).or_default() += 1;
    }
    let spelled = |text: &str| {
        let in_rows = rows.iter().any(|row| cell(row, leads::PROFILE_URL).contains(text));
        usize::from(in_rows && targets.iter().any(|url| url.contains(text)))
    };
    let contents = || rows.iter().map(|row| cell(row, leads::POSTS_CONTENT));
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    let contents_with = |test: &dyn Fn(&str) -> bool| contents().filter(|text| test(text)).count();
    let empty_targets = targets.iter().filter(|target| {
        harvest.items.iter().all(|item| item["query"]["targetUrl"].as_str() != Some(target))
    });
    let mut spellings: HashMap<ProfileKey, usize> = HashMap::new();
    for profile in targets.iter().filter_map(|url| ProfileKey::of(url)) {
        *spellings.entry(profile).or_default() += 1;
    }
    let scored = |row: &&Row| row.fields.contains_key(leads::DATE_POSTS_SCORED);
    BTreeMap::from([
        ("originals", with(&|item| item["type"] == "post" && item["header"]["text"].is_null())),
        ("reposts", with(&|item| item["repostedBy"].is_object())),
        (
            "reposts of a company",
            with(&|item| item["repostedBy"].is_object() && item["author"]["type"] == "company"),
        ),
        ("quotes", with(&|item| item["repost"].is_object())),
        (
            "pictures",
            with(&|item| {
                item["type"] == "post" && item["content"].as_str().is_none_or(str::is_empty)
            }),
        ),
        ("comments", with(&|item| item["type"] == "comment")),
        ("reactions", with(&|item| item["type"] == "reaction")),
        ("errors", with(&|item| item["type"] == "error")),
        (
            "without permalink",
            with(&|item| item["type"] == "post" && item.get("linkedinUrl").is_none()),
        ),
        ("one post, two profiles", profiles_of_post.values().filter(|of| of.len() > 1).count()),
        ("one post twice under a target", under_target.values().filter(|n| **n > 1).count()),
        ("targets without posts", empty_targets.count()),
        ("one profile, two targets", spellings.values().filter(|n| **n > 1).count()),
        ("company targets", targets.iter().filter(|url| url.contains("/company/")).count()),
        ("safety blocks", holding(Marker::SafetyBlock)),
        ("truncations", holding(Marker::Truncate)),
        ("missed posts", holding(Marker::MissPost)),
        ("capitals in the host", spelled("http://LinkedIn.com/")),
        ("country subdomains", spelled("de.linkedin.com")),
        ("activity pages", spelled("/recent-activity/all/")),
        ("queries", spelled("?x=1")),
        ("percent-encoding", spelled("%")),
        ("stored JSON", contents_with(&|text| is_json(text))),
        (
            "JSON cut off",
            contents_with(&|text| text.starts_with('[') && !is_json(text) && !text.ends_with(']')),
        ),
        ("raw newlines", contents_with(&|text| text.starts_with('[') && text.contains('\n'))),
        (
            "plain text",
            contents_with(&|text| text.starts_with("Date: ") && text.contains("\n---\n")),
        ),
        ("prose", contents_with(&|text| text.starts_with("Spoke to"))),
        ("scored before", rows.iter().filter(scored).count()),
        (
            "posts harvested again",
            with(&|item| {
                let id = item["id"].as_str().unwrap_or("none");
                item["type"] == "post" && contents().any(|text| text.contains(id))
            }),
        ),
        (
            "texts that are not ASCII",
            with(&|item| item["content"].as_str().is_some_and(|text| !text.is_ascii())),
        ),
    ])
}

#[test]
fn a_small_client_has_the_most_important_oddities() {
    let world = World::invent(Size { leads: 5, clients: 1, seed: 1 });
    let cases: Vec<Case> = world.clients[0].leads().map(|lead| lead.case).collect();
    assert_eq!(cases, [Case::Originals, Case::Stored, Case::Blocked, Case::NoPosts, Case::Missed]);
    assert_eq!(world.expected().posts_unmatched, 4, "a profile and a company that are no leads");
}
