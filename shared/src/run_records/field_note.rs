//! What a record says about a field that does not show what it should.

/// A field that does not show what it should, or shows it under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNote {
    pub field: &'static str,
    pub effect: Effect,
    /// Why, and what the reader has to do.
    pub reason: String,
}

/// What happens to a field's cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It is not written.
    LeftOut,
    /// It is emptied because the table lacks the choice.
    Cleared,
    /// It is written under the field's new name.
    Renamed,
}

impl FieldNote {
    pub(super) fn missing_choice(field: &'static str, choice: &str) -> Self {
        let reason =
            format!("the table lacks the choice {choice:?}; add it, spelled exactly like this");
        Self { field, effect: Effect::Cleared, reason }
    }

    /// The line on the record.
    pub(super) fn in_words(&self) -> String {
        let Self { field, reason, .. } = self;
        match self.effect {
            Effect::LeftOut => format!("field {field:?} is not written: {reason}"),
            Effect::Cleared => format!("field {field:?} is empty: {reason}"),
            Effect::Renamed => format!("field {field:?} was renamed: {reason}"),
        }
    }
}
