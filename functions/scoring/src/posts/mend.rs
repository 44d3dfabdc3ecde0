//! Repairs damaged JSON if nothing is lost, and otherwise leaves it alone.
//!
//! The repair libraries that were tried (llm_json, json-repair) accept anything: of an array that
//! was cut off they keep only the first object. Here, losing a post is worse than not reading the
//! cell. So only damage that takes nothing away is repaired, and the result must contain every URL
//! of the original.

/// `damaged` with these repairs: raw control characters and stray backslashes in strings are
/// escaped, commas before a closing bracket are removed, missing commas between objects are added,
/// and open strings and brackets at the end are closed. `None` if URLs would be lost.
pub(super) fn mend(damaged: &str) -> Option<String> {
    let mut mended = String::with_capacity(damaged.len() + 8);
    let mut open: Vec<char> = Vec::new();
    let mut in_string = false;
    let mut characters = damaged.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            match character {
                '"' => {
                    in_string = false;
                    mended.push('"');
                }
                '\\' => match characters.next() {
                    Some(escaped @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'u')) => {
                        mended.extend(['\\', escaped]);
                    }
                    Some(other) => mended.extend(['\\', '\\', other]),
                    None => mended.push_str(r"\\"),
                },
                control if control.is_control() => {
                    mended.push_str(&format!("\\u{:04x}", u32::from(control)));
                }
                other => mended.push(other),
            }
            continue;
        }
        match character {
            '"' => in_string = true,
            '[' => open.push(']'),
            '{' => {
                if mended.trim_end().ends_with('}') {
                    mended.push(',');
                }
                open.push('}');
            }
            ']' | '}' => {
                drop_comma(&mut mended);
                if open.pop() != Some(character) {
                    return None;
                }
            }
            _ => {}
        }
        mended.push(character);
    }
    if in_string {
        mended.push('"');
    }
    while let Some(bracket) = open.pop() {
        drop_comma(&mut mended);
        mended.push(bracket);
    }
    let kept = urls(damaged).all(|url| mended.contains(url));
    kept.then_some(mended)
}

fn drop_comma(text: &mut String) {
    let kept = text.trim_end().trim_end_matches(',').len();
    text.truncate(kept);
}

fn urls(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("http").map(|(start, _)| {
        let url = &text[start..];
        &url[..url.find(|c: char| c == '"' || c == '\\' || c.is_whitespace()).unwrap_or(url.len())]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn value(damaged: &str) -> Option<Value> {
        serde_json::from_str(&mend(damaged)?).ok()
    }

    #[test]
    fn damage_that_takes_nothing_away_is_mended() {
        let one = json!([{"postUrl": "https://l/1", "postContent": "a\nb"}]);
        assert_eq!(
            value("[{\"postUrl\":\"https://l/1\",\"postContent\":\"a\nb\"}]"),
            Some(one.clone())
        );
        assert_eq!(value("[{\"postUrl\":\"https://l/1\",\"postContent\":\"a\\nb\",},]"), Some(one));
        let two =
            json!([{"postUrl": "https://l/1"}, {"postUrl": "https://l/2", "postContent": "cut o"}]);
        assert_eq!(
            value(r#"[{"postUrl":"https://l/1"} {"postUrl":"https://l/2","postContent":"cut o"#),
            Some(two.clone())
        );
        assert_eq!(
            value(r#"[{"postUrl":"https://l/1"},{"postUrl":"https://l/2","postContent":"cut o"}"#),
            Some(two)
        );
        assert_eq!(value(r#"["C:\dir"]"#), Some(json!(["C:\\dir"])));
    }

    #[test]
    fn other_damage_is_left_alone() {
        for damaged in [
            r#"[{"a":"he said "hello" to me"}]"#,
            "[{'a':'b'}]",
            "prose",
            r#"[{"a":}]"#,
            r#"[{"a":"b"]}"#,
            r#"[{"a":"#,
        ] {
            assert_eq!(value(damaged), None, "{damaged}");
        }
    }
}
