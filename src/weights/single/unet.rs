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
use crate::weights::{
    error::LoadError,
    ldm_names::{RESNET, UNET_ENDS},
};

/// Prefix of the U-Net's tensors in a checkpoint.
pub(super) const PREFIX: &str = "model.diffusion_model.";

/// Other prefixes, in files of a U-Net alone.
const OTHER_PREFIXES: [&str; 2] = ["diffusion_model.", ""];

/// The prefix of the U-Net's tensors in a file; `None` for a file without one.
pub(super) fn prefix(tensors: &Tensors) -> Option<&'static str> {
    let has = |prefix: &str, block: &str| tensors.below(&format!("{prefix}{block}")).next().is_some();
    let others = OTHER_PREFIXES.into_iter().filter(|prefix| has(prefix, "input_blocks."));
    if has(PREFIX, "") { Some(PREFIX) } else { others.into_iter().next() }
}

/// More blocks than any known network has.
const MAX_BLOCKS: usize = 64;

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
    /// Whether its spatial transformers have different numbers of blocks.
    uneven: bool,
}

impl Level {
    fn add_depth(&mut self, depth: usize) {
        self.uneven |= self.depth != 0 && self.depth != depth;
        self.depth = depth;
    }
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
    /// Transformer blocks of the middle block.
    middle_depth: usize,
    /// Whether transformers begin with a linear layer, as from 2.0 on, instead of a convolution.
    pub linear: bool,
    /// Widths of the embedding of sizes and pooled text, in XL: input and output.
    added: Option<usize>,
}

/// Maps the U-Net's weights to diffusers names.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that is needed to tell the architecture, and is missing.
pub(super) fn read(tensors: &Tensors, path: &Path) -> Result<(Weights, Architecture), LoadError> {
    let mut mapper = WeightMapper::new(tensors, prefix(tensors).unwrap_or(PREFIX), path);
    let channels_in = mapper.side("input_blocks.0.0.weight", 1)?;
    let channels_out = mapper.side("out.2.weight", 0)?;
    for (ldm, diffusers) in UNET_ENDS {
        mapper.map_module(ldm, diffusers);
    }
    let mut levels = map_down_blocks(&mut mapper)?;
    mapper.map_layers("middle_block.0", "mid_block.resnets.0", &RESNET);
    mapper.map_layers("middle_block.1", "mid_block.attentions.0", &TRANSFORMER);
    mapper.map_layers("middle_block.2", "mid_block.resnets.1", &RESNET);
    map_up_blocks(&mut mapper, &mut levels);
    let context = mapper.side("middle_block.1.transformer_blocks.0.attn2.to_k.weight", 1)?;
    let middle_depth = depth(&mapper, "middle_block.1");
    let linear =
        mapper.has("middle_block.1.proj_in.weight") && mapper.side("middle_block.1.proj_in.weight", 2).is_err();
    let added = mapper.has("label_emb.0.0.weight").then(|| mapper.side("label_emb.0.0.weight", 1)).transpose()?;
    let found = Architecture { channels_in, channels_out, context, levels, middle_depth, linear, added };
    found.check(path)?;
    Ok((mapper.weights, found))
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
            level.add_depth(depth(mapper, &format!("{ldm}.1")));
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
                level.add_depth(depth(mapper, &format!("{ldm}.1")));
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
    /// Refuses networks that have these names but work otherwise.
    fn check(&self, path: &Path) -> Result<(), LoadError> {
        let kind = match self.channels_in {
            9 if self.channels_out == 4 => "an inpainting model (9 channels: latents, mask and picture)",
            5 if self.channels_out == 4 => "a depth model (5 channels: latents and depth)",
            8 if self.channels_out == 4 => "a model that edits pictures (8 channels: latents and picture)",
            7 if self.channels_out == 4 => "an upscaler (7 channels: latents and a small picture)",
            _ if self.levels.iter().any(|level| level.uneven) => {
                "a distilled model, whose transformers in one level differ (as SSD-1B's and Vega's do)"
            }
            _ => return Ok(()),
        };
        Err(LoadError::OtherNetwork { path: path.display().to_string(), kind })
    }

    /// Heads per level: as the `.yaml` says, else 8 in the first generation, and one per 64 channels from the second on.
    fn heads(&self, generation: Option<Generation>, hints: &Hints) -> Vec<usize> {
        let count: Option<usize> = hints.number("num_heads");
        let width: Option<usize> = hints.number("num_head_channels");
        // A U-Net alone shows its generation by its linear layers, or by the width of its text embeddings.
        let alone = generation.is_none() && (self.linear || self.context == 1024);
        let later = alone || generation.is_some_and(|generation| generation != Generation::One);
        let of_level = |level: &Level| match (count, width) {
            (_, Some(width)) => level.channels / width,
            (Some(count), None) => count,
            (None, None) if later => level.channels / 64,
            (None, None) => 8,
        };
        self.levels.iter().map(|level| of_level(level).max(1)).collect()
    }

    /// The `config.json` of the diffusers folder. `pooled` is the width of XL's pooled text embedding, `side` that of the
    /// latents it was trained on.
    pub fn config(&self, generation: Option<Generation>, hints: &Hints, pooled: Option<usize>, side: usize) -> Value {
        let each = |value: fn(&Level) -> usize| self.levels.iter().map(value).collect::<Vec<_>>();
        let named = |with: bool, names: [&'static str; 2]| if with { names[0] } else { names[1] };
        let down = self.levels.iter().map(|l| named(l.down_attention, ["CrossAttnDownBlock2D", "DownBlock2D"]));
        let up = self.levels.iter().rev().map(|l| named(l.up_attention, ["CrossAttnUpBlock2D", "UpBlock2D"]));
        let channels = each(|level| level.channels);
        // The middle block has as many as the last level, or an own number where that has none.
        let mut depths = each(|level| level.depth.max(1));
        if let (Some(last), Some(level)) = (depths.last_mut(), self.levels.last())
            && level.depth == 0
        {
            *last = self.middle_depth.max(1);
        }
        let mut config = json!({
            "in_channels": self.channels_in,
            "out_channels": self.channels_out,
            "block_out_channels": channels,
            "down_block_types": down.collect::<Vec<_>>(),
            "up_block_types": up.collect::<Vec<_>>(),
            "layers_per_block": each(|level| level.layers),
            "transformer_layers_per_block": depths,
            "attention_head_dim": self.heads(generation, hints),
            "cross_attention_dim": self.context,
            "norm_num_groups": norm_groups(&channels),
            "sample_size": side,
        });
        if let Some(input) = self.added {
            // The published width of the pooled embedding, for a U-Net without text encoders.
            let pooled = pooled.unwrap_or(1280);
            config["addition_embed_type"] = json!("text_time");
            config["projection_class_embeddings_input_dim"] = json!(input);
            config["addition_time_embed_dim"] = json!(input.saturating_sub(pooled) / 6);
        }
        config
    }

    /// Whether it is conditioned on sizes and a pooled embedding, as XL's.
    pub fn is_xl(&self) -> bool {
        self.added.is_some()
    }

    /// Width of the text embeddings that it attends to.
    pub fn context(&self) -> usize {
        self.context
    }
}
