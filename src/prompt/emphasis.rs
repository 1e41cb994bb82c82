//! A1111's emphasis: `(x)` weighs 1.1, `[x]` 1/1.1, `(x:1.3)` as it says; a backslash takes a bracket literally; `BREAK` ends a
//! chunk.
//!
//! Apart from [`super::schedule`], which has decided before which text holds.

use super::traced::Traced;

const STRONGER: f64 = 1.1;

/// A part of a prompt with one weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    pub text: Traced,
    pub weight: f64,
}

impl Piece {
    /// Whether it is no text, but ends a chunk. `BREAK` in brackets is a word.
    pub fn is_break(&self) -> bool {
        self.weight == -1.0 && self.text.text() == "BREAK"
    }
}

/// The pieces of a text, at least one. Neighbours of the same weight are one piece.
pub fn weigh(text: &Traced) -> Vec<Piece> {
    let whole = text.text();
    let mut pieces = Vec::new();
    // Where the open brackets began, in pieces.
    let (mut round, mut square): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(first) = whole[at..].chars().next() {
        let end = at + first.len_utf8();
        match first {
            '\\' => {
                let escaped = whole[end..].starts_with(['(', ')', '[', ']', '\\']);
                pieces.push(piece(text, end..end + usize::from(escaped)));
                at = end + usize::from(escaped);
                continue;
            }
            '(' => round.push(pieces.len()),
            '[' => square.push(pieces.len()),
            ')' if !round.is_empty() => multiply(&mut pieces, round.pop(), STRONGER),
            ']' if !square.is_empty() => multiply(&mut pieces, square.pop(), 1.0 / STRONGER),
            ':' => match weight(&whole[end..]).filter(|_| !round.is_empty()) {
                Some((weight, length)) => {
                    multiply(&mut pieces, round.pop(), weight);
                    at = end + length;
                    continue;
                }
                None => pieces.push(piece(text, at..end)),
            },
            ')' | ']' => pieces.push(piece(text, at..end)),
            _ => {
                let length = whole[at..].find(['\\', '(', ')', '[', ']', ':']).unwrap_or(whole.len() - at);
                push_words(&mut pieces, text, at..at + length);
                at += length;
                continue;
            }
        }
        at = end;
    }
    round.into_iter().for_each(|start| multiply(&mut pieces, Some(start), STRONGER));
    square.into_iter().for_each(|start| multiply(&mut pieces, Some(start), 1.0 / STRONGER));
    merged(pieces)
}

fn piece(text: &Traced, range: std::ops::Range<usize>) -> Piece {
    Piece { text: text.part(range), weight: 1.0 }
}

fn multiply(pieces: &mut [Piece], from: Option<usize>, factor: f64) {
    let from = from.unwrap_or(pieces.len());
    pieces[from..].iter_mut().for_each(|piece| piece.weight *= factor);
}

/// A weight and its closing bracket, with the length of both: ` 1.3 )`.
fn weight(text: &str) -> Option<(f64, usize)> {
    let close = text.find(')')?;
    let number = text[..close].trim();
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse().ok().filter(|_| is_plain).map(|weight| (weight, close + 1))
}

/// Splits at `BREAK`, which takes the white space round it along.
fn push_words(pieces: &mut Vec<Piece>, text: &Traced, range: std::ops::Range<usize>) {
    const BREAK: &str = "BREAK";
    let words = &text.text()[range.clone()];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut start = 0;
    for (at, _) in words.match_indices(BREAK) {
        let (before, after) = (&words[..at], &words[at + BREAK.len()..]);
        if before.ends_with(is_word) || after.starts_with(is_word) || at < start {
            continue;
        }
        let end = before.trim_end().len().max(start);
        pieces.push(piece(text, range.start + start..range.start + end));
        let marker = text.part(range.start + at..range.start + at + BREAK.len());
        pieces.push(Piece { text: marker, weight: -1.0 });
        start = words.len() - after.trim_start().len();
    }
    pieces.push(piece(text, range.start + start..range.end));
}

fn merged(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        match merged.last_mut().filter(|last| last.weight == piece.weight) {
            Some(last) => last.text.push(&piece.text, 0..piece.text.text().len()),
            None => merged.push(piece),
        }
    }
    if merged.is_empty() {
        merged.push(Piece { text: Traced::default(), weight: 1.0 });
    }
    merged
}
