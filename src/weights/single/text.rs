//! The text encoders of LDM: CLIP's under transformers' own names, or OpenCLIP's.

use std::path::Path;

use serde_json::{Value, json};

use super::{Generation, Taker, Weights, header::Tensors};
use crate::weights::LoadError;

const CLIP: &str = "cond_stage_model.transformer.";
const OPEN_CLIP: &str = "cond_stage_model.model.";

/// More layers than any known network has.
const MAX_LAYERS: usize = 128;

/// Every head of a published encoder is as wide.
const HEAD: usize = 64;

/// What the shapes tell.
#[derive(Debug)]
pub(super) struct Shape {
    vocabulary: usize,
    positions: usize,
    width: usize,
    inner: usize,
    layers: usize,
}

/// Which encoder the file has, if any.
pub(super) fn generation(tensors: &Tensors) -> Option<Generation> {
    if tensors.below(OPEN_CLIP).next().is_some() {
        Some(Generation::Two)
    } else {
        tensors.below(CLIP).next().map(|_| Generation::One)
    }
}

/// The weights under transformers' names.
///
/// # Errors
/// [`LoadError::NoTensor`] for the first tensor that the structure cannot be told without.
pub(super) fn read(tensors: &Tensors, generation: Generation, path: &Path) -> Result<(Weights, Shape), LoadError> {
    match generation {
        Generation::One => read_clip(Taker::new(tensors, CLIP, path)),
        Generation::Two => read_open_clip(Taker::new(tensors, OPEN_CLIP, path)),
    }
}

/// Before transformers 4.x files had no `text_model`.
fn read_clip(mut taker: Taker<'_>) -> Result<(Weights, Shape), LoadError> {
    let nested = taker.has("text_model.final_layer_norm.weight");
    let root = if nested { "text_model." } else { "" };
    for part in ["embeddings", "encoder", "final_layer_norm"] {
        taker.take(&format!("{root}{part}"), &format!("text_model.{part}"));
    }
    let tokens = format!("{root}embeddings.token_embedding.weight");
    let layer = |index: usize| format!("{root}encoder.layers.{index}.mlp.fc1.weight");
    let shape = Shape {
        vocabulary: taker.side(&tokens, 0)?,
        width: taker.side(&tokens, 1)?,
        positions: taker.side(&format!("{root}embeddings.position_embedding.weight"), 0)?,
        inner: taker.side(&layer(0), 0)?,
        layers: (0..MAX_LAYERS).take_while(|&index| taker.has(&layer(index))).count(),
    };
    Ok((taker.weights, shape))
}

/// OpenCLIP keeps query, key and value in one matrix, one below the other. Stable Diffusion reads the text before the
/// last layer, which therefore is left out.
fn read_open_clip(mut taker: Taker<'_>) -> Result<(Weights, Shape), LoadError> {
    const LAYER: [(&str, &str); 5] = [
        ("ln_1", "layer_norm1"),
        ("ln_2", "layer_norm2"),
        ("attn.out_proj", "self_attn.out_proj"),
        ("mlp.c_fc", "mlp.fc1"),
        ("mlp.c_proj", "mlp.fc2"),
    ];
    let layer = |index: usize| format!("transformer.resblocks.{index}");
    let is_there = |index: &usize| taker.has(&format!("{}.mlp.c_fc.weight", layer(*index)));
    let all = (0..MAX_LAYERS).take_while(is_there).count();
    let shape = Shape {
        vocabulary: taker.side("token_embedding.weight", 0)?,
        width: taker.side("token_embedding.weight", 1)?,
        positions: taker.side("positional_embedding", 0)?,
        inner: taker.side(&format!("{}.mlp.c_fc.weight", layer(0)), 0)?,
        layers: all.saturating_sub(1),
    };
    taker.take("token_embedding", "text_model.embeddings.token_embedding");
    taker.take("ln_final", "text_model.final_layer_norm");
    if let Some(positions) = taker.tensors.get(&format!("{OPEN_CLIP}positional_embedding")) {
        taker.weights.slices.insert("text_model.embeddings.position_embedding.weight".to_owned(), positions.clone());
    }
    for index in 0..shape.layers {
        let to = format!("text_model.encoder.layers.{index}");
        taker.take_each(&layer(index), &to, &LAYER);
        for kind in ["weight", "bias"] {
            let fused = taker.tensors.get(&format!("{OPEN_CLIP}{}.attn.in_proj_{kind}", layer(index)));
            for (part, name) in ["q_proj", "k_proj", "v_proj"].into_iter().enumerate() {
                let slice = fused.and_then(|fused| fused.part(part, 3));
                taker.weights.slices.extend(slice.map(|slice| (format!("{to}.self_attn.{name}.{kind}"), slice)));
            }
        }
    }
    Ok((taker.weights, shape))
}

impl Shape {
    /// The `config.json` of the diffusers folder.
    pub fn config(&self, generation: Generation) -> Value {
        let activation = if generation == Generation::One { "quick_gelu" } else { "gelu" };
        json!({
            "model_type": "clip_text_model",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "intermediate_size": self.inner,
            "projection_dim": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": (self.width / HEAD).max(1),
            "max_position_embeddings": self.positions,
            "hidden_act": activation,
        })
    }
}
