//! Texts with a syntax: pieces of different weights, laid out in chunks of the encoder's length and encoded one by one.
//!
//! Separate from plain texts, which are cut at that length. References: A1111's `modules/sd_hijack_clip.py` and
//! `modules/sd_emphasis.py`, ComfyUI's `comfy/sd1_clip.py`.

use std::ops::Range;

use crate::{
    nets::{RawToken, Tokenizer, TokenizerError},
    prompt::{Piece, Traced, weigh, weigh_round_brackets},
    recipe::{Emphasis, PromptSyntax, TextRules},
    tensor::{Token, TokenKind},
};

/// A word of at least this many tokens may be split between ComfyUI's chunks.
const LONG_WORD: usize = 8;

/// A text as the encoder gets it, once for each chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Start, words, end and padding: as many as the encoder has positions.
    pub ids: Vec<u32>,
    /// The weight of each.
    pub weights: Vec<f32>,
    words: Vec<Placed>,
}

/// A token in its chunk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub id: u32,
    pub weight: f32,
    /// Bytes of the text as it was typed.
    pub range: Range<usize>,
    /// The words of the text, counted from 0.
    pub word: usize,
}

impl Chunk {
    fn new(tokenizer: &Tokenizer, words: Vec<Placed>) -> Self {
        let special = tokenizer.special();
        let padding = tokenizer.length() - 2 - words.len();
        let ends = std::iter::once(special.end).chain(std::iter::repeat_n(special.padding, padding));
        let ids = std::iter::once(special.start).chain(words.iter().map(|word| word.id)).chain(ends);
        let weights = std::iter::once(1.0).chain(words.iter().map(|word| word.weight));
        let weights = weights.chain(std::iter::repeat_n(1.0, padding + 1));
        Self { ids: ids.collect(), weights: weights.collect(), words }
    }

    /// A chunk without words.
    pub(super) fn empty(tokenizer: &Tokenizer) -> Self {
        Self::new(tokenizer, Vec::new())
    }

    /// Whether a weight is other than 1.
    pub fn is_weighted(&self) -> bool {
        self.weights.iter().any(|weight| *weight != 1.0)
    }

    pub(super) fn words(&self) -> &[Placed] {
        &self.words
    }
}

/// What stands at each position of all chunks; `text` is the one that was typed.
pub(super) fn layout(chunks: &[Chunk], text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for chunk in chunks {
        for place in 0..chunk.ids.len() {
            let word = place.checked_sub(1).and_then(|word| chunk.words.get(word));
            let kind = match (place, word) {
                (0, _) => TokenKind::Start,
                (_, Some(_)) => TokenKind::Word,
                _ if place == chunk.words.len() + 1 => TokenKind::End,
                _ => TokenKind::Padding,
            };
            let text = word.and_then(|word| text.get(word.range.clone())).unwrap_or("").trim().to_owned();
            tokens.push(Token { position: tokens.len(), text, kind });
        }
    }
    tokens
}

/// The chunks of a text, at least one. `text` is what the step leaves of the typed one.
///
/// # Errors
/// [`TokenizerError`] if the tokenizer's rules fail.
pub fn chunks(tokenizer: &Tokenizer, text: &Traced, rules: TextRules) -> Result<Vec<Chunk>, TokenizerError> {
    let pieces = match (rules.syntax, rules.emphasis) {
        (PromptSyntax::Comfy, _) => weigh_round_brackets(text),
        (_, Emphasis::None) => vec![Piece { text: text.clone(), weight: 1.0 }],
        _ => weigh(text),
    };
    let mut layout = Layout { tokenizer, rules, words: 0, chunks: Vec::new(), open: Vec::new(), comma: None };
    for piece in pieces {
        if rules.syntax == PromptSyntax::A1111 && piece.is_break() {
            layout.close();
        } else if rules.syntax == PromptSyntax::Comfy {
            layout.add_whole_words(&piece)?;
        } else {
            layout.add(&piece)?;
        }
    }
    if !layout.open.is_empty() || layout.chunks.is_empty() {
        layout.close();
    }
    Ok(layout.chunks)
}

struct Layout<'a> {
    tokenizer: &'a Tokenizer,
    rules: TextRules,
    /// Words so far.
    words: usize,
    chunks: Vec<Chunk>,
    open: Vec<Placed>,
    /// The place of the open chunk's last comma.
    comma: Option<usize>,
}

impl Layout<'_> {
    fn room(&self) -> usize {
        self.tokenizer.length() - 2
    }

    fn close(&mut self) {
        self.comma = None;
        let words = std::mem::take(&mut self.open);
        self.chunks.push(Chunk::new(self.tokenizer, words));
    }

    fn placed(&mut self, piece: &Piece, token: &RawToken) -> Placed {
        let range = piece.text.origin(token.range.clone()).unwrap_or(0..0);
        Placed { id: token.id, weight: piece.weight as f32, range, word: self.words + token.word }
    }

    /// A1111's way: a token after another; a chunk that overflows gives back what follows its last comma.
    fn add(&mut self, piece: &Piece) -> Result<(), TokenizerError> {
        let tokens = self.tokenizer.raw_tokens(piece.text.text())?;
        for token in &tokens {
            let full = self.open.len() == self.room();
            if Some(token.id) == self.tokenizer.comma() {
                self.comma = Some(self.open.len());
            } else if let Some(comma) = self.comma.filter(|comma| full && self.gives_back(*comma)) {
                let moved = self.open.split_off(comma + 1);
                self.close();
                self.open = moved;
            }
            // The vectors of an inversion stay in one chunk, where one can hold them.
            let stays = self.open.len() + token.joined <= self.room() || token.joined > self.room();
            if self.open.len() == self.room() || !stays {
                self.close();
            }
            let placed = self.placed(piece, token);
            self.open.push(placed);
        }
        self.words += tokens.last().map_or(0, |token| token.word + 1);
        Ok(())
    }

    fn gives_back(&self, comma: usize) -> bool {
        self.rules.comma_backtrack > 0 && self.open.len() - comma <= self.rules.comma_backtrack
    }

    /// ComfyUI's way: words between spaces stay together, except for long ones.
    fn add_whole_words(&mut self, piece: &Piece) -> Result<(), TokenizerError> {
        let text = piece.text.text();
        let mut start = 0;
        for word in text.split([' ', '\n']) {
            let range = start..start + word.len();
            start = range.end + 1;
            let part = Piece { text: piece.text.part(range), weight: piece.weight };
            let tokens = self.tokenizer.raw_tokens(word)?;
            let is_long = tokens.len() >= LONG_WORD;
            if !is_long && self.open.len() + tokens.len() > self.room() {
                self.close();
            }
            for token in &tokens {
                if self.open.len() == self.room() {
                    self.close();
                }
                let placed = self.placed(&part, token);
                self.open.push(placed);
            }
            self.words += tokens.last().map_or(0, |token| token.word + 1);
        }
        Ok(())
    }
}
