//! Config files of the pipeline, with the values of the published models where shapes show nothing.
//!
//! Separate from the networks' own config files, which follow from their shapes.

use serde_json::{Value, json};

use super::{generation::Generation, hints::Hints};
use crate::sampling::PredictionType;

/// `model_index.json`.
pub(super) fn index() -> Value {
    json!({ "_class_name": "StableDiffusionPipeline" })
}

/// `scheduler_config.json`: betas are linear in their square roots (`scaled_linear`).
pub(super) fn scheduler(prediction: PredictionType, hints: &Hints) -> Value {
    let prediction = match prediction {
        PredictionType::Epsilon => "epsilon",
        PredictionType::VPrediction => "v_prediction",
    };
    json!({
        "_class_name": "DDIMScheduler",
        "beta_schedule": "scaled_linear",
        "beta_start": hints.number("linear_start").unwrap_or(0.00085),
        "beta_end": hints.number("linear_end").unwrap_or(0.012),
        "num_train_timesteps": hints.number("timesteps").unwrap_or(1000u32),
        "prediction_type": prediction,
        "set_alpha_to_one": false,
        "steps_offset": 1,
    })
}

/// `tokenizer_config.json`. OpenCLIP pads with the first token of the vocabulary, CLIP with the end token.
pub(super) fn tokenizer(generation: Generation) -> Value {
    let end = "<|endoftext|>";
    let padding = if generation == Generation::Two { "!" } else { end };
    json!({ "bos_token": "<|startoftext|>", "eos_token": end, "pad_token": padding, "model_max_length": 77 })
}

/// Groups of the group norms: 32 in all published models, fewer where some channel count is not divisible by 32.
pub(super) fn norm_groups(channels: &[usize]) -> usize {
    let divides = |groups: &usize| channels.iter().all(|count| count % groups == 0);
    [32, 16, 8, 4, 2].into_iter().find(divides).unwrap_or(1)
}
