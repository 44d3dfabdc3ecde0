//! Decides what to do about a lead's posts. Pure: it only uses the lead's row and the chunk.

use super::decision::{Decision, Verdict};
use crate::lead::cells::Cells;
use crate::lead::evaluation_cell::{Asked, Earlier, FailedBefore, read_evaluation};
use crate::posts::post::StoredPost;
use crate::posts::stored::{Merged, Unreadable, merge_posts, read_posts};
use crate::prompt::subject::Subject;
use shared::core::ids::{PlanId, PostKey, RunId};
use shared::messages::{ChunkLead, ErrorCategory, Outcome, SkipReason, Source};
use shared::schema::leads as schema;
use shared::services::airtable::Row;

/// What the chunk says about each of its leads.
#[derive(Clone, Copy)]
pub(crate) struct PostsChunk<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) plan: &'a PlanId,
    pub(crate) source: &'a Source,
    /// Whether the chunk was attempted before.
    pub(crate) is_repeated: bool,
}

/// Decides what to do about a lead's posts, and collects the cells that are written whatever the
/// model answers. Also returns the harvested posts that do not fit in its cell.
pub(crate) fn decide_posts(
    chunk: PostsChunk<'_>,
    lead: &ChunkLead,
    row: &Row,
    cells: &mut Cells,
) -> (Decision, Vec<PostKey>) {
    if matches!(chunk.source, Source::Harvest { .. }) {
        cells.harvested(lead.posts.len() + lead.left_out);
    }
    let before = row.text(schema::POSTS_CONTENT);
    let Ok(stored) = read_posts(&before) else {
        cells.posts_readable(false);
        let (category, detail) = (ErrorCategory::PostsUnreadable, Unreadable.to_string());
        let asked = Asked { plans: std::slice::from_ref(chunk.plan), posts: 0, examined: false };
        cells.failed(category, &detail, asked, 0);
        return (Decision::Settle(Verdict::failed(category, detail, Vec::new())), Vec::new());
    };
    let is_empty = stored.is_empty() && lead.posts.is_empty();
    let merged = merge_posts(stored, &lead.posts);
    if !lead.posts.is_empty() {
        let content = merged.stored.to_text();
        if content != before {
            cells.posts_added(content);
        }
    }
    cells.posts_readable(true);
    let decision = decide_merged(chunk, row, (&merged, is_empty), cells);
    (decision, merged.without_room)
}

fn decide_merged(
    chunk: PostsChunk<'_>,
    row: &Row,
    (merged, is_empty): (&Merged, bool),
    cells: &mut Cells,
) -> Decision {
    let has_new = merged.added > 0;
    let worded = merged.stored.to_judge();
    let earlier = if has_new { Before::Unasked } else { read_before(chunk, row, &worded) };
    if let Before::Settled(verdict) = earlier {
        // The waiting lead's row was written completely at that time.
        if verdict.outcome == Outcome::Scored && *chunk.source == Source::Waiting {
            cells.clear();
        }
        return Decision::Settle(verdict);
    }
    let is_dated = !row.text(schema::DATE_POSTS_SCORED).is_empty();
    let was_filled = !row.text(schema::POSTS_CONTENT).is_empty();
    let reason = if worded.is_empty() && is_empty && was_filled {
        SkipReason::NoPostsParsed
    } else if worded.is_empty() {
        SkipReason::NoContent
    } else if earlier == Before::Nothing && is_dated {
        SkipReason::NoNewPosts
    } else {
        return Decision::Ask(Subject::Posts(worded));
    };
    // Posts without text would wait forever, so the row is dated until new posts come.
    cells.skipped(reason, reason != SkipReason::NoNewPosts && !is_dated && !is_empty);
    Decision::Settle(Verdict::skipped(reason))
}

#[derive(PartialEq)]
enum Before {
    /// Nothing relevant.
    Nothing,
    /// The run has not asked about some of the posts.
    Unasked,
    /// The lead keeps its earlier result.
    Settled(Verdict),
}

