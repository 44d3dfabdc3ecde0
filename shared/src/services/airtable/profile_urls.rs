//! Finds rows by the profile that their URL leads to, whichever way it is pasted.

use super::formula::any_encoding_of;
use crate::core::linkedin::ProfileKey;

/// A regular expression for the URLs that lead to any of these profiles, as people paste them. It
/// may match a few more: the profile that a row is about is read from its URL.
pub fn any_url_of(profiles: &[&ProfileKey]) -> String {
    let slash = "(?:/|%(?:25)*2f)";
    // White space, what is not seen, and what ends a sentence.
    let space =
        r"(?:\s|%(?:25)*20|[\x{ad}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}])*";
    // Behind it, or another URL.
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

/// The path below `/pub/`, whose numbers may lack the zeros in front.
fn old_path([name, parts @ ..]: [&str; 4], slash: &str) -> String {
    let parts = parts.map(|part| match part.trim_start_matches('0') {
        "" => "0+".to_owned(),
        digits => format!("0*{digits}"),
    });
    format!("{}{slash}+{}", any_encoding_of(name), parts.join(&format!("{slash}+")))
}
