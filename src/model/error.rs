//! Why a part of a model gave no result.
//!
//! Apart because every other file of the seam returns it.

use std::error::Error;

pub use crate::nets::Cancelled;
use crate::tensor::AttentionError;

/// An error of a model's part, which it names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A part was given what it does not take.
    #[error("the {part} takes {expected}, but was given {given}: choose models and sizes that belong together")]
    Input { part: &'static str, expected: String, given: String },
    /// A part failed otherwise.
    #[error("the {part} failed: {source}")]
    Failed { part: &'static str, source: Box<dyn Error + Send + Sync> },
    /// A part gave NaN or infinities.
    #[error(
        "the {part} gave values that are not numbers (NaN or infinite): its weights are damaged, or overflow at this precision; choose --precision f32, or another copy of the {part}"
    )]
    NotFinite { part: &'static str },
    #[error(transparent)]
    Attention(#[from] AttentionError),
    /// A model that cannot be read: the sentence of its source.
    #[error("{0}")]
    Load(Box<dyn Error + Send + Sync>),
}

impl ModelError {
    /// `part` failed because of `source`.
    pub fn failed(part: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { part, source: source.into() }
    }

    /// A model could not be read because of `source`.
    pub fn load(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Load(source.into())
    }
}
