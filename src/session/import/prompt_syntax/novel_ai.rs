//! NovelAI's syntax: braces that strengthen, brackets that weaken, numbers before two colons.
//!
//! It stands apart because its brackets have other meanings than A1111's.

use super::{
    constructs::{Constructs, Kind},
    edits::{Edit, edited, number},
};

/// Removes the syntax.
pub(super) fn plain(text: &str, found: &mut Constructs) -> String {
    let mut edits = Vec::new();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut pairs = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' | b'[' => open.push((byte, at)),
            b'}' | b']' => {
                let partner = if byte == b'}' { b'{' } else { b'[' };
                if let Some((_, start)) = open.pop_if(|(kind, _)| *kind == partner) {
                    edits.extend([Edit::drop(start..start + 1), Edit::drop(at..at + 1)]);
                    pairs.push(start..at + 1);
                }
            }
            _ => {}
        }
    }
    pairs.sort_by_key(|range| range.start);
    let mut told = 0;
    for range in pairs {
        if range.start >= told {
            told = range.end;
            found.add(Kind::Emphasis, &text[range]);
        }
    }
    colons(text, &mut edits, found);
    edited(text, edits)
}

/// Removes the number and both pairs of colons of `1.2::x::`.
fn colons(text: &str, edits: &mut Vec<Edit>, found: &mut Constructs) {
    let mut begun = None;
    for (at, colons) in text.match_indices("::") {
        let words = text[..at].trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
        if number(&text[words.len()..at]).is_some() {
            edits.push(Edit::drop(words.len()..at + colons.len()));
            begun = Some(words.len());
        } else if let Some(start) = begun.take() {
            edits.push(Edit::drop(at..at + colons.len()));
            found.add(Kind::Emphasis, &text[start..at + colons.len()]);
        }
    }
    if let Some(start) = begun {
        found.add(Kind::Emphasis, &text[start..]);
    }
}
