//! What is to be done about a lead. Pure: it takes the lead's row and decides.

use crate::lead::row::{Cells, LeadRow};
use crate::posts::stored::{self, Merged, StoredPost};
use crate::prompt::posts::{Earlier, earlier};
use crate::prompt::profile;
use crate::prompt::template::About;
use shared::core::ids::{LeadKey, PlanId, PostKey, RunId};
use shared::core::linkedin::ProfileKey;
use shared::messages::{ChunkLead, ErrorCategory, Outcome, SkipReason, Source};
use shared::schema::leads as schema;

/// What is to be done about a lead that has a row.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    /// It is settled without asking the model.
    Settle { outcome: Outcome, examined: Vec<PostKey>, scored: Vec<PostKey> },
    /// The model is asked about this.
    Ask { about: About },
}

/// Decides about a lead's posts, whose chunk may have been tried before, and collects the cells
/// that are to be written whatever the model says.
pub(crate) fn decide(
    lead: &ChunkLead,
    row: &LeadRow,
    run: &RunId,
    source: &Source,
    tried_before: bool,
    cells: &mut Cells,
) -> Decision {
    if matches!(source, Source::Harvest { .. }) {
        cells.harvested(lead.posts.len());
    }
    let Ok(stored) = stored::read(&row.posts_content) else {
        cells.posts_readable(false);
        let detail = stored::Unreadable.to_string();
        cells.failed(ErrorCategory::PostsUnreadable, &detail, 0, 0);
        let outcome = Outcome::Failed { category: ErrorCategory::PostsUnreadable, detail };
        return Decision::Settle { outcome, examined: Vec::new(), scored: Vec::new() };
    };
    let had_none = stored.is_empty();
    let Merged { posts, added, without_room } = stored::merge(stored, &lead.posts);
    if without_room > 0 {
        tracing::warn!(posts.without_room = without_room, "Posts Content is full");
    }
    if !lead.posts.is_empty() {
        let content = stored::write(&posts);
        if content != row.posts_content {
            cells.posts_added(content);
        }
    }
    cells.posts_readable(true);
    let worded: Vec<StoredPost> =
        posts.into_iter().filter(|post| !post.content().is_empty()).collect();
    let keys = || worded.iter().map(|post| post.url().key()).collect::<Vec<_>>();
    // Another plan of this run may have stored posts since the run asked about the others.
    let mut has_unasked = false;
    if added == 0 {
        match earlier(&row.evaluation, run) {
            Earlier::Scored(_, asked) | Earlier::Failed(_, _, asked)
                if !asked.is_all_of(worded.len()) =>
            {
                has_unasked = true;
            }
            // An earlier try scored it and died before it could say so.
            Earlier::Scored(scored, _) => {
                // A waiting lead's row was written as a whole then.
                if *source == Source::Waiting {
                    cells.clear();
                }
                return Decision::Settle { outcome: Outcome::Scored, examined: keys(), scored };
            }
            // It would fail the same way again. An answer of no use may be better in another run,
            // but is not paid for again and again because another lead's answer is missing.
            Earlier::Failed(category, detail, _)
                if category == ErrorCategory::SafetyBlock
                    || (tried_before && category == ErrorCategory::AiResponseFormat) =>
            {
                let outcome = Outcome::Failed { category, detail };
                return Decision::Settle { outcome, examined: keys(), scored: Vec::new() };
            }
            Earlier::Failed(..) | Earlier::Nothing => {}
        }
    }
    let skip = if worded.is_empty() {
        let cell_has_text = !row.posts_content.trim().is_empty();
        let unparsed = had_none && lead.posts.is_empty() && cell_has_text;
        Some(if unparsed { SkipReason::NoPostsParsed } else { SkipReason::NoContent })
    } else if added == 0 && !has_unasked && row.scored_at.is_some() {
        Some(SkipReason::NoNewPosts)
    } else {
        None
    };
    match skip {
        None => Decision::Ask { about: About::Posts(worded) },
        Some(reason) => {
            // Posts without words would wait for ever: the row is dated until new ones come.
            let waits = reason != SkipReason::NoNewPosts && row.scored_at.is_none();
            cells.skipped(reason, waits && !(had_none && lead.posts.is_empty()));
            let outcome = Outcome::Skipped { reason };
            Decision::Settle { outcome, examined: Vec::new(), scored: Vec::new() }
        }
    }
}

