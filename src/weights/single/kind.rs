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
    let unet = unet::prefix(&header.tensors);
    let inside = |name: &str| unet.is_some_and(|prefix| header.tensors.get(&format!("{prefix}{name}")).is_some());
    let kind = if contains("lora_") || contains(".lora") || contains("hada_w") || contains("lokr_w") {
        "a LoRA, not a model"
    } else if contains("double_blocks") || contains("joint_blocks") || contains("single_transformer_blocks") {
        "a checkpoint of another family than Stable Diffusion"
    } else if starts_with("control_model.") || starts_with("input_hint_block") || contains("zero_convs") {
        "a ControlNet, not a model"
    } else if starts_with("conditioner.embedders.0.model.") {
        "the refiner of Stable Diffusion XL, which finishes pictures of the base model"
    } else if inside("time_embed.cond_proj.weight") {
        "a latent consistency model that takes the guidance scale as an input, which is not built yet"
    } else if starts_with("edm_") {
        "a model of the EDM formulation (as Playground v2.5), which is not built yet"
    } else if unet.is_some() {
        return Ok(());
    } else if starts_with("conditioner.embedders.") {
        "a Stable Diffusion XL checkpoint without its U-Net"
    } else if starts_with("first_stage_model.") || starts_with("decoder.") {
        "an autoencoder, not a model: give it with --vae, beside a model"
    } else if ["emb_params", "clip_g"].iter().any(|name| header.tensors.get(name).is_some()) {
        "an embedding, not a model: give it with --embedding, beside a model"
    } else if starts_with("down_blocks.") {
        "a diffusers network without its folder"
    } else if starts_with("model_ema.") {
        "a checkpoint with nothing but averaged weights (EMA), which other programs cannot open either"
    } else if contains("transformer_blocks") {
        "a checkpoint of another family than Stable Diffusion"
    } else {
        "not a Stable Diffusion checkpoint: it has no model.diffusion_model weights"
    };
    Err(LoadError::OtherFile { path: path.display().to_string(), kind })
}
