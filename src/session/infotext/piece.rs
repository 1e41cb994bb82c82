//! The pieces of a settings line, and the quoting of values.
//!
//! Apart because the line is taken apart and put together in different files.

use serde_json::Value;

/// A part of the settings line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A key and its unquoted value.
    Pair(String, String),
    /// Text between pairs.
    Stray(String),
}

/// The value as written: a JSON string if it has a comma, a colon or a line break, else as it is.
pub(super) fn quoted(value: &str) -> String {
    if value.contains([',', ':', '\n']) { Value::from(value).to_string() } else { value.to_owned() }
}

/// The value as read: a quoted value is a JSON string; one that is not valid JSON is kept as it is.
pub(super) fn unquoted(value: &str) -> String {
    let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    if is_quoted && let Ok(Value::String(text)) = serde_json::from_str(value) {
        return text;
    }
    value.to_owned()
}
