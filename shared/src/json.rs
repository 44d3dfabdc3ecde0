//! Reading JSON with errors that name the field and never the value, and writing it.

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

/// Reads `text` as a `T`. Only a text that is none is read a second time, for the path: keeping
/// track of it costs half as much again as reading.
///
/// # Errors
/// [`WrongJson`] for a text that does not begin with a `T`.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, WrongJson> {
    // Checked as a whole: reading bytes checks each string of them by itself, which is slower.
    if let Ok(text) = str::from_utf8(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(deserializer).map_err(|error| WrongJson {
        path: error.path().to_string(),
        line: error.inner().line(),
        column: error.inner().column(),
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
