//! From what the network predicts to the clean latents x0 and to the noise, in the two common scalings of latents.

use super::PredictionType;
use crate::field::Latents;

/// x0 where latents are `alpha * x0 + sigma * noise` with `alpha^2 + sigma^2 = 1` (variance preserving).
pub(super) fn clean_preserving(
    kind: PredictionType,
    alpha: f32,
    sigma: f32,
    output: &Latents,
    latents: &Latents,
) -> Latents {
    match kind {
        PredictionType::Epsilon => latents.zip(output, |x, e| (x - sigma * e) / alpha),
        PredictionType::VPrediction => latents.zip(output, |x, v| alpha * x - sigma * v),
    }
}

/// The noise prediction where latents are `alpha * x0 + sigma * noise` (variance preserving).
pub(super) fn epsilon_preserving(
    kind: PredictionType,
    alpha: f32,
    sigma: f32,
    output: &Latents,
    latents: &Latents,
) -> Latents {
    match kind {
        PredictionType::Epsilon => output.clone(),
        PredictionType::VPrediction => latents.zip(output, |x, v| alpha * v + sigma * x),
    }
}

/// x0 where latents are `x0 + sigma * noise` (variance exploding).
pub(super) fn clean_exploding(kind: PredictionType, sigma: f32, output: &Latents, latents: &Latents) -> Latents {
    match kind {
        PredictionType::Epsilon => latents.zip(output, |x, e| x - sigma * e),
        PredictionType::VPrediction => {
            let variance = sigma * sigma + 1.0;
            let on_v = -sigma / variance.sqrt();
            latents.zip(output, |x, v| v * on_v + x / variance)
        }
    }
}

/// Latents `x0 + sigma * noise` brought to unit variance, as the network was trained on.
pub(super) fn to_unit_variance(sigma: f32, latents: &Latents) -> Latents {
    let norm = (sigma * sigma + 1.0).sqrt();
    latents.map(|x| x / norm)
}
