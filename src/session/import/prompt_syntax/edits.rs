//! Edits of a text by ranges of bytes, and the numbers in prompts.
//!
//! They stand apart because every syntax is removed by them.

/// Parses a number in the form of weights: no exponent, no words.
pub(super) fn number(text: &str) -> Option<f32> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-'));
    text.parse().ok().filter(|_| is_plain)
}

/// A replacement of a range of bytes in a text.
pub(super) struct Edit {
    pub range: std::ops::Range<usize>,
    pub with: &'static str,
}

impl Edit {
    pub fn drop(range: std::ops::Range<usize>) -> Self {
        Self { range, with: "" }
    }
}

/// Applies edits to a text. Of edits that overlap, the one that begins first counts.
pub(super) fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        if edit.range.start >= at {
            out.push_str(&text[at..edit.range.start]);
            out.push_str(edit.with);
            at = edit.range.end;
        }
    }
    out + &text[at..]
}
