//! The positions of an encoded prompt.
//!
//! They stand beside the arrays because attention maps have one channel per position.

/// One position of the encoded prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Index in the encoded sequence, from 0.
    pub position: usize,
    /// The text it stands for; empty for start, end and padding.
    pub text: String,
    pub kind: TokenKind,
}

/// The position that names the background in a prompt of `tokens`, position by position: that of the first token that is
/// no word, and the first behind the prompt where every token is a word.
pub fn background_position(tokens: &[Token]) -> usize {
    let no_word = tokens.iter().find(|token| token.kind != TokenKind::Word);
    no_word.map_or(tokens.len(), |token| token.position)
}

/// What a position holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Start,
    Word,
    End,
    Padding,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Start, Self::Word, Self::End, Self::Padding];

    /// The kind's name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Word => "word",
            Self::End => "end",
            Self::Padding => "padding",
        }
    }
}
