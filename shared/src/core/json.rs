//! Reading JSON with errors that name the field and never the value, and writing it.

use crate::core::unicode::mend_json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is wrong with a JSON text. Says where, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wrong or missing data at `{path}` (line {line}, column {column})")]
pub struct WrongJson {
    /// The field, as a path from the root.
    pub path: String,
    /// Line of the text.
    pub line: usize,
    /// Column of the line.
    pub column: usize,
}

/// Reads `text` as a `T`. Only malformed text is read a second time, for the path: keeping
/// track of it costs half as much again as reading.
///
/// # Errors
/// [`WrongJson`] for text that does not start with a `T`.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, WrongJson> {
    // Checked as a whole: reading bytes checks each string of them by itself, which is slower.
    if let Ok(text) = str::from_utf8(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    located(text, |located| T::deserialize(located))
}

/// Reads `text` as a `T` even where its Unicode is broken: an emoji that was cut costs a character.
///
/// # Errors
/// [`WrongJson`] for text that does not start with a `T` otherwise either.
pub fn read_mended<T: DeserializeOwned>(text: &[u8]) -> Result<T, WrongJson> {
    read(text).or_else(|wrong| read(mend_json(text).as_bytes()).map_err(|_| wrong))
}

/// A reader that keeps track of where in the text it is.
pub(crate) type Located<'a, 'de> = serde_path_to_error::Deserializer<
    'a,
    'a,
    &'a mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
>;

/// What `read` makes of `text`.
pub(crate) fn located<T>(
    text: &[u8],
    read: impl FnOnce(Located) -> Result<T, serde_json::Error>,
) -> Result<T, WrongJson> {
    let mut track = serde_path_to_error::Track::new();
    let deserializer = &mut serde_json::Deserializer::from_slice(text);
    read(serde_path_to_error::Deserializer::new(deserializer, &mut track)).map_err(|error| {
        WrongJson { path: track.path().to_string(), line: error.line(), column: error.column() }
    })
}

/// `value` as JSON. `Value::to_string` says the same in twice the time: it passes each piece
/// through a formatter.
///
/// # Panics
/// For what JSON cannot hold, such as a map whose keys are no texts.
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is written is plain JSON")
}
