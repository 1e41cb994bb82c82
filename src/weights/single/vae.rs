//! LDM's autoencoder (`AutoencoderKL` of `ddconfig`).
//!
//! Separate as one network: its names in LDM and diffusers, and the config that its shapes show.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    configs::norm_groups,
    header::Tensors,
    mapping::{WeightMapper, Weights},
};
use crate::weights::error::LoadError;

/// Prefixes of an autoencoder's tensors: in a checkpoint, in ComfyUI's, and in a file of its own.
const PREFIXES: [&str; 3] = ["first_stage_model.", "vae.", ""];

/// The prefix of the autoencoder in a file; `None` for a file without one.
fn prefix(tensors: &Tensors) -> Option<&'static str> {
    PREFIXES.into_iter().find(|prefix| {
        ["encoder.down.", "decoder.up."].iter().any(|part| tensors.below(&format!("{prefix}{part}")).next().is_some())
    })
}

/// More levels, or blocks per level, than any known network has.
const MAX_COUNT: usize = 16;

/// Layers of a resnet block: names in LDM and diffusers.
const RESNET: [(&str, &str); 5] =
    [("norm1", "norm1"), ("conv1", "conv1"), ("norm2", "norm2"), ("conv2", "conv2"), ("nin_shortcut", "conv_shortcut")];

/// Layers of the attention in the middle block.
const ATTENTION: [(&str, &str); 5] =
    [("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")];

/// First and last layers of encoder and decoder.
const ENDS: [(&str, &str); 3] = [("conv_in", "conv_in"), ("norm_out", "conv_norm_out"), ("conv_out", "conv_out")];

/// The architecture, as the shapes show it.
#[derive(Debug)]
pub(super) struct Architecture {
    picture_channels: usize,
    latent_channels: usize,
    /// Finest first.
    channels: Vec<usize>,
    /// Resnet blocks per level of the encoder; the decoder has one more.
    layers: usize,
    /// Whether the 1x1 convolutions between encoder, latents and decoder are there.
    convolutions: [bool; 2],
}

/// Maps the autoencoder's weights to diffusers names; `None` if the file has no autoencoder.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that is needed to tell the architecture, and is missing.
pub(super) fn read(tensors: &Tensors, path: &Path) -> Result<Option<(Weights, Architecture)>, LoadError> {
    let Some(prefix) = prefix(tensors) else { return Ok(None) };
    let mut mapper = WeightMapper::new(tensors, prefix, path);
    let architecture = Architecture::of(&mapper)?;
    for part in ["quant_conv", "post_quant_conv"] {
        mapper.map_module(part, part);
    }
    for half in ["encoder", "decoder"] {
        mapper.map_layers(half, half, &ENDS);
        mapper.map_layers(&format!("{half}.mid.block_1"), &format!("{half}.mid_block.resnets.0"), &RESNET);
        mapper.map_layers(&format!("{half}.mid.attn_1"), &format!("{half}.mid_block.attentions.0"), &ATTENTION);
        mapper.map_layers(&format!("{half}.mid.block_2"), &format!("{half}.mid_block.resnets.1"), &RESNET);
    }
    for level in 0..architecture.channels.len() {
        map_level(&mut mapper, &architecture, level);
    }
    Ok(Some((mapper.weights, architecture)))
}

/// Maps one level of encoder and decoder, counted from the finest.
fn map_level(mapper: &mut WeightMapper<'_>, architecture: &Architecture, level: usize) {
    let (down, to) = (format!("encoder.down.{level}"), format!("encoder.down_blocks.{level}"));
    for block in 0..architecture.layers {
        mapper.map_layers(&format!("{down}.block.{block}"), &format!("{to}.resnets.{block}"), &RESNET);
    }
    mapper.map_module(&format!("{down}.downsample.conv"), &format!("{to}.downsamplers.0.conv"));
    // LDM counts the decoder's levels from the finest, diffusers from the coarsest.
    let from_coarsest = architecture.channels.len() - 1 - level;
    let (up, to) = (format!("decoder.up.{level}"), format!("decoder.up_blocks.{from_coarsest}"));
    for block in 0..=architecture.layers {
        mapper.map_layers(&format!("{up}.block.{block}"), &format!("{to}.resnets.{block}"), &RESNET);
    }
    mapper.map_module(&format!("{up}.upsample.conv"), &format!("{to}.upsamplers.0.conv"));
}

impl Architecture {
    fn of(mapper: &WeightMapper<'_>) -> Result<Self, LoadError> {
        let conv = |level: usize, block: usize| format!("encoder.down.{level}.block.{block}.conv1.weight");
        let levels = (0..MAX_COUNT).take_while(|&level| mapper.has(&conv(level, 0))).count().max(1);
        let layers = (0..MAX_COUNT).take_while(|&block| mapper.has(&conv(0, block))).count();
        let channels = (0..levels).map(|level| mapper.side(&conv(level, 0), 0));
        Ok(Self {
            picture_channels: mapper.side("encoder.conv_in.weight", 1)?,
            latent_channels: mapper.side("decoder.conv_in.weight", 1)?,
            channels: channels.collect::<Result<_, _>>()?,
            layers,
            convolutions: ["quant_conv.weight", "post_quant_conv.weight"].map(|name| mapper.has(name)),
        })
    }

    /// The `config.json` of the diffusers folder.
    pub fn config(&self, scaling_factor: f64) -> Value {
        let levels = self.channels.len();
        json!({
            "in_channels": self.picture_channels,
            "out_channels": self.picture_channels,
            "latent_channels": self.latent_channels,
            "block_out_channels": self.channels,
            "down_block_types": vec!["DownEncoderBlock2D"; levels],
            "up_block_types": vec!["UpDecoderBlock2D"; levels],
            "layers_per_block": self.layers,
            "norm_num_groups": norm_groups(&self.channels),
            "scaling_factor": scaling_factor,
            "use_quant_conv": self.convolutions[0],
            "use_post_quant_conv": self.convolutions[1],
        })
    }
}
