//! A model of any family.
//!
//! Apart as the one trait that a family implements as a whole.

use std::{any::Any, sync::Arc};

use super::{
    codec::Codec, conditioning::Conditioning, denoiser::Denoiser, error::ModelError, geometry::Geometry,
    reader::TextReader,
};
use crate::{recipe::TextRules, sampling::ScheduleConfig};

/// A complete model, ready to compute.
pub trait Model: Any + Send + Sync {
    /// Names the weights: two models of one hash give the same results. Cached results are kept under it.
    fn hash(&self) -> &str;

    /// Sizes of its latents and pictures.
    fn geometry(&self) -> Geometry;

    /// The noise schedule it was trained with, and what it predicts.
    fn schedule(&self) -> &ScheduleConfig;

    /// Encodes a prompt.
    ///
    /// # Errors
    /// [`ModelError`] if the text cannot be encoded.
    fn encode(&self, text: &str) -> Result<Conditioning, ModelError>;

    /// Encodes a negative prompt, which some families encode otherwise.
    ///
    /// # Errors
    /// As [`Model::encode`].
    fn encode_negative(&self, text: &str) -> Result<Conditioning, ModelError> {
        self.encode(text)
    }

    /// Encodes a prompt by rules; `text` is what they leave of it at a step.
    ///
    /// # Errors
    /// As [`Model::encode`], and for rules that the family has not.
    fn encode_by(&self, text: &str, rules: TextRules) -> Result<Conditioning, ModelError> {
        if rules == TextRules::default() { self.encode(text) } else { Err(plain_only()) }
    }

    /// Encodes a negative prompt by rules.
    ///
    /// # Errors
    /// As [`Model::encode_by`].
    fn encode_negative_by(&self, text: &str, rules: TextRules) -> Result<Conditioning, ModelError> {
        if rules == TextRules::default() { self.encode_negative(text) } else { Err(plain_only()) }
    }

    /// How it reads texts, for marking words as they are typed; `None` where the family cannot say.
    fn reader(&self) -> Option<Arc<dyn TextReader>> {
        None
    }

    fn denoiser(&self) -> &dyn Denoiser;

    fn codec(&self) -> &dyn Codec;
}

fn plain_only() -> ModelError {
    ModelError::failed(
        "text encoder",
        "this model reads plain prompts only: choose the prompt syntax plain, and no clip skip",
    )
}
