//! Reads and writes JSON. Errors name the field, never the value.

use crate::core::unicode::mend_json;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is wrong with a JSON text. Says where the problem is, never what the text contains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("wrong or missing data at `{path}` (line {line}, column {column})")]
pub struct WrongJson {
    /// The field, as a path from the root.
    pub path: String,
    /// Line in the text.
    pub line: usize,
    /// Column in the line.
    pub column: usize,
}

/// Reads `text` as a `T`. Only malformed text is read a second time, to find the path: tracking the
/// path takes half as much time again as reading.
///
/// # Errors
/// [`WrongJson`] if `text` does not start with a `T`.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, WrongJson> {
    // UTF-8 is checked once for the whole text: reading from bytes checks each string on its own,
    // which is slower.
    if let Ok(text) = str::from_utf8(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    located(text, |located| T::deserialize(located))
}

/// Reads `text` as a `T` even if its Unicode is broken: an emoji that was cut becomes a replacement
/// character.
///
/// # Errors
/// [`WrongJson`] if the mended text does not start with a `T` either.
pub fn read_mended<T: DeserializeOwned>(text: &[u8]) -> Result<T, WrongJson> {
    read(text).or_else(|wrong| read(mend_json(text).as_bytes()).map_err(|_| wrong))
}

/// A deserializer that tracks its position in the text.
pub(crate) type Located<'a, 'de> = serde_path_to_error::Deserializer<
    'a,
    'a,
    &'a mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
>;

/// The result of `read` on `text`.
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

/// `value` as JSON. `Value::to_string` gives the same result but takes twice as long: it passes
/// each piece through a formatter.
///
/// # Panics
/// If JSON cannot represent `value`, such as a map whose keys are not strings.
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is written is plain JSON")
}
