//! Dataset items, in the shape of the actor harvestapi/linkedin-profile-posts.

use serde_json::{Value, json};
use shared::schema::leads;

/// The URL of an invented profile.
pub fn profile(name: &str) -> String {
    format!("https://www.linkedin.com/in/{name}/")
}

/// The n-th post of a profile, with this text.
pub fn post(name: &str, n: u64, words: &str) -> Value {
    let id = 7_329_207_003_942_000_000 + digest(name) + n;
    json!({
        "type": "post", "id": id.to_string(),
        "linkedinUrl": format!("https://www.linkedin.com/posts/{name}_words-activity-{id}-abcd"),
        "content": words,
        "author": {"type": "profile", "name": name, "publicIdentifier": name,
            "linkedinUrl": format!("https://www.linkedin.com/in/{name}?miniProfileUrn=urn%3Ali")},
        "postedAt": {"timestamp": 1_795_427_119_821_u64, "date": format!("2026-11-{:02}T09:45:19.821Z", n % 28 + 1)},
        "engagement": {"likes": 3, "comments": 1, "shares": 0},
        "postImages": [], "query": {"targetUrl": profile(name), "page": "1"},
    })
}

/// A post that is only a picture.
pub fn wordless(name: &str, n: u64) -> Value {
    post(name, n, "")
}

/// Cells of a lead whose profile waits for scoring and says this about itself.
pub fn profile_of(about: &str) -> Value {
    let profile = json!({"headline": "Operations", "about": about}).to_string();
    json!({leads::RAW_PROFILE: profile, leads::SCORING_STATUS: leads::TO_BE_SCORED})
}

/// A number derived from a name, so that the posts of two profiles never share an id.
fn digest(name: &str) -> u64 {
    name.bytes().fold(0, |sum, byte| (sum * 31 + u64::from(byte)) % 900_000) * 100
}
