//! LDM's U-Net (`openaimodel.UNetModel`): numbered blocks, in the order in which they run.
//!
//! Separate as one network: its names in LDM and diffusers, and the config that its shapes show.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    configs::norm_groups,
    generation::Generation,
    header::Tensors,
    hints::Hints,
    mapping::{WeightMapper, Weights},
};
use crate::weights::error::LoadError;

/// Prefix of the U-Net's tensors.
pub(super) const PREFIX: &str = "model.diffusion_model.";

/// More blocks than any known network has.
const MAX_BLOCKS: usize = 64;

/// Layers of a resnet block: names in LDM and diffusers.
const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// Layers of a spatial transformer, which has the same names in both.
const TRANSFORMER: [(&str, &str); 4] =
    [("norm", "norm"), ("proj_in", "proj_in"), ("transformer_blocks", "transformer_blocks"), ("proj_out", "proj_out")];

/// One resolution level.
#[derive(Debug, Default)]
struct Level {
    channels: usize,
    /// Resnet blocks on the way down.
    layers: usize,
    down_attention: bool,
    up_attention: bool,
    /// Transformer blocks per spatial transformer.
    depth: usize,
}

/// The architecture, as the shapes show it.
#[derive(Debug)]
pub(super) struct Architecture {
    channels_in: usize,
    channels_out: usize,
    /// Width of the text embeddings.
    context: usize,
    /// Finest first.
    levels: Vec<Level>,
}

/// Maps the U-Net's weights to diffusers names.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that is needed to tell the architecture, and is missing.
pub(super) fn read(tensors: &Tensors, path: &Path) -> Result<(Weights, Architecture), LoadError> {
    let mut mapper = WeightMapper::new(tensors, PREFIX, path);
    let channels_in = mapper.side("input_blocks.0.0.weight", 1)?;
    let channels_out = mapper.side("out.2.weight", 0)?;
    mapper.map_layers("time_embed", "time_embedding", &[("0", "linear_1"), ("2", "linear_2")]);
    for (ldm, diffusers) in [("input_blocks.0.0", "conv_in"), ("out.0", "conv_norm_out"), ("out.2", "conv_out")] {
        mapper.map_module(ldm, diffusers);
    }
    let mut levels = map_down_blocks(&mut mapper)?;
    mapper.map_layers("middle_block.0", "mid_block.resnets.0", &RESNET);
    mapper.map_layers("middle_block.1", "mid_block.attentions.0", &TRANSFORMER);
    mapper.map_layers("middle_block.2", "mid_block.resnets.1", &RESNET);
    map_up_blocks(&mut mapper, &mut levels);
    let context = mapper.side("middle_block.1.transformer_blocks.0.attn2.to_k.weight", 1)?;
    Ok((mapper.weights, Architecture { channels_in, channels_out, context, levels }))
}

/// Maps the down blocks. After the first convolution, each level has resnet blocks with or without attention, and all but
/// the last level end with a block that downsamples.
fn map_down_blocks(mapper: &mut WeightMapper<'_>) -> Result<Vec<Level>, LoadError> {
    let mut levels = Vec::new();
    let mut level = Level::default();
    for block in 1..MAX_BLOCKS {
        let (ldm, diffusers) = (format!("input_blocks.{block}"), format!("down_blocks.{}", levels.len()));
        if mapper.has(&format!("{ldm}.0.op.weight")) {
            mapper.map_module(&format!("{ldm}.0.op"), &format!("{diffusers}.downsamplers.0.conv"));
            levels.push(std::mem::take(&mut level));
            continue;
        }
        let resnet = format!("{ldm}.0.in_layers.2.weight");
        // A level has at least one resnet block; after it, the blocks may end.
        if level.layers > 0 && !mapper.has(&resnet) {
            break;
        }
        level.channels = mapper.side(&resnet, 0)?;
        mapper.map_layers(&format!("{ldm}.0"), &format!("{diffusers}.resnets.{}", level.layers), &RESNET);
        if mapper.has(&format!("{ldm}.1.norm.weight")) {
            level.down_attention = true;
            level.depth = depth(mapper, &format!("{ldm}.1"));
            mapper.map_layers(&format!("{ldm}.1"), &format!("{diffusers}.attentions.{}", level.layers), &TRANSFORMER);
        }
        level.layers += 1;
    }
    levels.push(level);
    Ok(levels)
}

