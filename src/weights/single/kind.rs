//! Which kind of safetensors file it is, by the names of its tensors.
//!
//! Separate from the readers, which can then assume a Stable Diffusion checkpoint.

use std::path::Path;

use super::{header::Header, unet};
use crate::weights::error::LoadError;

/// Checks that a file is a Stable Diffusion checkpoint.
///
/// # Errors
/// [`LoadError::OtherFile`], which says what the file is instead.
pub(super) fn check(header: &Header, path: &Path) -> Result<(), LoadError> {
    let contains = |part: &str| header.tensors.names().any(|name| name.contains(part));
    let starts_with = |part: &str| header.tensors.names().any(|name| name.starts_with(part));
    let kind = if starts_with("conditioner.embedders.") {
        "a Stable Diffusion XL checkpoint, which can be opened only as a diffusers folder"
    } else if starts_with(unet::PREFIX) {
        return Ok(());
    } else if contains("lora_") || contains(".lora") {
        "a LoRA, not a model"
    } else if starts_with("first_stage_model.") || starts_with("decoder.") {
        "an autoencoder, not a model"
    } else if starts_with("down_blocks.") {
        "a diffusers network without its folder"
    } else if contains("double_blocks") || contains("joint_blocks") || contains("transformer_blocks") {
        "a checkpoint of another family than Stable Diffusion 1.x and 2.x"
    } else {
        "not a Stable Diffusion checkpoint: it has no model.diffusion_model weights"
    };
    Err(LoadError::OtherFile { path: path.display().to_string(), kind })
}
