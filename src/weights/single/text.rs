//! The text encoders of single files: CLIP's under transformers' own names, or OpenCLIP's.
//!
//! Separate as one network: its names in LDM and transformers, and the config that its shapes show.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    generation::{Encoder, Generation, Spelling},
    header::Tensors,
    mapping::{WeightMapper, Weights},
};
use crate::weights::{error::LoadError, ldm_names::TEXT_LAYER};

/// More layers than any known network has.
const MAX_LAYERS: usize = 128;

/// Channels per attention head, the same in every published encoder.
const HEAD_WIDTH: usize = 64;

/// The architecture, as the shapes show it.
#[derive(Debug)]
pub(super) struct Architecture {
    pub vocabulary: usize,
    positions: usize,
    width: usize,
    inner_width: usize,
    layers: usize,
    /// Width of the pooled embedding.
    pub projection: usize,
    /// OpenAI's CLIP has another activation than OpenCLIP.
    open_clip: bool,
}

/// Maps the weights of a text encoder to transformers' names. `is_first` says whether it is the only one, or XL's first.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that is needed to tell the architecture, and is missing.
pub(super) fn read(
    tensors: &Tensors,
    encoder: Encoder,
    (generation, is_first): (Generation, bool),
    path: &Path,
) -> Result<(Weights, Architecture), LoadError> {
    let mapper = WeightMapper::new(tensors, encoder.prefix, path);
    let open_clip = generation == Generation::Two || !is_first;
    // Stable Diffusion 2 uses the output of the layer before the last, so the last one is left out.
    let drops_last = generation == Generation::Two;
    let (weights, mut architecture) = match encoder.spelling {
        Spelling::Transformers => read_clip(mapper)?,
        Spelling::OpenClip => read_open_clip(mapper, drops_last, is_first)?,
    };
    if encoder.spelling == Spelling::Transformers && drops_last && architecture.layers == PUBLISHED_LAYERS_OF_TWO {
        architecture.layers -= 1;
    }
    architecture.open_clip = open_clip;
    Ok((weights, architecture))
}

/// Layers of OpenCLIP's ViT-H, the last of which converters leave out or not.
const PUBLISHED_LAYERS_OF_TWO: usize = 24;

/// CLIP's text encoder. Files from before transformers 4.x, and from 5 on, have no `text_model` in their names.
fn read_clip(mut mapper: WeightMapper<'_>) -> Result<(Weights, Architecture), LoadError> {
    let nested = mapper.has("text_model.final_layer_norm.weight");
    let root = if nested { "text_model." } else { "" };
    for part in ["embeddings", "encoder", "final_layer_norm"] {
        mapper.map_module(&format!("{root}{part}"), &format!("text_model.{part}"));
    }
    mapper.map_module("text_projection", "text_projection");
    let tokens = format!("{root}embeddings.token_embedding.weight");
    let layer = |index: usize| format!("{root}encoder.layers.{index}.mlp.fc1.weight");
    let width = mapper.side(&tokens, 1)?;
    let architecture = Architecture {
        vocabulary: mapper.side(&tokens, 0)?,
        width,
        positions: mapper.side(&format!("{root}embeddings.position_embedding.weight"), 0)?,
        inner_width: mapper.side(&layer(0), 0)?,
        layers: (0..MAX_LAYERS).take_while(|&index| mapper.has(&layer(index))).count(),
        projection: mapper.side("text_projection.weight", 0).unwrap_or(width),
        open_clip: false,
    };
    Ok((mapper.weights, architecture))
}

/// OpenCLIP's text encoder. Query, key and value are one matrix, one below the other; the projection is transposed.
fn read_open_clip(
    mut mapper: WeightMapper<'_>,
    drops_last: bool,
    is_first: bool,
) -> Result<(Weights, Architecture), LoadError> {
    let layer = |index: usize| format!("transformer.resblocks.{index}");
    let count = (0..MAX_LAYERS).take_while(|&i| mapper.has(&format!("{}.mlp.c_fc.weight", layer(i)))).count();
    let width = mapper.side("token_embedding.weight", 1)?;
    let architecture = Architecture {
        vocabulary: mapper.side("token_embedding.weight", 0)?,
        width,
        positions: mapper.side("positional_embedding", 0)?,
        inner_width: mapper.side(&format!("{}.mlp.c_fc.weight", layer(0)), 0)?,
        layers: count.saturating_sub(usize::from(drops_last)),
        projection: if is_first { width } else { mapper.side("text_projection", 1)? },
        open_clip: true,
    };
    mapper.map_module("token_embedding", "text_model.embeddings.token_embedding");
    mapper.map_module("ln_final", "text_model.final_layer_norm");
    mapper.map_tensor("positional_embedding", "text_model.embeddings.position_embedding.weight", Some);
    if !is_first {
        mapper.map_tensor("text_projection", "text_projection.weight", |slice| Some(slice.transposed()));
    }
    for index in 0..architecture.layers {
        let (from, to) = (layer(index), format!("text_model.encoder.layers.{index}"));
        mapper.map_layers(&from, &to, &TEXT_LAYER);
        for kind in ["weight", "bias"] {
            for (part, name) in ["q_proj", "k_proj", "v_proj"].into_iter().enumerate() {
                let of_part = |slice: crate::weights::safetensors_format::TensorSlice| slice.part(part, 3);
                mapper.map_tensor(
                    &format!("{from}.attn.in_proj_{kind}"),
                    &format!("{to}.self_attn.{name}.{kind}"),
                    of_part,
                );
            }
        }
    }
    Ok((mapper.weights, architecture))
}

impl Architecture {
    /// The `config.json` of the diffusers folder.
    pub fn config(&self) -> Value {
        json!({
            "model_type": "clip_text_model",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "intermediate_size": self.inner_width,
            "projection_dim": self.projection,
            "num_hidden_layers": self.layers,
            "num_attention_heads": (self.width / HEAD_WIDTH).max(1),
            "max_position_embeddings": self.positions,
            "hidden_act": if self.open_clip { "gelu" } else { "quick_gelu" },
        })
    }
}
