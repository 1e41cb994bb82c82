//! Config files of the pipeline, with the values of the published models where shapes show nothing.
//!
//! Separate from the networks' own config files, which follow from their shapes.

use serde_json::{Value, json};

use super::{generation::Generation, hints::Hints};
use crate::{sampling::PredictionType, weights::clip_vocabulary};

/// `model_index.json`.
pub(super) fn index(generation: Generation) -> Value {
    match generation {
        Generation::Xl => json!({ "_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": true }),
        _ => json!({ "_class_name": "StableDiffusionPipeline" }),
    }
}

/// The factor on an autoencoder's latents, where no `.yaml` names another.
pub(super) fn scaling_factor(is_xl: bool, hints: &Hints) -> f64 {
    hints.number("scale_factor").unwrap_or(if is_xl { 0.13025 } else { 0.18215 })
}

/// Side of the latents that the published models were trained on.
pub(super) fn latent_side(is_xl: bool, context: usize, prediction: Option<PredictionType>) -> usize {
    match (is_xl, context) {
        (true, _) => 128,
        // 2.x has one model of 768 pixels, which predicts velocity, and one of 512.
        (false, 1024) if prediction != Some(PredictionType::Epsilon) => 96,
        _ => 64,
    }
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
        "rescale_betas_zero_snr": hints.zero_terminal_snr,
    })
}

/// `tokenizer_config.json`. OpenCLIP pads with the first token of the vocabulary, CLIP with the end token.
pub(super) fn tokenizer(open_clip: bool) -> Value {
    let end = clip_vocabulary::END;
    let padding = if open_clip { "!" } else { end };
    json!({ "bos_token": clip_vocabulary::START, "eos_token": end, "pad_token": padding, "model_max_length": 77 })
}

/// Groups of the group norms: 32 in all published models, fewer where some channel count is not divisible by 32.
pub(super) fn norm_groups(channels: &[usize]) -> usize {
    let divides = |groups: &usize| channels.iter().all(|count| count % groups == 0);
    [32, 16, 8, 4, 2].into_iter().find(divides).unwrap_or(1)
}
