//! A1111's signs: brackets that weigh and switch, `BREAK`, `AND`, wildcards.

use super::{Edit, Kind, Notes, edited, number};

/// A bracket that is open, or a pair.
struct Group {
    round: bool,
    open: usize,
    /// Where `:` and `|` stand in it, but not in a bracket inside it.
    separators: Vec<usize>,
}

/// The text without the signs; escaped brackets become plain ones. ComfyUI has only round ones and wildcards.
pub(super) fn plain(text: &str, comfy: bool, notes: &mut Notes) -> String {
    let mut edits = Vec::new();
    let mut pairs = brackets(text, !comfy, &mut edits, |group, close, edits| group.edit(text, close, edits));
    pairs.sort_by_key(|(range, _)| range.start);
    let mut told = 0;
    for (range, kind) in pairs {
        if range.start >= told {
            told = range.end;
            notes.add(kind, &text[range]);
        }
    }
    if !comfy {
        separators(text, &mut edits, notes);
    }
    wildcards(text, notes);
    edited(text, edits)
}

type Told = (std::ops::Range<usize>, Kind);

/// Finds pairs of brackets; `square` says whether square ones are signs, too. One that has no partner is a sign of its own (a smiley, say) and stays.
fn brackets(
    text: &str,
    square: bool,
    edits: &mut Vec<Edit>,
    mut found: impl FnMut(&Group, usize, &mut Vec<Edit>) -> Kind,
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
                        let kind = found(&group, at, edits);
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
    /// What to change so that only the words are left, and what the pair meant.
    fn edit(&self, text: &str, close: usize, edits: &mut Vec<Edit>) -> Kind {
        edits.extend([Edit::drop(self.open..self.open + 1), Edit::drop(close..close + 1)]);
        // A number behind the last colon is a weight, or the moment to switch.
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

/// Whether what stands from the colon to the bracket is a weight. `16:9` is none, but words.
fn is_number(text: &str, colon: usize, close: usize) -> bool {
    let value = text[colon + 1..close].trim();
    let digit_before = text[..colon].ends_with(|c: char| c.is_ascii_digit());
    number(value).is_some() && (!digit_before || value.contains('.'))
}

/// `BREAK` becomes a comma. `AND` is a word, but what may stand behind its parts is a weight.
fn separators(text: &str, edits: &mut Vec<Edit>, notes: &mut Notes) {
    for (at, _) in words(text, "BREAK") {
        let (before, after) = (text[..at].trim_end(), &text[at + "BREAK".len()..]);
        let next = after.trim_start();
        let stands_apart = before.is_empty() || before.ends_with(',') || next.is_empty() || next.starts_with(',');
        let gap = if before.is_empty() { after.len() - next.len() } else { 0 };
        let range = before.len()..at + "BREAK".len() + gap;
        edits.push(Edit { range, with: if stands_apart { "" } else { "," } });
        notes.add(Kind::Break, "BREAK");
    }
    let ands: Vec<usize> = words(text, "AND").map(|(at, _)| at).collect();
    let ends = ands.iter().copied().chain((!ands.is_empty()).then_some(text.len()));
    for end in ends {
        let part = text[..end].trim_end();
        let digits = part.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
        let colon = digits.trim_end().strip_suffix(':').map(str::trim_end);
        if let Some(before) = colon.filter(|_| number(&part[digits.len()..]).is_some()) {
            notes.add(Kind::And, part[before.len()..].trim());
            edits.push(Edit::drop(before.len()..part.len()));
        }
    }
    ands.iter().for_each(|_| notes.add(Kind::And, "AND"));
}

/// Where a word stands by itself.
fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).filter(move |(at, _)| {
        !text[..*at].ends_with(part_of_word) && !text[at + word.len()..].starts_with(part_of_word)
    })
}

/// `__name__` and `{a|b}`: usually filled in before the text is written, so what is left of them is told, and stays.
fn wildcards(text: &str, notes: &mut Notes) {
    let mut rest = text;
    while let Some((_, from)) = rest.split_once("__") {
        let end =
            from.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-' | b'*')).count();
        let name = from[..end].trim_end_matches('_');
        if !name.is_empty() && from[name.len()..].starts_with("__") {
            notes.add(Kind::Wildcard, &format!("__{name}__"));
        }
        rest = &from[end..];
    }
    let mut rest = text;
    while let Some((_, from)) = rest.split_once('{') {
        let end = from.bytes().position(|b| matches!(b, b'{' | b'}' | b'\n')).unwrap_or(from.len());
        if from[end..].starts_with('}') && from[..end].contains('|') {
            notes.add(Kind::Wildcard, &format!("{{{}}}", &from[..end]));
        }
        rest = &from[end..];
    }
}
