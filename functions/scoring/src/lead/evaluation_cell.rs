//! The cells about scored posts: `Posts AI Evaluation` and `Top Scoring Post`.

use crate::posts::post::StoredPost;
use crate::posts::stored::{CELL_MAX, cell_len};
use crate::prompt::posts::ScoredPost;
use serde_json::{Value, json};
use shared::core::ids::{PlanId, PostKey, RunId};
use shared::core::json;
use shared::core::linkedin::{PostUrl, ProfileKey};
use shared::messages::ErrorCategory;

/// The cell `Posts AI Evaluation` for scored posts. Each post has the run that scored it and the
/// number of posts asked about. So the row alone shows what a run did to it.
pub(crate) fn evaluation_cell(run: &RunId, posts: &[StoredPost], scored: &[ScoredPost]) -> String {
    let write = |rationale_max: usize, most: usize| {
        let items: Vec<Value> = scored
            .iter()
            .take(most)
            .map(|scored| {
                let rationale: String = scored.rationale.chars().take(rationale_max).collect();
                json!({
                    "post_url": posts[scored.index].url(),
                    "post_score": scored.score,
                    "scoring_rationale": rationale,
                    "run_id": run,
                    "posts_asked": posts.len(),
                })
            })
            .collect();
        json::text(&items)
    };
    let all = scored.len();
    let shorter = (0..=18).map(|halvings| write(CELL_MAX >> halvings, all));
    // Posts that do not fit even without a rationale are left out from the end.
    let fewer = (0..all).rev().map(|most| write(0, most));
    let full = [write(usize::MAX, all)].into_iter();
    let fits = full.chain(shorter).chain(fewer).find(|cell| cell_len(cell) <= CELL_MAX);
    fits.expect("an empty list fits")
}

/// Most plans listed in a row. A run has only a few.
const MOST_PLANS: usize = 10;

/// What was asked about a lead that could not be scored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The plans of the run that could not score it, this one last.
    pub(crate) plans: &'a [PlanId],
    pub(crate) posts: usize,
    /// Whether the model accepted a call about them. It may have refused every call.
    pub(crate) examined: bool,
}

/// The cell `Posts AI Evaluation` for a lead that could not be scored.
pub(crate) fn error_cell(
    run: &RunId,
    category: ErrorCategory,
    detail: &str,
    asked: Asked<'_>,
) -> String {
    let Asked { plans, posts, examined } = asked;
    let mut cell = json!({
        "error": category,
        "detail": detail,
        "run_id": run,
        "plans": plans,
        "posts_asked": posts,
    });
    if !examined {
        cell["examined"] = json!(false);
    }
    cell.to_string()
}

/// What a run did to a row, according to its `Posts AI Evaluation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// The run scored these posts, out of all posts that it asked about.
    Scored(Vec<PostKey>, AskedCount),
    /// The run could not score the lead.
    Failed(FailedBefore, AskedCount),
    Nothing,
}

/// How a run failed to score a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailedBefore {
    pub(crate) category: ErrorCategory,
    pub(crate) detail: String,
    /// The plans that failed; empty in rows from earlier releases.
    pub(crate) plans: Vec<PlanId>,
    pub(crate) examined: bool,
}

/// How many posts a run asked about; `None` in rows from earlier releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AskedCount(Option<u64>);

impl AskedCount {
    fn of(value: &Value) -> Self {
        Self(value["posts_asked"].as_u64())
    }

    /// Whether the run asked about all of a row's posts. Posts are only ever added to a row, so the
    /// same number means the same posts.
    pub(crate) fn is_all_of(self, posts: usize) -> bool {
        self.0.is_none_or(|asked| asked == posts as u64)
    }
}

/// Reads from a row's evaluation what `run` did to it.
pub(crate) fn read_evaluation(cell: &str, run: &RunId) -> Earlier {
    let is_of_run = |value: &Value| value["run_id"] == json!(run);
    match serde_json::from_str::<Value>(cell) {
        Ok(Value::Array(items)) if items.iter().any(is_of_run) => Earlier::Scored(
            items
                .iter()
                .filter(|item| is_of_run(item))
                .filter_map(|item| Some(PostUrl(item["post_url"].as_str()?.to_owned()).key()))
                .collect(),
            items.iter().find(|item| is_of_run(item)).map_or(AskedCount(None), AskedCount::of),
        ),
        Ok(error @ Value::Object(_)) if is_of_run(&error) => {
            let category = serde_json::from_value(error["error"].clone());
            let detail = error["detail"].as_str().unwrap_or_default().to_owned();
            let asked = AskedCount::of(&error);
            let examined = error["examined"] != json!(false);
            let plans = serde_json::from_value(error["plans"].clone()).unwrap_or_default();
            category.map_or(Earlier::Nothing, |category| {
                Earlier::Failed(FailedBefore { category, detail, plans, examined }, asked)
            })
        }
        Ok(_) | Err(_) => Earlier::Nothing,
    }
}

/// The plans of `run` that could not score the lead, according to its evaluation, followed by
/// `plan`.
pub(crate) fn failed_plans(cell: &str, run: &RunId, plan: &PlanId) -> Vec<PlanId> {
    let mut plans = match read_evaluation(cell, run) {
        Earlier::Failed(before, _) => before.plans,
        Earlier::Scored(..) | Earlier::Nothing => Vec::new(),
    };
    plans.retain(|known| known != plan);
    plans.push(plan.clone());
    plans.drain(..plans.len().saturating_sub(MOST_PLANS));
    plans
}