/// Maps the up blocks, coarsest level first: each level has one resnet block more than on the way down, and the last block
/// of each level but the finest upsamples.
fn map_up_blocks(mapper: &mut WeightMapper<'_>, levels: &mut [Level]) {
    let mut block = 0;
    for (up, level) in levels.iter_mut().rev().enumerate() {
        for layer in 0..=level.layers {
            let ldm = format!("output_blocks.{block}");
            mapper.map_layers(&format!("{ldm}.0"), &format!("up_blocks.{up}.resnets.{layer}"), &RESNET);
            if mapper.has(&format!("{ldm}.1.norm.weight")) {
                level.up_attention = true;
                level.depth = depth(mapper, &format!("{ldm}.1"));
                mapper.map_layers(&format!("{ldm}.1"), &format!("up_blocks.{up}.attentions.{layer}"), &TRANSFORMER);
            }
            // The upsampler comes after the attention, where there is one.
            if layer == level.layers {
                let place = if level.up_attention { 2 } else { 1 };
                mapper.map_module(&format!("{ldm}.{place}.conv"), &format!("up_blocks.{up}.upsamplers.0.conv"));
            }
            block += 1;
        }
    }
}

/// The number of transformer blocks of the spatial transformer at `at`.
fn depth(mapper: &WeightMapper<'_>, at: &str) -> usize {
    let exists = |block: &usize| mapper.has(&format!("{at}.transformer_blocks.{block}.norm1.weight"));
    (0..MAX_BLOCKS).take_while(exists).count()
}

impl Architecture {
    /// Heads per level: as the `.yaml` says, else 8 in the first generation, and one per 64 channels in the second.
    fn heads(&self, generation: Option<Generation>, hints: &Hints) -> Vec<usize> {
        let count: Option<usize> = hints.number("num_heads");
        let width: Option<usize> = hints.number("num_head_channels");
        let of_level = |level: &Level| match (count, width) {
            (_, Some(width)) => level.channels / width,
            (Some(count), None) => count,
            // A U-Net alone shows its generation by the width of its text embeddings: 768 in the first, 1024 in the second.
            (None, None) if generation == Some(Generation::Two) || (generation.is_none() && self.context == 1024) => {
                level.channels / 64
            }
            (None, None) => 8,
        };
        self.levels.iter().map(|level| of_level(level).max(1)).collect()
    }

    /// The `config.json` of the diffusers folder.
    pub fn config(&self, generation: Option<Generation>, hints: &Hints) -> Value {
        let each = |value: fn(&Level) -> usize| self.levels.iter().map(value).collect::<Vec<_>>();
        let named = |with: bool, names: [&'static str; 2]| if with { names[0] } else { names[1] };
        let down = self.levels.iter().map(|l| named(l.down_attention, ["CrossAttnDownBlock2D", "DownBlock2D"]));
        let up = self.levels.iter().rev().map(|l| named(l.up_attention, ["CrossAttnUpBlock2D", "UpBlock2D"]));
        let channels = each(|level| level.channels);
        json!({
            "in_channels": self.channels_in,
            "out_channels": self.channels_out,
            "block_out_channels": channels,
            "down_block_types": down.collect::<Vec<_>>(),
            "up_block_types": up.collect::<Vec<_>>(),
            "layers_per_block": each(|level| level.layers),
            "transformer_layers_per_block": each(|level| level.depth.max(1)),
            "attention_head_dim": self.heads(generation, hints),
            "cross_attention_dim": self.context,
            "norm_num_groups": norm_groups(&channels),
            "sample_size": if self.context == 1024 { 96 } else { 64 },
        })
    }
}
