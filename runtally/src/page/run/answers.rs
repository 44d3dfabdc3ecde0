//! The six answers, as they stand on the record.

use maud::{Markup, html};
use shared::fold::Summary;
use shared::run_records::answers_of;

pub(super) fn answers(summary: &Summary) -> Markup {
    let lines = answers_of(summary);
    let answers: Vec<(&str, &str)> =
        lines.iter().filter_map(|line| line.split_once(": ")).collect();
    html! {
        dl .answers {
            @for (question, answer) in answers {
                div { dt { (question) } dd { (answer) } }
            }
        }
    }
}
