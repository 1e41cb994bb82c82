//! Latents to pictures and back.
//!
//! Apart because a family without an autoencoder has a codec all the same: pixels are their own.

use super::error::ModelError;
use crate::tensor::{Latents, Pixels};

/// What turns latents into a picture and a picture into latents.
pub trait Codec: Send + Sync {
    /// The name that users read, as in "the VAE".
    fn name(&self) -> &'static str;

    /// The picture of finished latents, `[3, height * factor, width * factor]` around -1..1.
    ///
    /// # Errors
    /// [`ModelError::Input`] for latents of another shape, [`ModelError::Cancelled`] once `is_current` says no.
    fn decode(&self, latents: &Latents, is_current: &dyn Fn() -> bool) -> Result<Pixels, ModelError>;

    /// The latents of a picture, as the denoiser takes them.
    ///
    /// # Errors
    /// [`ModelError::Input`] for a size that the model does not draw, [`ModelError::Cancelled`] once `is_current` says no.
    fn encode(&self, picture: &Pixels, is_current: &dyn Fn() -> bool) -> Result<Latents, ModelError>;

    /// The bytes of the largest tensor that decoding latents of `[height, width]` needs on its device; 0 where it needs none to
    /// speak of.
    fn largest_tensor(&self, _latents: [usize; 2]) -> usize {
        0
    }

    /// Whether decoding costs next to nothing beside a prediction, so that every preview is decoded.
    fn is_cheap(&self) -> bool {
        false
    }
}
