//! The old plain-text format: blocks separated by a line `---`, each with `Date:`, `URL:`,
//! `AuthorURL:` and `Content:`. The content continues to the end of its block.

use serde_json::{Map, Value, json};

/// The blocks of a text as entries, including those without a URL; `None` for any other text.
pub(super) fn read(text: &str) -> Option<Vec<Value>> {
    let mut blocks: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        let is_divider = line.trim().len() >= 3 && line.trim().chars().all(|c| c == '-');
        match blocks.last_mut() {
            Some(block) if !is_divider => block.push(line),
            Some(_) | None => blocks.push(Vec::new()),
        }
    }
    blocks
        .iter()
        .filter(|block| block.iter().any(|line| !line.trim().is_empty()))
        .map(|block| post(block))
        .collect()
}

fn post(block: &[&str]) -> Option<Value> {
    let mut fields: Map<String, Value> = Map::new();
    let mut lines = block.iter();
    while let Some(line) = lines.next() {
        let (label, value) = match line.split_once(':') {
            Some((label, value)) => (label.trim(), value.trim()),
            None if line.trim().is_empty() => continue,
            None => return None,
        };
        let key = match label {
            "Date" => "postedAt",
            "URL" => "postUrl",
            "AuthorURL" => "authorUrl",
            "Content" => {
                let mut content = vec![value];
                content.extend(lines.by_ref());
                fields.insert("postContent".to_owned(), json!(content.join("\n").trim()));
                continue;
            }
            _ => return None,
        };
        fields.insert(key.to_owned(), json!(value));
    }
    Some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_goes_on_to_the_end_of_its_block() {
        let text = "Date: 2024-01-01\nURL: https://l/1\nContent: one\n\nURL: not a field\n---\n\
                    URL: https://l/2\nAuthorURL: https://l/in/jane\nContent:\ntwo\n-----\n";
        let posts = read(text).unwrap();
        assert_eq!(posts.len(), 2);
        assert_eq!(posts[0]["postContent"], "one\n\nURL: not a field");
        assert_eq!(posts[0]["postedAt"], "2024-01-01");
        assert_eq!(posts[1]["postContent"], "two");
        assert_eq!(posts[1]["authorUrl"], "https://l/in/jane");
    }

    #[test]
    fn prose_is_not_read() {
        assert_eq!(read("Dear diary\nURL: https://l/2"), None);
    }
}
