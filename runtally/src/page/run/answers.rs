//! The six answers, as they stand on the record.

use maud::{Markup, html};
use shared::fold::Summary;
use shared::run_records::answers_of;

pub(super) fn answers(summary: &Summary) -> Markup {
    let lines = answers_of(summary);
    let mut answers: Vec<(&str, Vec<&str>)> = Vec::new();
    for (question, answer) in lines.iter().filter_map(|line| line.split_once(": ")) {
        match answers.last_mut() {
            Some((known, more)) if *known == question => more.push(answer),
            Some(_) | None => answers.push((question, vec![answer])),
        }
    }
    html! {
        dl .answers {
            @for (question, answers) in answers {
                div .several[answers.len() > 1] {
                    dt { (question) }
                    @for answer in answers { dd { (answer) } }
                }
            }
        }
    }
}
