//! The texts of posts, in four languages.

use super::random::pick;
use super::words::WORDS;
use fastrand::Rng;

/// Shortest and longest text, in characters.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 150..=1_150;

/// A text about `topic`. Its length is within [`LENGTHS`], and hardly any two are the same.
pub(super) fn text(rng: &mut Rng, topic: &str) -> String {
    let [english, german, spanish, japanese] = &WORDS.languages;
    let language = match rng.u8(..10) {
        0..=5 => english,
        6 | 7 => german,
        8 => spanish,
        _ => japanese,
    };
    let wanted = rng.usize(LENGTHS.start() + 30..LENGTHS.end() - 350);
    let opener = pick(rng, &language.openers);
    let mut text = filled(rng, opener, topic);
    text.push_str("\n\n");
    let mut middles = language.middles.clone();
    rng.shuffle(&mut middles);
    let mut length = text.chars().count();
    for (at, middle) in middles.iter().enumerate() {
        if length >= wanted {
            break;
        }
        let sentence = filled(rng, middle, topic);
        length += sentence.chars().count() + 1;
        text.push_str(&sentence);
        text.push(if at % 3 == 2 { '\n' } else { ' ' });
    }
    text.truncate(text.trim_end().len());
    text.push_str("\n\n");
    let closer = pick(rng, &language.closers);
    text.push_str(&filled(rng, closer, topic));
    text.push_str(&format!("\n#{topic} #week{}", rng.u8(1..=52)));
    text
}

fn filled(rng: &mut Rng, sentence: &str, topic: &str) -> String {
    let company = pick(rng, &WORDS.companies);
    let number = rng.u16(3..=97).to_string();
    sentence.replace("{t}", topic).replace("{c}", company).replace("{n}", &number)
}

#[cfg(test)]
mod tests {
    use super::super::random::rng;
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn texts_are_neither_too_short_nor_too_long_nor_the_same() {
        let texts: Vec<String> = (0..2_000).map(|n| text(&mut rng(&[n]), "automation")).collect();
        for text in &texts {
            assert!(LENGTHS.contains(&text.chars().count()), "{} {text}", text.chars().count());
            assert!(!text.contains('{'), "{text}");
        }
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), texts.len());
        let all = texts.concat();
        for sign in ['ü', '現', '🚀', '¿'] {
            assert!(all.contains(sign), "{sign}");
        }
    }
}
