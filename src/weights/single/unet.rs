//! LDM's U-Net (`openaimodel.UNetModel`): numbered blocks, in the order in which they run.

use std::path::Path;

use serde_json::{Value, json};

use super::{Generation, Taker, Weights, header::Tensors, hints::Hints, norm_groups};
use crate::weights::LoadError;

pub(super) const PREFIX: &str = "model.diffusion_model.";

/// More blocks than any known network has.
const MAX_BLOCKS: usize = 64;

/// LDM's name, and diffusers', of each layer of a resnet block.
const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// A spatial transformer has the same names in both.
const TRANSFORMER: [(&str, &str); 4] =
    [("norm", "norm"), ("proj_in", "proj_in"), ("transformer_blocks", "transformer_blocks"), ("proj_out", "proj_out")];

/// One resolution.
#[derive(Debug, Default)]
struct Level {
    channels: usize,
    /// Resnet blocks on the way down.
    layers: usize,
    down_attention: bool,
    up_attention: bool,
    /// Transformer blocks of each attention.
    depth: usize,
}

/// What the shapes tell.
#[derive(Debug)]
pub(super) struct Shape {
    channels_in: usize,
    channels_out: usize,
    context: usize,
    levels: Vec<Level>,
}

/// The weights under diffusers names.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that the structure cannot be told without.
pub(super) fn read(tensors: &Tensors, path: &Path) -> Result<(Weights, Shape), LoadError> {
    let mut taker = Taker::new(tensors, PREFIX, path);
    let channels_in = taker.side("input_blocks.0.0.weight", 1)?;
    let channels_out = taker.side("out.2.weight", 0)?;
    taker.take_each("time_embed", "time_embedding", &[("0", "linear_1"), ("2", "linear_2")]);
    for (theirs, ours) in [("input_blocks.0.0", "conv_in"), ("out.0", "conv_norm_out"), ("out.2", "conv_out")] {
        taker.take(theirs, ours);
    }
    let mut levels = take_down(&mut taker)?;
    taker.take_each("middle_block.0", "mid_block.resnets.0", &RESNET);
    taker.take_each("middle_block.1", "mid_block.attentions.0", &TRANSFORMER);
    taker.take_each("middle_block.2", "mid_block.resnets.1", &RESNET);
    take_up(&mut taker, &mut levels);
    let context = taker.side("middle_block.1.transformer_blocks.0.attn2.to_k.weight", 1)?;
    Ok((taker.weights, Shape { channels_in, channels_out, context, levels }))
}

/// The way down: after the first convolution, resnet blocks with or without attention, then one that halves the sides.
fn take_down(taker: &mut Taker<'_>) -> Result<Vec<Level>, LoadError> {
    let mut levels = Vec::new();
    let mut level = Level::default();
    for block in 1..MAX_BLOCKS {
        let (here, to) = (format!("input_blocks.{block}"), format!("down_blocks.{}", levels.len()));
        if taker.has(&format!("{here}.0.op.weight")) {
            taker.take(&format!("{here}.0.op"), &format!("{to}.downsamplers.0.conv"));
            levels.push(std::mem::take(&mut level));
            continue;
        }
        let resnet = format!("{here}.0.in_layers.2.weight");
        // A level begins with a resnet block; after it there may be nothing more.
        if level.layers > 0 && !taker.has(&resnet) {
            break;
        }
        level.channels = taker.side(&resnet, 0)?;
        taker.take_each(&format!("{here}.0"), &format!("{to}.resnets.{}", level.layers), &RESNET);
        if taker.has(&format!("{here}.1.norm.weight")) {
            level.down_attention = true;
            level.depth = depth(taker, &format!("{here}.1"));
            taker.take_each(&format!("{here}.1"), &format!("{to}.attentions.{}", level.layers), &TRANSFORMER);
        }
        level.layers += 1;
    }
    levels.push(level);
    Ok(levels)
}

/// The way up, coarsest level first: one more resnet block a level, and the last of each but the finest doubles the
/// sides.
fn take_up(taker: &mut Taker<'_>, levels: &mut [Level]) {
    let mut block = 0;
    for (up, level) in levels.iter_mut().rev().enumerate() {
        for layer in 0..=level.layers {
            let here = format!("output_blocks.{block}");
            taker.take_each(&format!("{here}.0"), &format!("up_blocks.{up}.resnets.{layer}"), &RESNET);
            if taker.has(&format!("{here}.1.norm.weight")) {
                level.up_attention = true;
                level.depth = depth(taker, &format!("{here}.1"));
                taker.take_each(&format!("{here}.1"), &format!("up_blocks.{up}.attentions.{layer}"), &TRANSFORMER);
            }
            // The last one doubles the sides: behind the attention, where there is one.
            if layer == level.layers {
                let place = if level.up_attention { 2 } else { 1 };
                taker.take(&format!("{here}.{place}.conv"), &format!("up_blocks.{up}.upsamplers.0.conv"));
            }
            block += 1;
        }
    }
}

/// Transformer blocks of an attention.
fn depth(taker: &Taker<'_>, at: &str) -> usize {
    let is_there = |block: &usize| taker.has(&format!("{at}.transformer_blocks.{block}.norm1.weight"));
    (0..MAX_BLOCKS).take_while(is_there).count()
}

impl Shape {
    /// Heads: 8 everywhere in the first generation, 64 channels each in the second, or as the `.yaml` says.
    fn heads(&self, generation: Option<Generation>, hints: &Hints) -> Vec<usize> {
        let count: Option<usize> = hints.number("num_heads");
        let width: Option<usize> = hints.number("num_head_channels");
        let of_level = |level: &Level| match (count, width) {
            (_, Some(width)) => level.channels / width,
            (Some(count), None) => count,
            // A U-Net alone is told by the text it wants: 768 wide in the first generation, 1024 in the second.
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
