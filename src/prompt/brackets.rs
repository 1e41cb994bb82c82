//! ComfyUI's emphasis: round brackets alone. `(x)` multiplies by 1.1, `(x:1.3)` sets the weight whatever is around it.
//!
//! Apart from A1111's, where weights multiply and square brackets weaken.

use super::{emphasis::Piece, traced::Traced};

const STRONGER: f64 = 1.1;
/// Brackets in brackets beyond this are text.
const MOST_LEVELS: usize = 64;

/// The pieces of a text, in its order.
pub fn weigh_round_brackets(text: &Traced) -> Vec<Piece> {
    let mut pieces = Vec::new();
    weigh_part(text, 0..text.text().len(), 1.0, MOST_LEVELS, &mut pieces);
    pieces
}

fn weigh_part(text: &Traced, range: std::ops::Range<usize>, weight: f64, levels: usize, pieces: &mut Vec<Piece>) {
    let mut start = range.start;
    while let Some((open, close)) = group(text.text(), start..range.end).filter(|_| levels > 0) {
        pieces.extend(literal(text, start..open, weight));
        let inside = &text.text()[open + 1..close];
        let named = inside.rfind(':').filter(|colon| *colon > 0);
        let named = named.and_then(|colon| Some((colon, inside[colon + 1..].trim().parse::<f64>().ok()?)));
        let (end, inner) = named.map_or((close, weight * STRONGER), |(colon, weight)| (open + 1 + colon, weight));
        weigh_part(text, open + 1..end, inner, levels - 1, pieces);
        start = close + 1;
    }
    pieces.extend(literal(text, start..range.end, weight));
}

/// The first pair of brackets of a range; escaped ones are text.
fn group(text: &str, range: std::ops::Range<usize>) -> Option<(usize, usize)> {
    let (mut open, mut depth, mut escaped) = (None, 0_usize, false);
    for (at, byte) in text.bytes().enumerate().take(range.end).skip(range.start) {
        let is_escaped = std::mem::replace(&mut escaped, byte == b'\\');
        match byte {
            b'(' if !is_escaped => {
                open = open.or(Some(at));
                depth += 1;
            }
            b')' if !is_escaped && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return open.map(|open| (open, at));
                }
            }
            _ => {}
        }
    }
    None
}

/// A part as it is read, with its brackets no longer escaped.
fn literal(text: &Traced, range: std::ops::Range<usize>, weight: f64) -> Option<Piece> {
    let mut read = Traced::default();
    let bytes = text.text().as_bytes();
    let mut start = range.start;
    for at in range.clone() {
        if bytes[at] == b'\\' && at + 1 < range.end && matches!(bytes[at + 1], b'(' | b')') {
            read.push(text, start..at);
            start = at + 1;
        }
    }
    read.push(text, start..range.end);
    (!range.is_empty()).then_some(Piece { text: read, weight })
}
