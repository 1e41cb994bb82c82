//! From what the network predicts to the clean latents x0 and to the noise, in the two common scalings of latents; and
//! from one kind of prediction to another: a fusion needs both models to speak alike.
//!
//! With `x = alpha * x0 + sigma * noise`, `alpha^2 + sigma^2 = 1`: `v = alpha * noise - sigma * x0`.

use super::PredictionType;
use crate::tensor::Latents;

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
    stated(output, latents, [alpha, sigma], kind, PredictionType::Epsilon)
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

/// `alpha` and `sigma` of variance-preserving latents at the noise level that is `sigma` in `x0 + sigma * noise`.
pub(super) fn rates(sigma: f32) -> [f32; 2] {
    let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
    [alpha, sigma * alpha]
}

/// Restates a prediction made on `model_input` (variance preserving) at noise level `sigma` (of `x0 + sigma * noise`).
pub fn restate(
    prediction: &Latents,
    model_input: &Latents,
    sigma: f32,
    from: PredictionType,
    to: PredictionType,
) -> Latents {
    stated(prediction, model_input, rates(sigma), from, to)
}

fn stated(
    prediction: &Latents,
    latents: &Latents,
    [alpha, sigma]: [f32; 2],
    from: PredictionType,
    to: PredictionType,
) -> Latents {
    match (from, to) {
        (PredictionType::Epsilon, PredictionType::VPrediction) => {
            prediction.zip(latents, |eps, x| (eps - sigma * x) / alpha)
        }
        (PredictionType::VPrediction, PredictionType::Epsilon) => prediction.zip(latents, |v, x| alpha * v + sigma * x),
        _ => prediction.clone(),
    }
}

/// By what a difference of two predictions is to be multiplied to be a difference of noise predictions.
pub fn noise_scale(kind: PredictionType, sigma: f32) -> f32 {
    match kind {
        PredictionType::Epsilon => 1.0,
        PredictionType::VPrediction => rates(sigma)[0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_prediction() {
        let x = Latents::new(1, 1, 3, vec![0.3, -1.2, 2.0]);
        let eps = Latents::new(1, 1, 3, vec![1.0, 0.5, -0.7]);
        let (e, v) = (PredictionType::Epsilon, PredictionType::VPrediction);
        let there = restate(&eps, &x, 3.0, e, v);
        let back = restate(&there, &x, 3.0, v, e);
        assert!(back.zip(&eps, |a, b| a - b).norm() < 1e-5, "{back:?}");
        assert!(there.zip(&eps, |a, b| a - b).norm() > 0.1, "v is not epsilon");
    }
}
