//! A1111's syntax: brackets that weigh and switch, `BREAK`, `AND`, wildcards.
//!
//! It stands apart because ComfyUI uses a part of it.

use super::{
    constructs::{Constructs, Kind},
    edits::{Edit, edited, number},
};

/// An open bracket, or a pair.
struct Group {
    round: bool,
    open: usize,
    /// Offsets of `:` and `|` in it, without those in nested brackets.
    separators: Vec<usize>,
}

/// Removes the syntax; escaped brackets become plain ones. ComfyUI (`comfy`) has only round brackets and wildcards.
pub(super) fn plain(text: &str, comfy: bool, found: &mut Constructs) -> String {
    let mut edits = Vec::new();
    let mut pairs = brackets(text, !comfy, &mut edits, |group, close, edits| group.edit(text, close, edits));
    pairs.sort_by_key(|(range, _)| range.start);
    let mut told = 0;
    for (range, kind) in pairs {
        if range.start >= told {
            told = range.end;
            found.add(kind, &text[range]);
        }
    }
    if !comfy {
        separators(text, &mut edits, found);
    }
    wildcards(text, found);
    edited(text, edits)
}

type Told = (std::ops::Range<usize>, Kind);

/// Finds pairs of brackets; `square` says whether square ones are syntax too. A bracket without a partner (in a smiley, for
/// example) is text.
fn brackets(
    text: &str,
    square: bool,
    edits: &mut Vec<Edit>,
    mut on_pair: impl FnMut(&Group, usize, &mut Vec<Edit>) -> Kind,
) -> Vec<Told> {
    let bytes = text.as_bytes();
    let mut open: Vec<Group> = Vec::new();
    let mut count = [0usize; 2];
    let mut pairs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'\\' if matches!(bytes.get(at + 1), Some(b'(' | b')' | b'[' | b']' | b'\\')) => {
                edits.push(Edit::drop(at..at + 1));
                at += 1;
            }
            b'(' | b'[' if byte == b'(' || square => {
                count[usize::from(byte == b'(')] += 1;
                open.push(Group { round: byte == b'(', open: at, separators: Vec::new() });
            }
            b')' | b']' if count[usize::from(byte == b')')] > 0 => {
                // Brackets of the other kind in between have no partner.
                while let Some(group) = open.pop() {
                    count[usize::from(group.round)] -= 1;
                    if group.round == (byte == b')') {
                        let kind = on_pair(&group, at, edits);
                        pairs.push((group.open..at + 1, kind));
                        break;
                    }
                }
            }
            b':' | b'|' => {
                if let Some(group) = open.last_mut() {
                    group.separators.push(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    pairs
}

impl Group {
    /// Adds the edits that leave only the words, and returns the kind of the pair.
    fn edit(&self, text: &str, close: usize, edits: &mut Vec<Edit>) -> Kind {
        edits.extend([Edit::drop(self.open..self.open + 1), Edit::drop(close..close + 1)]);
        // A number after the last colon is a weight, or the time to switch.
        let last = self.separators.last().filter(|&&at| text.as_bytes()[at] == b':');
        let counted = last.copied().filter(|&at| is_number(text, at, close));
        edits.extend(counted.map(|at| Edit::drop(at..close)));
        if self.round {
            return Kind::Emphasis;
        }
        let is_turns = self.separators.iter().any(|&at| text.as_bytes()[at] == b'|');
        if counted.is_none() && !is_turns {
            return Kind::Emphasis;
        }
        let between = self.separators.iter().filter(|&&at| Some(at) != counted);
        edits.extend(between.map(|&at| Edit { range: at..at + 1, with: " " }));
        Kind::Switching
    }
}

/// Whether the text between the colon and the bracket is a weight. In `16:9` it is not.
fn is_number(text: &str, colon: usize, close: usize) -> bool {
    let value = text[colon + 1..close].trim();
    let digit_before = text[..colon].ends_with(|c: char| c.is_ascii_digit());
    number(value).is_some() && (!digit_before || value.contains('.'))
}

/// Replaces `BREAK` by a comma. `AND` stays as a word, but a weight after one of its parts is removed.
fn separators(text: &str, edits: &mut Vec<Edit>, found: &mut Constructs) {
    for (at, _) in words(text, "BREAK") {
        let (before, after) = (text[..at].trim_end(), &text[at + "BREAK".len()..]);
        let next = after.trim_start();
        let stands_apart = before.is_empty() || before.ends_with(',') || next.is_empty() || next.starts_with(',');
        let gap = if before.is_empty() { after.len() - next.len() } else { 0 };
        let range = before.len()..at + "BREAK".len() + gap;
        edits.push(Edit { range, with: if stands_apart { "" } else { "," } });
        found.add(Kind::Break, "BREAK");
    }
    let ands: Vec<usize> = words(text, "AND").map(|(at, _)| at).collect();
    let ends = ands.iter().copied().chain((!ands.is_empty()).then_some(text.len()));
    for end in ends {
        let part = text[..end].trim_end();
        let digits = part.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
        let colon = digits.trim_end().strip_suffix(':').map(str::trim_end);
        if let Some(before) = colon.filter(|_| number(&part[digits.len()..]).is_some()) {
            found.add(Kind::And, part[before.len()..].trim());
            edits.push(Edit::drop(before.len()..part.len()));
        }
    }
    ands.iter().for_each(|_| found.add(Kind::And, "AND"));
}

/// The places of a word that is not part of a longer one.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).filter(move |(at, _)| {
        !text[..*at].ends_with(part_of_word) && !text[at + word.len()..].starts_with(part_of_word)
    })
}

/// Reports `__name__` and `{a|b}`. Tools usually fill them in before they write the text, so the rest stays.
fn wildcards(text: &str, found: &mut Constructs) {
    let mut rest = text;
    while let Some((_, from)) = rest.split_once("__") {
        let end =
            from.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-' | b'*')).count();
        let name = from[..end].trim_end_matches('_');
        if !name.is_empty() && from[name.len()..].starts_with("__") {
            found.add(Kind::Wildcard, &format!("__{name}__"));
        }
        rest = &from[end..];
    }
    let mut rest = text;
    while let Some((_, from)) = rest.split_once('{') {
        let end = from.bytes().position(|b| matches!(b, b'{' | b'}' | b'\n')).unwrap_or(from.len());
        if from[end..].starts_with('}') && from[..end].contains('|') {
            found.add(Kind::Wildcard, &format!("{{{}}}", &from[..end]));
        }
        rest = &from[end..];
    }
}
