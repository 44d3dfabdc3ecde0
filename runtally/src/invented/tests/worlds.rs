//! Rules of invented worlds as a whole.

use super::support::{cell, expected, furnished, posts, target_of, targets};
use crate::invented::{Expected, Harvest, InventedClient, Size, World};
use serde_json::Value;
use shared::core::linkedin::ProfileKey;
use shared::messages::{ErrorCategory, SkipReason};
use shared::schema::leads;
use simulators::airtable::Row;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn the_same_seed_gives_the_same_world_and_another_gives_another() {
    let size = Size::default();
    let (one, two) = (World::invent(size), World::invent(size));
    let other = World::invent(Size { seed: 2, ..size });
    assert_eq!(one, two);
    for (place, client) in one.clients.iter().enumerate() {
        assert_eq!(client.harvest(), two.clients[place].harvest());
        assert_ne!(client.harvest().items, other.clients[place].harvest().items);
    }
    let rows = |world: &World| {
        let base = world.clients[0].base.as_str();
        furnished(world).rows(base, leads::TABLE).unwrap()
    };
    assert_eq!(rows(&one), rows(&two));
}

#[test]
fn the_demo_world_adds_up_to_these_numbers() {
    let world = World::invent(Size::default());
    assert_eq!(
        expected(&world),
        Expected {
            targets: 66,
            targets_unknown: 2,
            posts_harvested: 156,
            posts_matched: 148,
            posts_unmatched: 8,
            leads_planned: 58,
            profiles_without_lead: 2,
            leads_asked: 48,
            leads_scored: 44,
            leads_skipped: BTreeMap::from([
                (SkipReason::NoContent, 4),
                (SkipReason::NoNewPosts, 4)
            ]),
            leads_failed: BTreeMap::from([
                (ErrorCategory::SafetyBlock, 2),
                (ErrorCategory::AiResponseFormat, 2),
                (ErrorCategory::PostsUnreadable, 2),
            ]),
            posts_examined: 150,
            posts_scored: 136,
        }
    );
}

/// The number of posts under the targets that count, each counted once per person.
fn distinct_posts(harvest: &Harvest, counts: impl Fn(Option<&ProfileKey>) -> bool) -> u64 {
    let under = |item: &Value| (ProfileKey::of(target_of(item)), item["id"].to_string());
    let posts: BTreeSet<_> = posts(harvest).map(under).collect();
    posts.iter().filter(|(profile, _)| counts(profile.as_ref())).count() as u64
}

#[test]
fn what_is_expected_adds_up_in_a_world_of_any_size() {
    for (leads, clients) in [(0, 0), (0, 2), (1, 1), (2, 3), (7, 2), (60, 2), (450, 7)] {
        let world = World::invent(Size { leads, clients, seed: 9 });
        let all = expected(&world);
        let named = all.leads_planned + all.targets_unknown;
        assert_eq!(named, if clients == 0 { 0 } else { leads as u64 });
        assert_eq!(all.leads_planned, all.leads_scored + all.all_skipped() + all.all_failed());
        assert_eq!(all.posts_harvested, all.posts_matched + all.posts_unmatched);
        assert!(all.posts_scored <= all.posts_examined);
        let (mut asked, mut scored) = (0, 0);
        for harvest in world.clients.iter().map(InventedClient::harvest) {
            assert_eq!(targets(&harvest).len() as u64, harvest.expected.targets);
            let distinct = distinct_posts(&harvest, |_| true);
            assert_eq!(distinct, harvest.expected.posts_harvested);
            asked += harvest.expected.leads_asked;
            scored += harvest.expected.posts_scored;
        }
        assert_eq!((asked, scored), (all.leads_asked, all.posts_scored));
    }
}

#[test]
fn what_is_expected_agrees_with_urls_as_they_are_written() {
    let world = World::invent(Size { leads: 450, clients: 2, seed: 3 });
    let airtable = furnished(&world);
    for client in &world.clients {
        let rows = airtable.rows(client.base.as_str(), leads::TABLE).unwrap();
        let known: BTreeSet<ProfileKey> =
            rows.iter().map(|row| ProfileKey::of(cell(row, leads::PROFILE_URL)).unwrap()).collect();
        assert_eq!(known.len(), client.leads);
        let harvest = client.harvest();
        let expected = &harvest.expected;
        let asked: BTreeSet<ProfileKey> =
            targets(&harvest).into_iter().filter_map(ProfileKey::of).collect();
        let named = expected.leads_planned + expected.targets_unknown;
        assert_eq!(asked.intersection(&known).count() as u64, named);
        assert_eq!(asked.difference(&known).count() as u64, expected.profiles_without_lead);
        let is_matched = |profile: Option<&ProfileKey>| profile.is_some_and(|p| known.contains(p));
        assert_eq!(distinct_posts(&harvest, is_matched), expected.posts_matched);
    }
}

#[test]
fn as_many_profiles_wait_as_were_asked_for() {
    let world = World::invent(Size { leads: 301, clients: 3, seed: 4 }).with_waiting_profiles(200);
    let airtable = furnished(&world);
    let mut sum = [0; 4];
    for client in &world.clients {
        let rows = airtable.rows(client.base.as_str(), leads::TABLE).unwrap();
        let waiting: Vec<&Row> = rows
            .iter()
            .filter(|row| cell(row, leads::SCORING_STATUS) == leads::TO_BE_SCORED)
            .collect();
        let with = |text: &str| {
            waiting.iter().filter(|row| cell(row, leads::RAW_PROFILE).contains(text)).count() as u64
        };
        let expected = client.expected_profiles();
        assert_eq!(expected.waiting, waiting.len() as u64);
        assert_eq!(expected.thin, with("\"Hello!\""));
        assert_eq!(expected.failed, with("[[sim:"));
        let counts = [expected.waiting, expected.thin, expected.failed, expected.scored()];
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    assert_eq!(sum[0], 200);
    assert!(sum[1..].iter().all(|count| *count > 0), "{sum:?}");
}
