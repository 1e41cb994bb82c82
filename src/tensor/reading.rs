//! How a model reads a text: its words, where they stand among the tokens, and what becomes of them.
//!
//! Beside the tokens because both cross from the tokenizer to the window, which knows neither.

use std::ops::Range;

/// A text as a model reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextReading {
    /// In the order of the text. Spaces belong to no word.
    pub words: Vec<ReadWord>,
    /// The tokens of the whole text, without start and end.
    pub tokens: usize,
    /// The most tokens of a text that the model reads.
    pub limit: usize,
}

/// A word, a digit or a row of other signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadWord {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Of its first token in the encoded text, as [`super::Token::position`].
    pub position: usize,
    /// The bytes of each of its tokens.
    pub pieces: Vec<Range<usize>>,
    pub standing: Standing,
    /// It stands beyond the limit: the model does not read it, or not all of it.
    pub is_cut: bool,
}

/// What a word is to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Known,
    /// The tokenizer has no better than single letters for most of it.
    Split,
    /// The model's files list the words that it was trained on, and this one is not among them.
    Unlearned,
}

/// Words that belong together, as a model's files list them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordGroup {
    pub title: String,
    /// Words, and phrases of several.
    pub words: Vec<String>,
}

impl TextReading {
    /// The word at a byte of the text.
    pub fn word_at(&self, byte: usize) -> Option<&ReadWord> {
        self.words.iter().find(|word| word.range.contains(&byte))
    }

    /// Whether the text is longer than the model reads.
    pub fn is_too_long(&self) -> bool {
        self.tokens > self.limit
    }
}
