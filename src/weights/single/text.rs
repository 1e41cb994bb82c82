//! The text encoders of LDM: CLIP's under transformers' own names, or OpenCLIP's.
//!
//! Separate as one network: its names in LDM and transformers, and the config that its shapes show.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    generation::{CLIP, Generation, OPEN_CLIP},
    header::Tensors,
    mapping::{WeightMapper, Weights},
};
use crate::weights::error::LoadError;

/// More layers than any known network has.
const MAX_LAYERS: usize = 128;

/// Channels per attention head, the same in every published encoder.
const HEAD_WIDTH: usize = 64;

/// The architecture, as the shapes show it.
#[derive(Debug)]
pub(super) struct Architecture {
    vocabulary: usize,
    positions: usize,
    width: usize,
    inner_width: usize,
    layers: usize,
}

/// Maps the text encoder's weights to transformers' names.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that is needed to tell the architecture, and is missing.
pub(super) fn read(
    tensors: &Tensors,
    generation: Generation,
    path: &Path,
) -> Result<(Weights, Architecture), LoadError> {
    match generation {
        Generation::One => read_clip(WeightMapper::new(tensors, CLIP, path)),
        Generation::Two => read_open_clip(WeightMapper::new(tensors, OPEN_CLIP, path)),
    }
}

/// CLIP's text encoder. Files from before transformers 4.x have no `text_model` in their names.
fn read_clip(mut mapper: WeightMapper<'_>) -> Result<(Weights, Architecture), LoadError> {
    let nested = mapper.has("text_model.final_layer_norm.weight");
    let root = if nested { "text_model." } else { "" };
    for part in ["embeddings", "encoder", "final_layer_norm"] {
        mapper.map_module(&format!("{root}{part}"), &format!("text_model.{part}"));
    }
    let tokens = format!("{root}embeddings.token_embedding.weight");
    let layer = |index: usize| format!("{root}encoder.layers.{index}.mlp.fc1.weight");
    let architecture = Architecture {
        vocabulary: mapper.side(&tokens, 0)?,
        width: mapper.side(&tokens, 1)?,
        positions: mapper.side(&format!("{root}embeddings.position_embedding.weight"), 0)?,
        inner_width: mapper.side(&layer(0), 0)?,
        layers: (0..MAX_LAYERS).take_while(|&index| mapper.has(&layer(index))).count(),
    };
    Ok((mapper.weights, architecture))
}

/// OpenCLIP's text encoder. Query, key and value are one matrix, one below the other. Stable Diffusion uses the output of
/// the layer before the last, so the last one is left out.
fn read_open_clip(mut mapper: WeightMapper<'_>) -> Result<(Weights, Architecture), LoadError> {
    const LAYER: [(&str, &str); 5] = [
        ("ln_1", "layer_norm1"),
        ("ln_2", "layer_norm2"),
        ("attn.out_proj", "self_attn.out_proj"),
        ("mlp.c_fc", "mlp.fc1"),
        ("mlp.c_proj", "mlp.fc2"),
    ];
    let layer = |index: usize| format!("transformer.resblocks.{index}");
    let exists = |index: &usize| mapper.has(&format!("{}.mlp.c_fc.weight", layer(*index)));
    let count = (0..MAX_LAYERS).take_while(exists).count();
    let architecture = Architecture {
        vocabulary: mapper.side("token_embedding.weight", 0)?,
        width: mapper.side("token_embedding.weight", 1)?,
        positions: mapper.side("positional_embedding", 0)?,
        inner_width: mapper.side(&format!("{}.mlp.c_fc.weight", layer(0)), 0)?,
        layers: count.saturating_sub(1),
    };
    mapper.map_module("token_embedding", "text_model.embeddings.token_embedding");
    mapper.map_module("ln_final", "text_model.final_layer_norm");
    if let Some(positions) = mapper.tensors.get(&format!("{OPEN_CLIP}positional_embedding")) {
        mapper.weights.slices.insert("text_model.embeddings.position_embedding.weight".to_owned(), positions.clone());
    }
    for index in 0..architecture.layers {
        let to = format!("text_model.encoder.layers.{index}");
        mapper.map_layers(&layer(index), &to, &LAYER);
        for kind in ["weight", "bias"] {
            let fused = mapper.tensors.get(&format!("{OPEN_CLIP}{}.attn.in_proj_{kind}", layer(index)));
            for (part, name) in ["q_proj", "k_proj", "v_proj"].into_iter().enumerate() {
                let slice = fused.and_then(|fused| fused.part(part, 3));
                mapper.weights.slices.extend(slice.map(|slice| (format!("{to}.self_attn.{name}.{kind}"), slice)));
            }
        }
    }
    Ok((mapper.weights, architecture))
}

impl Architecture {
    /// The `config.json` of the diffusers folder.
    pub fn config(&self, generation: Generation) -> Value {
        let activation = if generation == Generation::One { "quick_gelu" } else { "gelu" };
        json!({
            "model_type": "clip_text_model",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "intermediate_size": self.inner_width,
            "projection_dim": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": (self.width / HEAD_WIDTH).max(1),
            "max_position_embeddings": self.positions,
            "hidden_act": activation,
        })
    }
}
