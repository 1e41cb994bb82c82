//! LDM's autoencoder (`AutoencoderKL` of `ddconfig`).

use std::path::Path;

use serde_json::{Value, json};

use super::{Taker, Weights, header::Tensors, hints::Hints, norm_groups};
use crate::weights::LoadError;

const PREFIX: &str = "first_stage_model.";

/// More levels, or blocks of one, than any known network has.
const MAX_COUNT: usize = 16;

/// LDM's name, and diffusers', of each layer of a resnet block.
const RESNET: [(&str, &str); 5] =
    [("norm1", "norm1"), ("conv1", "conv1"), ("norm2", "norm2"), ("conv2", "conv2"), ("nin_shortcut", "conv_shortcut")];

const ATTENTION: [(&str, &str); 5] =
    [("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")];

const ENDS: [(&str, &str); 3] = [("conv_in", "conv_in"), ("norm_out", "conv_norm_out"), ("conv_out", "conv_out")];

/// What the shapes tell.
#[derive(Debug)]
pub(super) struct Shape {
    picture_channels: usize,
    latent_channels: usize,
    /// Finest first.
    channels: Vec<usize>,
    layers: usize,
}

/// The weights under diffusers names; `None` if the file has no autoencoder.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that the structure cannot be told without.
pub(super) fn read(tensors: &Tensors, path: &Path) -> Result<Option<(Weights, Shape)>, LoadError> {
    if tensors.below(PREFIX).next().is_none() {
        return Ok(None);
    }
    let mut taker = Taker::new(tensors, PREFIX, path);
    let count = |name: &dyn Fn(usize) -> String| (0..MAX_COUNT).take_while(|&i| taker.has(&name(i))).count();
    let levels = count(&|level| format!("encoder.down.{level}.block.0.conv1.weight")).max(1);
    let layers = count(&|block| format!("encoder.down.0.block.{block}.conv1.weight"));
    let channels = (0..levels).map(|level| taker.side(&format!("encoder.down.{level}.block.0.conv1.weight"), 0));
    let shape = Shape {
        picture_channels: taker.side("encoder.conv_in.weight", 1)?,
        latent_channels: taker.side("decoder.conv_in.weight", 1)?,
        channels: channels.collect::<Result<_, _>>()?,
        layers,
    };
    for part in ["quant_conv", "post_quant_conv"] {
        taker.take(part, part);
    }
    for half in ["encoder", "decoder"] {
        taker.take_each(half, half, &ENDS);
        taker.take_each(&format!("{half}.mid.block_1"), &format!("{half}.mid_block.resnets.0"), &RESNET);
        taker.take_each(&format!("{half}.mid.attn_1"), &format!("{half}.mid_block.attentions.0"), &ATTENTION);
        taker.take_each(&format!("{half}.mid.block_2"), &format!("{half}.mid_block.resnets.1"), &RESNET);
    }
    for level in 0..levels {
        let (down, to) = (format!("encoder.down.{level}"), format!("encoder.down_blocks.{level}"));
        for block in 0..layers {
            taker.take_each(&format!("{down}.block.{block}"), &format!("{to}.resnets.{block}"), &RESNET);
        }
        taker.take(&format!("{down}.downsample.conv"), &format!("{to}.downsamplers.0.conv"));
        // LDM counts the way out from the finest level, diffusers from the coarsest.
        let (up, to) = (format!("decoder.up.{level}"), format!("decoder.up_blocks.{}", levels - 1 - level));
        for block in 0..=layers {
            taker.take_each(&format!("{up}.block.{block}"), &format!("{to}.resnets.{block}"), &RESNET);
        }
        taker.take(&format!("{up}.upsample.conv"), &format!("{to}.upsamplers.0.conv"));
    }
    Ok(Some((taker.weights, shape)))
}

impl Shape {
    /// The `config.json` of the diffusers folder.
    pub fn config(&self, hints: &Hints) -> Value {
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
            "scaling_factor": hints.number("scale_factor").unwrap_or(0.18215),
        })
    }
}