fn read_before(chunk: PostsChunk<'_>, row: &Row, worded: &[StoredPost]) -> Before {
    match read_evaluation(&row.text(schema::POSTS_EVALUATION), chunk.run) {
        // Another plan of this run may have stored posts after the run asked about the others.
        Earlier::Scored(_, asked) | Earlier::Failed(_, asked) if !asked.is_all_of(worded.len()) => {
            Before::Unasked
        }
        // An earlier attempt scored it, and died before it could report that.
        Earlier::Scored(scored, _) => {
            let (outcome, examined) = (Outcome::Scored, post_keys(worded));
            Before::Settled(Verdict { outcome, examined, scored })
        }
        // It would fail the same way again. After an unusable answer, another plan may get a better
        // one. But this plan does not pay for it again because another lead's answer is missing or
        // the chunk was delivered again.
        Earlier::Failed(before, _) if is_final(&before, chunk) => {
            let examined = if before.examined { post_keys(worded) } else { Vec::new() };
            Before::Settled(Verdict::failed(before.category, before.detail, examined))
        }
        Earlier::Failed(..) | Earlier::Nothing => Before::Nothing,
    }
}

/// Whether the model caused the failure, so that the attempt asked as often as it may.
fn is_of_the_model(category: ErrorCategory) -> bool {
    match category {
        ErrorCategory::SafetyBlock
        | ErrorCategory::ModelRefused
        | ErrorCategory::ModelNoAnswer
        | ErrorCategory::AiResponseFormat => true,
        ErrorCategory::Quota
        | ErrorCategory::NoCredit
        | ErrorCategory::Timeout
        | ErrorCategory::Auth
        | ErrorCategory::ModelConfig
        | ErrorCategory::PostsUnreadable
        | ErrorCategory::Airtable
        | ErrorCategory::Unknown => false,
    }
}

/// Whether a failure that was written to a lead's row applies to this chunk too.
fn is_final(before: &FailedBefore, chunk: PostsChunk<'_>) -> bool {
    let is_of_plan = match &before.plans[..] {
        [] => chunk.is_repeated,
        plans => plans.contains(chunk.plan),
    };
    before.category == ErrorCategory::SafetyBlock
        || (is_of_plan && is_of_the_model(before.category))
}

