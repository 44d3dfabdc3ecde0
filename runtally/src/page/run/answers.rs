//! The six answers about a run.

use maud::{Markup, html};
use shared::fold::Summary;
use shared::run_records::answers_of;

pub(super) fn answers(summary: &Summary) -> Markup {
    html! {
        dl .answers {
            @for answer in answers_of(summary) {
                div .several[answer.answers.len() > 1] {
                    dt { (answer.question) }
                    @for answer in &answer.answers { dd { (answer) } }
                }
            }
        }
    }
}
