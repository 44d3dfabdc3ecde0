//! A preview as a form: what the action will do, what it costs, and the button that does it.

use super::super::guard::FormToken;
use maud::{Markup, html};

/// An action as shown before it is done.
pub(super) struct Preview {
    pub(super) title: String,
    /// What the action will do, as sentences.
    pub(super) does: Vec<String>,
    pub(super) costs: String,
    /// Values that the form sends and that a person does not see.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// The inputs for a person.
    pub(super) fields: Markup,
    /// The label of the button; `None` if there is nothing to do.
    pub(super) button: Option<&'static str>,
    pub(super) is_danger: bool,
    /// Where the link back leads.
    pub(super) back: String,
}

pub(super) fn drawn(preview: &Preview, name: &str, token: &FormToken) -> Markup {
    html! {
        section .preview {
            h1 { (preview.title) }
            ul { @for sentence in &preview.does { li { (sentence) } } }
            p { b { "Cost: " } (preview.costs) }
            form .do method="post" action={"/do/" (name)} {
                input type="hidden" name="token" value=(token.as_str());
                @for (name, value) in &preview.hidden { input type="hidden" name=(name) value=(value); }
                (preview.fields)
                p .actions {
                    @if let Some(button) = preview.button {
                        button type="submit" .danger[preview.is_danger] { (button) } " "
                    }
                    a .button .quiet href=(preview.back) { @if preview.button.is_some() { "Cancel" } @else { "Back" } }
                }
            }
        }
    }
}

/// A choice among names.
pub(super) fn select(label: &str, name: &str, choices: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                @for (value, words) in choices { option value=(value) selected[*value == chosen] { (words) } }
            } }
    }
}
