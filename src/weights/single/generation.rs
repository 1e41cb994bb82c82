//! The two generations of Stable Diffusion that single files come from.
//!
//! Separate, because names, config files and hints all depend on it.

use super::header::Tensors;

/// Prefix of CLIP's text encoder, and of OpenCLIP's.
pub(super) const CLIP: &str = "cond_stage_model.transformer.";
pub(super) const OPEN_CLIP: &str = "cond_stage_model.model.";

/// The generation of a checkpoint, as its text encoder shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Generation {
    /// 1.x: CLIP's text encoder, under its own names.
    One,
    /// 2.x: OpenCLIP's text encoder.
    Two,
}

impl Generation {
    /// By the text encoder in the file; `None` where it has none.
    pub fn of(tensors: &Tensors) -> Option<Self> {
        if tensors.below(OPEN_CLIP).next().is_some() {
            Some(Self::Two)
        } else {
            tensors.below(CLIP).next().map(|_| Self::One)
        }
    }
}
