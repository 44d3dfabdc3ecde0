//! Finds rows by the profile that their URL leads to, however it was pasted.

use super::formula::any_encoding_of;
use crate::core::linkedin::ProfileKey;

/// A regular expression for the URLs, as people paste them, that lead to any of these profiles. It
/// may match a few others, so read the profile from the row's URL.
pub fn any_url_of(profiles: &[&ProfileKey]) -> String {
    let slash = "(?:/|%(?:25)*2f)";
    // White space and invisible characters.
    let space =
        r"(?:\s|%(?:25)*20|[\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}])*";
    // What may end a profile's id: punctuation of a sentence, a separator, or another URL.
    let end = format!(
        r"{space}[.,;:)>'\x{{22}}]*{space}(?:[/?#&,]|%(?:25)*(?:2f|3f|23)|https?:|(?:www\.)?linkedin\.)"
    );
    let ids: Vec<String> =
        profiles.iter().map(|profile| any_encoding_of(profile.as_str())).collect();
    let places = format!(
        "(?:{slash}in{slash}+|{slash}sales{slash}+(?:lead|people){slash}+|\
         {slash}talent{slash}+profile{slash}+|[?&]id=)"
    );
    let mut patterns = vec![format!("{places}{space}(?:{}){end}", ids.join("|"))];
    let old = profiles.iter().filter_map(|profile| profile.old_parts());
    let old: Vec<String> = old.map(|parts| old_path(parts, slash)).collect();
    if !old.is_empty() {
        patterns.push(format!("{slash}pub{slash}+(?:{}){end}", old.join("|")));
    }
    patterns.join("|")
}

/// The path below `/pub/`. Its numbers may lack leading zeros.
fn old_path([name, parts @ ..]: [&str; 4], slash: &str) -> String {
    let parts = parts.map(|part| match part.trim_start_matches('0') {
        "" => "0+".to_owned(),
        digits => format!("0*{digits}"),
    });
    format!("{}{slash}+{}", any_encoding_of(name), parts.join(&format!("{slash}+")))
}