pub(crate) fn top_post_cell(
    post: &StoredPost,
    best: &ScoredPost,
    lead: Option<&ProfileKey>,
) -> String {
    let mut lines = vec![
        format!("Date: {}", post.posted_at()),
        format!("URL: {}", post.url().as_str()),
        format!("Score: {}", best.score),
    ];
    if post.is_repost_for(lead) {
        lines.push(format!("REPOST - ORIGINAL AUTHOR: {}", post.author_url()));
    }
    lines.push(format!("Content: {}", post.content()));
    if !post.quoted().is_empty() {
        lines.push(format!("Quoted: {}", post.quoted().replace('\n', " · ")));
    }
    lines.push(format!("Rationale: {}", best.rationale));
    let text = lines.join("\n");
    if cell_len(&text) <= CELL_MAX { text } else { text.chars().take(CELL_MAX / 2).collect() }
}

/// The best scored post; the first one if several are equal.
pub(crate) fn best_post(scored: &[ScoredPost]) -> Option<&ScoredPost> {
    scored.iter().max_by_key(|scored| (scored.score, std::cmp::Reverse(scored.index)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posts::stored::read_posts;
    use crate::testing::{plan_id, run_id};

    const URL: &str = "https://www.linkedin.com/posts/janedoe_y-activity-7329207003942125999-abcd";

    fn posts() -> Vec<StoredPost> {
        read_posts(&json!([
            {"postUrl": "u", "postContent": "one", "postedAt": "2026-11-01", "authorUrl": "https://www.linkedin.com/in/janedoe"},
            {"postUrl": URL, "postContent": "two", "postedAt": "2026-11-02", "authorUrl": "https://www.linkedin.com/in/max"},
        ]).to_string()).unwrap().posts
    }

    #[test]
    fn a_row_shows_what_a_run_did_to_it() {
        let run = run_id();
        let other: RunId = "261124-100000-Guy-Wilson".parse().unwrap();
        let posts = posts();
        let one = ScoredPost { index: 1, score: 7, rationale: "meh".to_owned() };
        let scored = evaluation_cell(&run, &posts, &[one]);
        assert_eq!(
            read_evaluation(&scored, &run),
            Earlier::Scored(vec![posts[1].url().key()], AskedCount(Some(posts.len() as u64)))
        );
        assert_eq!(read_evaluation(&scored, &other), Earlier::Nothing);
        let category = ErrorCategory::ModelRefused;
        let plans = [plan_id("the first"), plan_id("the second")];
        let cell = |examined| {
            error_cell(&run, category, "no", Asked { plans: &plans, posts: 2, examined })
        };
        let failed = cell(true);
        for examined in [true, false] {
            let plans = plans.to_vec();
            let before = FailedBefore { category, detail: "no".to_owned(), plans, examined };
            let earlier = Earlier::Failed(before, AskedCount(Some(2)));
            assert_eq!(read_evaluation(&cell(examined), &run), earlier);
        }
        let [first, second] = &plans;
        let again = [second.clone(), first.clone()];
        assert_eq!(failed_plans(&failed, &run, first), again, "no plan is named twice");
        assert_eq!(failed_plans(&failed, &other, first), plans[..1]);
        assert_eq!(read_evaluation(&failed, &other), Earlier::Nothing);
        assert_eq!(read_evaluation("[{\"postScore\":1}]", &run), Earlier::Nothing);
    }

    #[test]
    fn the_top_post_names_the_author_of_a_repost() {
        let lead = ProfileKey::of("https://www.linkedin.com/in/janedoe");
        let posts = posts();
        let best = ScoredPost { index: 1, score: 80, rationale: "Fits.".to_owned() };
        assert_eq!(
            top_post_cell(&posts[1], &best, lead.as_ref()),
            format!(
                "Date: 2026-11-02\nURL: {URL}\nScore: 80\nREPOST - ORIGINAL AUTHOR: https://www.linkedin.com/in/max\nContent: two\nRationale: Fits."
            )
        );
        assert!(!top_post_cell(&posts[0], &best, lead.as_ref()).contains("REPOST"));
    }

    #[test]
    fn the_first_of_equally_good_posts_is_the_best() {
        let with = |index, score| ScoredPost { index, score, rationale: String::new() };
        assert_eq!(best_post(&[with(0, 5), with(1, 9), with(2, 9)]).map(|b| b.index), Some(1));
        assert_eq!(best_post(&[]), None);
    }

    #[test]
    fn a_full_evaluation_fits_its_cell() {
        let posts = posts();
        let run = run_id();
        let many: Vec<ScoredPost> = (0..200)
            .map(|_| ScoredPost { index: 0, score: 1, rationale: "r".repeat(1_000) })
            .collect();
        let cell = evaluation_cell(&run, &posts, &many);
        assert!(cell_len(&cell) <= CELL_MAX && cell.contains("rrr"));
        let odd = ScoredPost { index: 0, score: 1, rationale: "\u{1}".repeat(3_000) };
        let cell = evaluation_cell(&run, &posts, &vec![odd; 800]);
        assert!(cell_len(&cell) <= CELL_MAX && cell_len(&cell) > CELL_MAX / 2);
    }
}