/// Decides about a lead's profile in a chunk of `plan`. One that waits is asked about; in a replay
/// every one that nobody has scored.
pub(crate) fn decide_profile(
    lead: &ChunkLead,
    row: &LeadRow,
    run: &RunId,
    (plan, is_replay): (&PlanId, bool),
    cells: &mut Cells,
) -> Decision {
    let skipped = |reason| {
        let outcome = Outcome::Skipped { reason };
        Decision::Settle { outcome, examined: Vec::new(), scored: Vec::new() }
    };
    let failed = |category| {
        let detail = "an earlier try of this run could not score it".to_owned();
        let outcome = Outcome::Failed { category, detail };
        Decision::Settle { outcome, examined: profile_key(&lead.key), scored: Vec::new() }
    };
    // A replay asks again about what another plan could not score, and pays once for it.
    let failed_in = profile::failed_in(&row.breakdown, run);
    let has_failed = failed_in.is_some_and(|other| !is_replay || other == plan.as_str());
    match row.scoring_status.as_str() {
        // An earlier try scored it and died before it could say so.
        schema::SCORED if profile::is_of_run(&row.breakdown, run) => Decision::Settle {
            outcome: Outcome::Scored,
            examined: profile_key(&lead.key),
            scored: profile_key(&lead.key),
        },
        schema::SCORED => skipped(SkipReason::AlreadyScoredInRun),
        schema::API_ERROR if has_failed => failed(ErrorCategory::SafetyBlock),
        schema::PARSE_ERROR if has_failed => failed(ErrorCategory::AiResponseFormat),
        status if status == schema::TO_BE_SCORED || is_replay => {
            match profile::material([&row.raw_profile, &row.profile_json]) {
                Some(profile) => Decision::Ask { about: About::Profile(profile) },
                None => {
                    cells.profile_too_thin();
                    skipped(SkipReason::ProfileTooThin)
                }
            }
        }
        schema::PROFILE_TOO_THIN => skipped(SkipReason::ProfileTooThin),
        _ => skipped(SkipReason::AlreadyScoredInRun),
    }
}

/// What stands for a lead's profile where its posts would be named.
pub(crate) fn profile_key(lead: &LeadKey) -> Vec<PostKey> {
    vec![lead.as_str().parse().expect("keys of leads and of posts have the same form")]
}

