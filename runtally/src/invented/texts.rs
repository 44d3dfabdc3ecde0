//! What posts say, in four languages.

use super::random::pick;
use super::words::COMPANIES;
use fastrand::Rng;

/// Fewest and most characters of a text.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 150..=1_150;

/// The sentences of one language. `{t}` is the topic, `{c}` a company, `{n}` a number.
struct Language {
    openers: [&'static str; 4],
    middles: [&'static str; 12],
    closers: [&'static str; 4],
}

/// A text about `topic`. Every one is within [`LENGTHS`], and hardly two are the same.
pub(super) fn text(rng: &mut Rng, topic: &str) -> String {
    let language = match rng.u8(..10) {
        0..=5 => &ENGLISH,
        6 | 7 => &GERMAN,
        8 => &SPANISH,
        _ => &JAPANESE,
    };
    let wanted = rng.usize(LENGTHS.start() + 30..LENGTHS.end() - 350);
    let opener = pick(rng, &language.openers);
    let mut text = filled(rng, opener, topic);
    text.push_str("\n\n");
    let mut middles = language.middles;
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

/// A short remark of the kind that stands below posts.
pub(super) fn remark(rng: &mut Rng) -> String {
    pick(rng, &REMARKS).to_owned()
}

fn filled(rng: &mut Rng, sentence: &str, topic: &str) -> String {
    let company = pick(rng, &COMPANIES);
    let number = rng.u16(3..=97).to_string();
    sentence.replace("{t}", topic).replace("{c}", company).replace("{n}", &number)
}

const REMARKS: [&str; 5] = [
    "Well put, thank you for sharing!",
    "Genau so ist es. 👏",
    "We saw the same last quarter.",
    "参考になりました。",
    "How large was the team?",
];

const ENGLISH: Language = Language {
    openers: [
        "Three things {n} weeks of {t} at {c} taught me:",
        "Unpopular opinion: most {t} projects fail before the first meeting. 🚀",
        "A customer asked me yesterday why we still talk about {t}.",
        "We closed our {t} review this morning, and I owe the team a thank-you.",
    ],
    middles: [
        "First, nobody reads a dashboard that needs {n} clicks.",
        "We measured it: {n} percent of the work went into copying figures from one sheet to another.",
        "The team at {c} had tried twice before, each time with a bigger tool and a smaller plan.",
        "What helped was writing down, on one page, who decides what and until when.",
        "I was wrong about the order of the steps, and it cost us {n} days.",
        "Automating a bad process only gives you bad results sooner.",
        "The people on the shop floor knew the answer all along; we had only never asked.",
        "Our new colleague found {n} duplicate records before lunch.",
        "If your {t} plan needs a consultant to be explained, it is not a plan yet.",
        "We now publish the numbers every Friday, the bad ones too.",
        "Nothing we built is clever; it is merely finished.",
        "A small language model drafts the first answer, and a person signs it.",
    ],
    closers: [
        "What would you have done differently?",
        "Happy to compare notes: my door is open. ☕",
        "We are hiring, by the way. Write to me if this sounds like you.",
        "More on this next week.",
    ],
};

const GERMAN: Language = Language {
    openers: [
        "Über {t} wird viel geredet. Wir haben es {n} Wochen lang gemessen.",
        "Größe ist kein Verdienst: ein Rückblick auf unser Projekt bei {c}.",
        "Heute früh im Werk, {n} Menschen, eine Frage: Was kostet uns {t} wirklich?",
        "Ehrlich gesagt hätte ich das vor einem Jahr nicht geglaubt. 🙂",
    ],
    middles: [
        "Zuerst haben wir aufgehört, Tabellen per E-Mail zu verschicken.",
        "Von {n} Berichten wurden vier gelesen, die übrigen haben wir gestrichen.",
        "Die Kolleginnen bei {c} wussten längst, wo es hakt.",
        "Fehler zu zeigen, bevor sie gefunden werden, schafft mehr Vertrauen als jede Präsentation.",
        "Wer misst, muss auch zuhören können.",
        "Das Schwierigste war nicht die Technik, sondern der Kalender.",
        "Nach {n} Tagen lief der erste Durchgang ohne Rückfragen.",
        "Wir prüfen jede Zahl zweimal, und zwar auf verschiedenen Wegen.",
        "Künstliche Intelligenz schreibt bei uns den Entwurf, geprüft wird von Hand.",
        "Manches blieb natürlich liegen, und auch darüber sprechen wir.",
        "Ein gutes Übergabeprotokoll passt auf eine Seite.",
        "Aus {t} wurde so ganz nebenbei eine gemeinsame Gewohnheit.",
    ],
    closers: [
        "Wie macht ihr das? Ich bin gespannt auf eure Erfahrungen.",
        "Danke an alle, die mitgedacht haben. 🙏",
        "Wir suchen übrigens Verstärkung für das Team in Süddeutschland.",
        "Fortsetzung folgt.",
    ],
};

const SPANISH: Language = Language {
    openers: [
        "Llevamos {n} semanas hablando de {t}, y por fin tenemos datos.",
        "¿Por qué {c} cambió su forma de trabajar? Una historia breve.",
        "Ayer cometí un error con {t} y aprendí más que en todo el año.",
        "Tres ideas sencillas sobre {t} que nadie me contó.",
    ],
    middles: [
        "La primera: escuchar a quienes hacen el trabajo cada día.",
        "Eliminamos {n} informes que nadie leía.",
        "El equipo de {c} ya conocía la respuesta.",
        "Medir no sirve de nada si después no se decide.",
        "Perdimos {n} días por no preguntar a tiempo.",
        "Automatizar un mal proceso solo lo hace más rápido.",
        "Ahora publicamos las cifras cada viernes, también las malas.",
        "Lo difícil no fue la técnica, sino ponernos de acuerdo.",
        "Una página clara vale más que cien diapositivas.",
        "La inteligencia artificial propone, y una persona firma.",
        "Mañana lo volveremos a intentar con menos prisa.",
        "La confianza se gana mostrando los errores.",
    ],
    closers: [
        "¿Qué habríais hecho vosotros?",
        "Gracias a todo el equipo por la paciencia. 💛",
        "Seguiremos informando.",
        "Buscamos personas curiosas: escribidme.",
    ],
};

const JAPANESE: Language = Language {
    openers: [
        "{c}での{n}週間を振り返って、学んだことを三つ共有します。",
        "「{t}」について、正直に書いてみます。",
        "今朝の会議で、若手からとても良い質問がありました。🌸",
        "{t}の取り組みを始めてから、ちょうど{n}日が経ちました。",
    ],
    middles: [
        "まず、誰も読まない報告書を{n}件やめました。",
        "現場の皆さんは、以前から答えを知っていました。",
        "数字を見せることより、理由を聞くことのほうが大切だと感じました。",
        "{c}の仲間と一緒に、手順を一枚の紙にまとめました。",
        "失敗した点も隠さずに、毎週金曜日に公開しています。",
        "自動化する前に、まず無駄な作業をなくすことが必要です。",
        "最初の下書きは機械が作り、最後の確認は必ず人が行います。",
        "思っていた順番とは違いましたが、結果的には近道でした。",
        "問い合わせの件数は{n}パーセント減りました。",
        "難しかったのは技術ではなく、予定を合わせることでした。",
        "新しい担当者が、午前中だけで重複を{n}件見つけてくれました。",
        "小さな改善を続けることが、いちばんの力になると思います。",
    ],
    closers: [
        "皆さんの会社ではどうしていますか。",
        "ご意見をお待ちしています。🙇",
        "続きはまた来週書きます。",
        "一緒に働く仲間を募集しています。",
    ],
};

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
