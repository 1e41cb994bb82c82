//! TAESD in files of its own: one for its decoder and one for its encoder, or both in diffusers' names.
//!
//! Separate as one network: its names in files and in diffusers.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    header::Tensors,
    mapping::{WeightMapper, Weights},
};
use crate::weights::error::LoadError;

/// Its config, under the autoencoder's name in a folder.
pub(super) const CONFIG: &str = "vae/config.json";

/// Layers of either half, those without weights included.
const LAYERS: usize = 20;

/// Maps a TAESD's weights to diffusers' names and gives its config; `None` for another file. A file of a half alone has the
/// numbers of layers as names; the decoder's count from its clamp, which diffusers leaves out.
///
/// # Errors
/// [`LoadError::NoTensor`] where the first or last layer has no such axis.
pub(super) fn read(tensors: &Tensors, path: &Path) -> Result<Option<(Weights, Value)>, LoadError> {
    let mut mapper = WeightMapper::new(tensors, "", path);
    let has = |name: &str| tensors.get(name).is_some();
    if has("decoder.layers.0.weight") || has("encoder.layers.0.weight") {
        for half in ["decoder", "encoder"] {
            (0..LAYERS).for_each(|i| mapper.map_module(&format!("{half}.layers.{i}"), &format!("{half}.layers.{i}")));
        }
    } else if has("1.weight") && has("19.weight") {
        (1..LAYERS).for_each(|i| mapper.map_module(&i.to_string(), &format!("decoder.layers.{}", i - 1)));
    } else if has("0.weight") && has("14.weight") && has("1.conv.0.weight") {
        (0..LAYERS).for_each(|i| mapper.map_module(&i.to_string(), &format!("encoder.layers.{i}")));
    } else {
        return Ok(None);
    }
    let side =
        |name: &str, axis: usize| mapper.weights.slices.get(name).and_then(|slice| slice.shape.get(axis)).copied();
    let width = side("decoder.layers.0.weight", 0).or_else(|| side("encoder.layers.0.weight", 0));
    let latents = side("decoder.layers.0.weight", 1).or_else(|| side("encoder.layers.14.weight", 0));
    let lacks = || LoadError::NoTensor { path: path.display().to_string(), name: "decoder.layers.0.weight".to_owned() };
    let (width, latents) = width.zip(latents).ok_or_else(lacks)?;
    let config = json!({
        "_class_name": "AutoencoderTiny",
        "block_out_channels": [width, width, width, width],
        "latent_channels": latents,
    });
    Ok(Some((mapper.weights, config)))
}
