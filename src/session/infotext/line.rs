//! The settings line: pairs that are found by search.
//!
//! Apart from the text because the line has a grammar of its own.

use serde::de::IgnoredAny;

use super::piece::{Piece, unquoted};

/// Splits a line into pieces. A pair is a key (a word character, then one or more word characters, spaces, hyphens or
/// slashes), a colon, and a value (a string in double quotes in which a backslash protects the next character, or a
/// run without a comma), up to a comma or the end. Some tools write bare JSON: a whole object or list is one value.
pub(super) fn pieces(line: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut stray = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let run = if is_word(first) { rest.find(|c| !is_in_key(c)).unwrap_or(rest.len()) } else { 0 };
        let (key, after) = rest.split_at(run);
        match after.strip_prefix(':').filter(|_| key.chars().nth(1).is_some()) {
            Some(after) => {
                let (value, next) = value(after.trim_start());
                push_stray(&mut found, &mut stray);
                found.push(Piece::Pair(key.trim_end().to_owned(), unquoted(value.trim_end())));
                rest = next;
            }
            None => {
                // No key can begin within a run that no colon ends.
                let skipped = run.max(first.len_utf8());
                stray.push_str(&rest[..skipped]);
                rest = &rest[skipped..];
            }
        }
    }
    push_stray(&mut found, &mut stray);
    found
}

/// The value at the beginning of `text`, and the text after its comma.
fn value(text: &str) -> (&str, &str) {
    if let Some(end) = end_of_quoted(text).or_else(|| end_of_json(text)) {
        let (whole, after) = text.split_at(end);
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix(',').or(after.is_empty().then_some(after)) {
            return (whole, after);
        }
    }
    text.split_once(',').unwrap_or((text, ""))
}

/// The end of the JSON object or list at the beginning of `text`.
fn end_of_json(text: &str) -> Option<usize> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// The end of the quoted string at the beginning of `text`: the first quote without a backslash before it. The string
/// has at least one character.
fn end_of_quoted(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('"')?;
    let mut protected = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if protected => protected = false,
            '\\' => protected = true,
            '"' => return (at > 0).then_some(at + 2),
            _ => {}
        }
    }
    None
}

fn push_stray(found: &mut Vec<Piece>, stray: &mut String) {
    let text = stray.trim_matches(|c: char| c.is_whitespace() || c == ',');
    if !text.is_empty() {
        found.push(Piece::Stray(text.to_owned()));
    }
    stray.clear();
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_in_key(c: char) -> bool {
    is_word(c) || matches!(c, ' ' | '-' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> Piece {
        Piece::Pair(key.to_owned(), value.to_owned())
    }

    #[test]
    fn pairs_are_found_by_search() {
        let stray = |text: &str| Piece::Stray(text.to_owned());
        for (line, want) in [
            ("Steps: 20, CFG scale: 7", vec![pair("Steps", "20"), pair("CFG scale", "7")]),
            ("Lora hashes: \"a: 1, b: 2\", Size: 8x8", vec![pair("Lora hashes", "a: 1, b: 2"), pair("Size", "8x8")]),
            ("Aa: \"b\\\"c, d\", Ee:", vec![pair("Aa", "b\"c, d"), pair("Ee", "")]),
            // A quote that is not closed before the comma, and one that is followed by more.
            ("Aa: \"b, Cc: d", vec![pair("Aa", "\"b"), pair("Cc", "d")]),
            ("Aa: \"b, c\" d, Ee: f", vec![pair("Aa", "\"b"), stray("c\" d"), pair("Ee", "f")]),
            ("Hires fix, (x) Aa: b", vec![stray("Hires fix, (x)"), pair("Aa", "b")]),
            // One letter is no key; an empty string is no quoted value but a run without a comma.
            ("a: b, Cc: \"\", Dd: e", vec![stray("a: b"), pair("Cc", ""), pair("Dd", "e")]),
            ("Ünï/cö-dé: ja", vec![pair("Ünï/cö-dé", "ja")]),
            // Bare JSON is one value if it is whole.
            ("Aa: {\"b\": 1, \"cc\": [2, 3]}, Dd: e", vec![pair("Aa", "{\"b\": 1, \"cc\": [2, 3]}"), pair("Dd", "e")]),
            ("Aa: [b, Cc: d]", vec![pair("Aa", "[b"), pair("Cc", "d]")]),
            ("Bad: \"\\x\", Aa: b", vec![pair("Bad", "\"\\x\""), pair("Aa", "b")]),
        ] {
            assert_eq!(pieces(line), want, "{line}");
        }
    }
}
