//! InvokeAI's syntax (compel): pluses, minuses and numbers after a word or a bracket; brackets that are blended.
//!
//! It stands apart because a bracket without a weight is text, unlike in A1111.

use super::{
    constructs::{Constructs, Kind},
    edits::{Edit, edited, number},
};

/// Removes the weights. A bracket without one is text and stays.
pub(super) fn plain(text: &str, found: &mut Constructs) -> String {
    let mut edits = Vec::new();
    let mut told = Vec::new();
    let mut open = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open.push(at),
            b')' => {
                let Some(start) = open.pop() else { continue };
                let after = &text[at + 1..];
                let weight = weight(after);
                if weight > 0 {
                    edits.extend([Edit::drop(start..start + 1), Edit::drop(at..at + 1 + weight)]);
                    told.push(start..at + 1 + weight);
                } else if [".blend(", ".and(", ".swap("].iter().any(|call| after.starts_with(call)) {
                    found.add(Kind::Blend, &text[start..]);
                }
            }
            b'+' | b'-' if ends_word(&text[..at]) => {
                let run = run(&text[at..]);
                // A single minus is a hyphen.
                if ends(&text[at + run..]) && (byte == b'+' || run > 1) {
                    edits.push(Edit::drop(at..at + run));
                    let word = text[..at].trim_end_matches(char::is_alphanumeric).len();
                    told.push(word..at + run);
                }
            }
            _ => {}
        }
    }
    told.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in told {
        if range.start >= end {
            end = range.end;
            found.add(Kind::Emphasis, &text[range]);
        }
    }
    edited(text, edits)
}

/// The length of the weight at the beginning of a text: a number, or a run of one sign.
fn weight(text: &str) -> usize {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    // A full stop after a number ends a sentence.
    let digits = text[..digits].trim_end_matches('.').len();
    if digits > 0 && number(&text[..digits]).is_some() { digits } else { run(text) }
}

/// The length of the run of pluses, or of minuses, at the beginning of a text.
fn run(text: &str) -> usize {
    let sign = text.bytes().next().filter(|b| matches!(b, b'+' | b'-'));
    text.bytes().take_while(|b| Some(*b) == sign).count()
}

fn ends_word(before: &str) -> bool {
    before.ends_with(char::is_alphanumeric)
}

fn ends(after: &str) -> bool {
    !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '+' | '-'))
}
