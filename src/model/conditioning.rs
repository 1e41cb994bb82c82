//! An encoded text as it crosses the seam: its embeddings, and what stands at each position.
//!
//! On the host, because it crosses between models (in a fusion one model may read the other's text), and a trace writes
//! it down.

use crate::tensor::{Token, TokenKind};

/// An encoded text.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditioning {
    /// What stands at each of the L positions that a denoiser attends to: start, words, end, padding. A family need not
    /// have each kind. Attention maps have one row a position, in this order.
    pub tokens: Vec<Token>,
    /// What a denoiser attends to: `[1, L, width]`.
    pub hidden: Embedding,
    /// Further embeddings by name, as SDXL's "pooled", `[1, width]`.
    pub others: Vec<(&'static str, Embedding)>,
}

/// An array of any shape, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Conditioning {
    /// The position of the start token, if there is one.
    pub fn start(&self) -> Option<usize> {
        self.tokens.iter().position(|token| token.kind == TokenKind::Start)
    }

    /// The positions of all start tokens, ascending: one for each chunk of a long text.
    pub fn starts(&self) -> Vec<usize> {
        let starts = self.tokens.iter().filter(|token| token.kind == TokenKind::Start);
        starts.map(|token| token.position).collect()
    }

    /// The embedding called `name` among [`Conditioning::others`].
    pub fn other(&self, name: &str) -> Option<&Embedding> {
        self.others.iter().find(|(known, _)| *known == name).map(|(_, embedding)| embedding)
    }

    /// Memory of the embeddings and the tokens, in bytes.
    pub fn bytes(&self) -> usize {
        let embeddings = std::iter::once(&self.hidden).chain(self.others.iter().map(|(_, embedding)| embedding));
        let values: usize = embeddings.map(|e| size_of_val(e.values.as_slice())).sum();
        values + size_of_val(self.tokens.as_slice())
    }
}