/// The profile of a row, which may be none.
pub(crate) fn profile(row: &LeadRow) -> Option<ProfileKey> {
    ProfileKey::of(&row.profile_url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::posts::error_cell;
    use serde_json::{Map, Value, json};
    use shared::core::linkedin::PostUrl;
    use shared::messages::{LeadRef, Post, PostKind};

    const OLD: &str = r#"[{"postUrl":"https://l/old","postContent":"old words"}]"#;

    fn post(url: &str, content: &str) -> Post {
        Post {
            url: PostUrl(url.to_owned()),
            content: content.to_owned(),
            posted_at: String::new(),
            author_url: String::new(),
            author: String::new(),
            kind: PostKind::Original,
            likes: 0,
            comments: 0,
            reposts: 0,
            image_url: String::new(),
        }
    }

    fn run() -> RunId {
        "261123-100000-Guy-Wilson".parse().unwrap()
    }

    /// Decides about a lead whose harvest brought `posts`; says the outcome and the cells.
    fn decided(posts: Vec<Post>, row: &LeadRow) -> (String, Map<String, Value>) {
        decided_in_try(1, posts, row)
    }

    fn decided_in_try(n: u32, posts: Vec<Post>, row: &LeadRow) -> (String, Map<String, Value>) {
        let tried_before = n > 1;
        let profile = ProfileKey::of("linkedin.com/in/janedoe").unwrap();
        let lead = ChunkLead { key: profile.lead_key(), lead: LeadRef::Profile(profile), posts };
        let at = "2026-11-23T10:00:00Z".parse().unwrap();
        let source =
            Source::Harvest { apify_run: "HG7ML7M8z78YcAPEB".parse().unwrap(), finished_at: at };
        let run = run();
        let mut cells = Cells::new(run.clone(), at);
        let decision = decide(&lead, row, &run, &source, tried_before, &mut cells);
        let words = match decision {
            Decision::Ask { about } => format!("ask about {}", about.answers()),
            Decision::Settle { outcome, examined, scored } => match outcome {
                Outcome::Skipped { reason } => reason.as_str().to_owned(),
                Outcome::Failed { category, .. } => {
                    format!("{} {}", category.as_str(), examined.len())
                }
                Outcome::Scored => format!("scored {} of {}", scored.len(), examined.len()),
                Outcome::NotALead => "no lead".to_owned(),
            },
        };
        let writable: Vec<String> =
            schema::POST_FIELDS.iter().map(|field| field.name.to_owned()).collect();
        (words, cells.into_cells(&writable))
    }

    fn row(posts_content: &str, evaluation: &str, scored: bool) -> LeadRow {
        LeadRow {
            profile_url: "https://www.linkedin.com/in/janedoe".to_owned(),
            posts_content: posts_content.to_owned(),
            evaluation: evaluation.to_owned(),
            scored_at: scored.then(|| "2026-11-01T00:00:00.000Z".to_owned()),
            ..LeadRow::default()
        }
    }

    #[test]
    fn new_posts_are_merged_and_all_posts_are_asked_about() {
        let (words, cells) = decided(vec![post("https://l/new", "new words")], &row(OLD, "", true));
        assert_eq!(words, "ask about 2");
        assert!(cells[schema::POSTS_CONTENT].as_str().unwrap().contains("https://l/old"));
        assert_eq!(cells[schema::POSTS_HARVEST_STATUS], json!("Done"));
    }

    #[test]
    fn a_lead_that_is_scored_and_has_nothing_new_is_skipped() {
        let (words, cells) = decided(vec![post("https://l/old", "old words")], &row(OLD, "", true));
        assert_eq!(words, "NO_NEW_POSTS");
        assert!(!cells.contains_key(schema::DATE_POSTS_SCORED));
        assert_eq!(decided(vec![], &row(OLD, "", false)).0, "ask about 1");
    }

    #[test]
    fn a_lead_without_posts_is_skipped_and_does_not_wait() {
        let (words, cells) = decided(vec![], &row("", "", false));
        assert_eq!(words, "NO_CONTENT");
        assert_eq!(cells[schema::POSTS_HARVEST_STATUS], json!("No Posts"));
        assert!(!cells.contains_key(schema::DATE_POSTS_SCORED));
        let (words, cells) = decided(vec![post("https://l/picture", "")], &row("", "", false));
        assert_eq!(words, "NO_CONTENT");
        assert!(cells.contains_key(schema::DATE_POSTS_SCORED), "or it would wait for ever");
        assert_eq!(decided(vec![], &row("[]", "", false)).0, "NO_POSTS_PARSED");
    }

    #[test]
    fn what_cannot_be_read_is_never_overwritten() {
        let (words, cells) =
            decided(vec![post("https://l/new", "new")], &row("Dear diary", "", false));
        assert_eq!(words, "POSTS_UNREADABLE 0");
        assert!(!cells.contains_key(schema::POSTS_CONTENT));
        assert_eq!(cells[schema::POSTS_JSON_STATUS], json!("Failed"));
    }

    #[test]
    fn what_a_try_of_this_run_wrote_before_it_died_is_reported_not_repeated() {
        let scored =
            format!(r#"[{{"post_url":"https://l/old","post_score":7,"run_id":"{}"}}]"#, run());
        assert_eq!(
            decided(vec![post("https://l/old", "old words")], &row(OLD, &scored, true)).0,
            "scored 1 of 1"
        );
        let blocked = error_cell(&run(), ErrorCategory::SafetyBlock, "blocked", 1);
        assert_eq!(decided(vec![], &row(OLD, &blocked, true)).0, "SAFETY_BLOCK 1");
        let failed = error_cell(&run(), ErrorCategory::Timeout, "slow", 1);
        assert_eq!(decided(vec![], &row(OLD, &failed, false)).0, "ask about 1");
        let cut = error_cell(&run(), ErrorCategory::AiResponseFormat, "cut off", 1);
        assert_eq!(decided_in_try(1, vec![], &row(OLD, &cut, false)).0, "ask about 1");
        assert_eq!(decided_in_try(2, vec![], &row(OLD, &cut, false)).0, "AI_RESPONSE_FORMAT 1");
        let (words, _) = decided(vec![post("https://l/new", "new")], &row(OLD, &scored, true));
        assert_eq!(words, "ask about 2", "a second harvest brought something new");
        let two = r#"[{"postUrl":"https://l/old","postContent":"a"},{"postUrl":"https://l/new","postContent":"b"}]"#;
        let of_one = scored.replace("}]", r#","posts_asked":1}]"#);
        assert_eq!(decided(vec![], &row(two, &of_one, true)).0, "ask about 2", "stored since then");
        let of_both = scored.replace("}]", r#","posts_asked":2}]"#);
        assert_eq!(decided(vec![], &row(two, &of_both, true)).0, "scored 1 of 2");
    }

    fn plan(name: &str) -> PlanId {
        shared::core::digest::id_of(&[name]).try_into().unwrap()
    }

    /// Decides about a profile in a chunk of the plan `own`.
    fn profile_decided(status: &str, about: &str, breakdown: &str, is_replay: bool) -> String {
        let profile = ProfileKey::of("linkedin.com/in/janedoe").unwrap();
        let key = profile.lead_key();
        let lead = ChunkLead { key, lead: LeadRef::Profile(profile), posts: Vec::new() };
        let row = LeadRow {
            scoring_status: status.to_owned(),
            raw_profile: json!({"about": about}).to_string(),
            breakdown: breakdown.to_owned(),
            ..LeadRow::default()
        };
        let run = run();
        let mut cells = Cells::new(run.clone(), "2026-11-23T10:00:00Z".parse().unwrap());
        match decide_profile(&lead, &row, &run, (&plan("own"), is_replay), &mut cells) {
            Decision::Ask { .. } => "ask".to_owned(),
            Decision::Settle { outcome, examined, .. } => match outcome {
                Outcome::Skipped { reason } => reason.as_str().to_owned(),
                Outcome::Failed { category, .. } => {
                    format!("{} {}", category.as_str(), examined.len())
                }
                Outcome::Scored => format!("scored {}", examined.len()),
                Outcome::NotALead => "no lead".to_owned(),
            },
        }
    }

    const ABOUT: &str = "Runs operations at a company of eighty people.";

    fn failed_in(run: &str, by: &str) -> String {
        profile::failed_cell("A", &run.parse().unwrap(), &plan(by))
    }

    #[test]
    fn a_profile_is_asked_about_once() {
        let decided = |status, breakdown: &str| profile_decided(status, ABOUT, breakdown, false);
        let mine = profile::breakdown_cell("A", &run());
        assert_eq!(decided(schema::TO_BE_SCORED, ""), "ask");
        assert_eq!(profile_decided(schema::TO_BE_SCORED, "Hello!", "", false), "PROFILE_TOO_THIN");
        assert_eq!(decided(schema::PROFILE_TOO_THIN, ""), "PROFILE_TOO_THIN");
        assert_eq!(decided(schema::SCORED, &mine), "scored 1");
        assert_eq!(decided(schema::SCORED, ""), "ALREADY_SCORED_IN_RUN");
        for by in ["own", "another"] {
            let failed = failed_in(run().as_str(), by);
            assert_eq!(decided(schema::PARSE_ERROR, &failed), "AI_RESPONSE_FORMAT 1");
            assert_eq!(decided(schema::API_ERROR, &failed), "SAFETY_BLOCK 1");
            assert_eq!(decided(schema::TO_BE_SCORED, &failed), "ask", "somebody set it back");
        }
        let elsewhere = failed_in("261122-100000-Guy-Wilson", "own");
        for status in [schema::PARSE_ERROR, schema::API_ERROR, "On Hold"] {
            assert_eq!(decided(status, &elsewhere), "ALREADY_SCORED_IN_RUN");
        }
    }

    #[test]
    fn a_replay_asks_once_about_every_profile_that_nobody_has_scored() {
        let decided = |status, breakdown: &str| profile_decided(status, ABOUT, breakdown, true);
        let failed = failed_in(run().as_str(), "the plan it takes over");
        let all = [schema::TO_BE_SCORED, schema::PARSE_ERROR, schema::API_ERROR, "On Hold", ""];
        for status in all {
            assert_eq!(decided(status, &failed), "ask", "{status}");
        }
        assert_eq!(decided(schema::PROFILE_TOO_THIN, ""), "ask", "somebody has filled it in");
        assert_eq!(profile_decided(schema::API_ERROR, "Hello!", "", true), "PROFILE_TOO_THIN");
        let again = failed_in(run().as_str(), "own");
        assert_eq!(decided(schema::PARSE_ERROR, &again), "AI_RESPONSE_FORMAT 1");
        assert_eq!(decided(schema::API_ERROR, &again), "SAFETY_BLOCK 1");
        let mine = profile::breakdown_cell("A", &run());
        assert_eq!(decided(schema::SCORED, &mine), "scored 1");
        assert_eq!(decided(schema::SCORED, ""), "ALREADY_SCORED_IN_RUN");
    }
}
