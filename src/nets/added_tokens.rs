//! Tokens that stand for learned vectors: textual inversion (Gal et al., 2022).
//!
//! Separate from the tokenizer: what it makes of a text is replaced here, id by id.

use std::ops::Range;

/// A token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub id: u32,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// The word that it is a part of.
    pub word: Option<u32>,
}

/// Sequences of ids, each with the ids behind the vocabulary that take its place: one for each vector.
#[derive(Clone, Debug, Default)]
pub(super) struct AddedTokens {
    /// Longest sequence first.
    entries: Vec<(Vec<u32>, Range<u32>)>,
}

impl AddedTokens {
    pub fn add(&mut self, trigger: Vec<u32>, ids: Range<u32>) {
        self.entries.push((trigger, ids));
        self.entries.sort_by_key(|(trigger, _)| std::cmp::Reverse(trigger.len()));
    }

    /// For each of `ids`, how many from it on are the vectors of one inversion: all of them at the first, else 1.
    pub fn joined(&self, ids: impl IntoIterator<Item = u32>) -> Vec<usize> {
        let from =
            |id: u32| self.entries.iter().find(|(_, vectors)| vectors.start == id).map(|(_, vectors)| vectors.len());
        ids.into_iter().map(|id| from(id).unwrap_or(1).max(1)).collect()
    }

    /// Replaces the sequences in a text's tokens, from its start on, the longest that fits first. A sequence counts inside
    /// longer words too, as in AUTOMATIC1111's program.
    pub fn replace(&self, pieces: Vec<Piece>) -> Vec<Piece> {
        if self.entries.is_empty() {
            return pieces;
        }
        let mut replaced = Vec::with_capacity(pieces.len());
        let mut rest = pieces.as_slice();
        while let [first, others @ ..] = rest {
            let starts = |trigger: &[u32]| {
                trigger.len() <= rest.len() && trigger.iter().zip(rest).all(|(id, piece)| *id == piece.id)
            };
            let Some((trigger, ids)) = self.entries.iter().find(|(trigger, _)| starts(trigger)) else {
                replaced.push(first.clone());
                rest = others;
                continue;
            };
            let end = rest.get(trigger.len().saturating_sub(1)).map_or(first.range.end, |last| last.range.end);
            let piece = |id| Piece { id, range: first.range.start..end, word: first.word };
            replaced.extend(ids.clone().map(piece));
            rest = rest.get(trigger.len()..).unwrap_or_default();
        }
        replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_sequence_is_replaced() {
        let mut added = AddedTokens::default();
        added.add(vec![5], 100..103);
        added.add(vec![5, 6], 103..104);
        let piece = |(at, &id): (usize, &u32)| Piece { id, range: at..at + 1, word: Some(at as u32) };
        let ids = |text: &[u32]| {
            let pieces = text.iter().enumerate().map(piece).collect();
            added.replace(pieces).into_iter().map(|piece| (piece.id, piece.range)).collect::<Vec<_>>()
        };
        assert_eq!(ids(&[1, 5, 6, 5]), [(1, 0..1), (103, 1..3), (100, 3..4), (101, 3..4), (102, 3..4)]);
        assert_eq!(ids(&[]), []);
    }
}