pub(crate) fn post_keys(posts: &[StoredPost]) -> Vec<PostKey> {
    posts.iter().map(|post| post.url().key()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::decision::describe;
    use crate::lead::evaluation_cell::error_cell;
    use crate::testing::{self, plan_id, post, run_id};
    use serde_json::{Map, Value, json};
    use shared::core::linkedin::ProfileKey;
    use shared::messages::{LeadRef, Post};

    const OLD: &str = r#"[{"postUrl":"https://l/old","postContent":"old words"}]"#;

    /// Decides about a lead whose harvest brought `posts`. Returns the decision in words, and the
    /// cells.
    fn decided(posts: Vec<Post>, row: &Row) -> (String, Map<String, Value>) {
        decided_in_attempt(1, posts, row)
    }

    fn decided_in_attempt(n: u32, posts: Vec<Post>, row: &Row) -> (String, Map<String, Value>) {
        let profile = ProfileKey::of("linkedin.com/in/janedoe").unwrap();
        let lead = ChunkLead {
            key: profile.lead_key(),
            lead: LeadRef::Profile(profile),
            posts,
            left_out: 0,
            also: Vec::new(),
        };
        let at = "2026-11-23T10:00:00Z".parse().unwrap();
        let source =
            Source::Harvest { apify_run: "HG7ML7M8z78YcAPEB".parse().unwrap(), finished_at: at };
        let run = run_id();
        let mut cells = Cells::new(run.clone(), at);
        let plan = plan_id("this");
        let chunk = PostsChunk { run: &run, plan: &plan, source: &source, is_repeated: n > 1 };
        let words = describe(&decide_posts(chunk, &lead, row, &mut cells).0);
        let writable: Vec<String> =
            schema::POST_FIELDS.iter().map(|field| field.name.to_owned()).collect();
        (words, cells.into_cells(&writable))
    }

    fn row(posts_content: &str, evaluation: &str, scored: bool) -> Row {
        let scored_at = if scored { "2026-11-01T00:00:00.000Z" } else { "" };
        testing::row(&json!({
            schema::POSTS_CONTENT: posts_content,
            schema::POSTS_EVALUATION: evaluation,
            schema::DATE_POSTS_SCORED: scored_at,
        }))
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
    fn words_found_later_in_a_post_that_had_none_are_asked_about() {
        let (_, cells) = decided(vec![post("https://l/old", "")], &row("", "", false));
        let stored = cells[schema::POSTS_CONTENT].as_str().unwrap();
        let (words, _) = decided(vec![post("https://l/old", "words")], &row(stored, "", true));
        assert_eq!(words, "ask about 1");
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
        let blank = r#"[{"postUrl":"https://l/old","postContent":"\u200b \u2800","quotedContent":"\ufeff"}]"#;
        assert_eq!(decided(vec![], &row(blank, "", false)).0, "NO_CONTENT", "nothing to be seen");
    }

    #[test]
    fn unreadable_posts_are_never_overwritten() {
        let (words, cells) =
            decided(vec![post("https://l/new", "new")], &row("Dear diary", "", false));
        assert_eq!(words, "POSTS_UNREADABLE 0");
        assert!(!cells.contains_key(schema::POSTS_CONTENT));
        assert_eq!(cells[schema::POSTS_JSON_STATUS], json!("Failed"));
    }

    #[test]
    fn what_an_attempt_of_this_run_wrote_before_it_died_is_reported_not_repeated() {
        let scored =
            format!(r#"[{{"post_url":"https://l/old","post_score":7,"run_id":"{}"}}]"#, run_id());
        assert_eq!(
            decided(vec![post("https://l/old", "old words")], &row(OLD, &scored, true)).0,
            "scored 1 of 1"
        );
        let (words, _) = decided(vec![post("https://l/new", "new")], &row(OLD, &scored, true));
        assert_eq!(words, "ask about 2", "a second harvest brought something new");
        let (words, cells) = decided(vec![post("https://l/picture", "")], &row(OLD, &scored, true));
        assert_eq!(words, "scored 1 of 1", "what it brought has no words to judge");
        assert!(cells[schema::POSTS_CONTENT].as_str().unwrap().contains("https://l/picture"));
        let (words, _) = decided(vec![post("https://l/picture", "")], &row(OLD, "", true));
        assert_eq!(words, "NO_NEW_POSTS", "an earlier run scored it");
        let two = r#"[{"postUrl":"https://l/old","postContent":"a"},{"postUrl":"https://l/new","postContent":"b"}]"#;
        let of_one = scored.replace("}]", r#","posts_asked":1}]"#);
        assert_eq!(decided(vec![], &row(two, &of_one, true)).0, "ask about 2", "stored since then");
        let of_both = scored.replace("}]", r#","posts_asked":2}]"#);
        assert_eq!(decided(vec![], &row(two, &of_both, true)).0, "scored 1 of 2");
    }

    /// The decision about a lead that this run could not score.
    fn decided_after(category: ErrorCategory, plan: &str, examined: bool) -> String {
        let (run, plans) = (run_id(), [plan_id(plan)]);
        let cell = error_cell(&run, category, "no", Asked { plans: &plans, posts: 1, examined });
        decided(vec![], &row(OLD, &cell, false)).0
    }

    #[test]
    fn what_the_model_could_not_score_is_not_paid_for_again_in_the_same_plan() {
        for category in [ErrorCategory::AiResponseFormat, ErrorCategory::ModelRefused] {
            let words = category.as_str();
            assert_eq!(decided_after(category, "this", true), format!("{words} 1"));
            assert_eq!(decided_after(category, "another", true), "ask about 1");
        }
        let refused = ErrorCategory::ModelRefused;
        assert_eq!(decided_after(refused, "this", false), "MODEL_REFUSED 0", "each was refused");
        assert_eq!(decided_after(ErrorCategory::SafetyBlock, "another", true), "SAFETY_BLOCK 1");
        assert_eq!(decided_after(ErrorCategory::Timeout, "this", true), "ask about 1");
    }

    #[test]
    fn a_row_of_an_earlier_release_does_not_name_its_plan() {
        let cell = json!({"error": "AI_RESPONSE_FORMAT", "detail": "", "run_id": run_id()});
        let row = row(OLD, &cell.to_string(), false);
        assert_eq!(decided_in_attempt(1, vec![], &row).0, "ask about 1");
        assert_eq!(decided_in_attempt(2, vec![], &row).0, "AI_RESPONSE_FORMAT 1");
    }
}
