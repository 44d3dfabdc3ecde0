//! The cell `Posts Content` in every form that earlier systems wrote.

use super::cases::Form;
use super::leads::Stored;
use super::posts::Post;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The cell's text; `None` for an empty cell.
pub(super) fn cell(stored: &Stored) -> Option<String> {
    if stored.posts.is_empty() {
        return None;
    }
    Some(match stored.form {
        Form::Json => Value::from_iter(stored.posts.iter().map(object)).to_string(),
        Form::CutOff => cut_off(&stored.posts),
        Form::RawNewline => format!("[{}]", by_hand(&stored.posts).replace(r"\n", "\n")),
        Form::PlainText => plain_text(&stored.posts),
        Form::Prose => prose(&stored.posts),
    })
}

/// The post as this system's predecessor stored it.
fn object(post: &Post) -> Value {
    json!({
        "postUrl": post.url(),
        "postContent": post.text,
        "postedAt": post.posted_at.to_string(),
        "authorUrl": post.author.url(),
        "author": post.author.name,
        "action": "apify_ingest",
        "likeCount": post.likes,
        "commentCount": post.likes / 9,
        "repostCount": post.likes / 40,
        "imgUrl": "",
        "pbMeta": {
            "authorUrl": post.author.url(),
            "authorName": post.author.name,
            "action": "apify_ingest",
            "originLabel": "ORIGINAL",
        },
    })
}

/// The posts as JSON objects whose URL comes first and whose text comes last.
fn by_hand(posts: &[Post]) -> String {
    let one = |post: &Post| {
        format!(
            r#"{{"postUrl":{},"postedAt":{},"authorUrl":{},"author":{},"postContent":{}}}"#,
            json!(post.url()),
            json!(post.posted_at.to_string()),
            json!(post.author.url()),
            json!(post.author.name),
            json!(post.text),
        )
    };
    posts.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Cuts within the text of the last post, and not within an escape.
fn cut_off(posts: &[Post]) -> String {
    let mut text = format!("[{}", by_hand(posts));
    let last_words = posts.last().map_or("", |post| post.text.lines().next().unwrap_or_default());
    let kept: String = last_words.chars().take(20).collect();
    if let Some(start) = text.rfind(&kept) {
        text.truncate(start + kept.len());
    }
    text
}

fn plain_text(posts: &[Post]) -> String {
    let mut text = String::new();
    for post in posts {
        if !text.is_empty() {
            text.push_str("\n---\n");
        }
        let date = post.posted_at.strftime("%Y-%m-%d");
        let (url, author) = (post.url(), post.author.url());
        let _ =
            write!(text, "Date: {date}\nURL: {url}\nAuthorURL: {author}\nContent: {}", post.text);
    }
    text
}

fn prose(posts: &[Post]) -> String {
    let topics: Vec<&str> = posts.iter().map(|post| post.topic).collect();
    format!(
        "Spoke to her at the fair in spring. Mostly writes about {}, see my notes. Do not overwrite!",
        topics.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::people::Person;
    use super::super::posts::{Age, Pen};
    use super::*;

    fn texts(form: Form) -> Vec<(String, Vec<Post>)> {
        let text = |number| {
            let mut pen = Pen::new(5, number, Person::invent(5, number).author());
            let posts = vec![pen.original(Age::Old), pen.original(Age::Old)];
            (cell(&Stored { form, posts: posts.clone() }).unwrap(), posts)
        };
        (0..100).map(text).collect()
    }

    fn is_json(text: &str) -> bool {
        serde_json::from_str::<Value>(text).is_ok()
    }

    #[test]
    fn damaged_json_is_damaged_and_nothing_is_lost_but_the_last_words() {
        for (text, posts) in texts(Form::CutOff) {
            assert!(!is_json(&text));
            let (whole, cut) = (format!("{text}\"}}]"), &posts[1].text);
            let mended: Value = serde_json::from_str(&whole).unwrap();
            assert_eq!(mended[1]["postUrl"], posts[1].url());
            let words = mended[1]["postContent"].as_str().unwrap();
            assert!(words.chars().count() >= 10 && cut.starts_with(words), "{words}");
        }
        for (text, posts) in texts(Form::RawNewline) {
            assert!(!is_json(&text) && text.contains('\n'));
            let mended: Value = serde_json::from_str(&text.replace('\n', r"\n")).unwrap();
            assert_eq!(mended[0]["postContent"], posts[0].text);
        }
    }

    #[test]
    fn plain_text_has_a_block_for_each_post() {
        for (text, posts) in texts(Form::PlainText) {
            assert!(!is_json(&text));
            assert_eq!(text.lines().filter(|line| *line == "---").count(), 1);
            assert!(posts.iter().all(|post| text.contains(&format!("\nURL: {}\n", post.url()))));
        }
    }

    #[test]
    fn prose_is_nothing_that_could_be_mended() {
        for (text, _) in texts(Form::Prose) {
            assert!(!is_json(&text) && !text.contains("http") && !text.contains("URL:"));
        }
    }
}
