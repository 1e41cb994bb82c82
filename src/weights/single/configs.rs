//! Config files as the published models have them, where shapes tell nothing.

use serde_json::{Value, json};

use super::{Generation, hints::Hints};
use crate::sampling::PredictionType;

pub(super) fn index() -> Value {
    json!({ "_class_name": "StableDiffusionPipeline" })
}

/// The noise schedule: linear in the square roots of beta.
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

/// OpenCLIP pads with the first token of the vocabulary, CLIP with the end token.
pub(super) fn tokenizer(generation: Generation) -> Value {
    let end = "<|endoftext|>";
    let padding = if generation == Generation::Two { "!" } else { end };
    json!({ "bos_token": "<|startoftext|>", "eos_token": end, "pad_token": padding, "model_max_length": 77 })
}
