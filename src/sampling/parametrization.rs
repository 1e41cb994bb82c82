//! Conversions between what networks predict (noise or velocity), the clean latents x0 and the noise, in the two common
//! scalings of latents.
//!
//! Separate from the solvers, because all of them need it, and a fusion converts between the parametrizations of its two
//! models.
//!
//! With `x = alpha * x0 + sigma * noise` and `alpha^2 + sigma^2 = 1` (variance preserving), the velocity is
//! `v = alpha * noise - sigma * x0`.

use super::config::PredictionType;
use crate::tensor::Latents;

/// A noise level in variance-preserving terms.
#[derive(Clone, Copy)]
pub(super) struct NoiseLevel {
    pub alpha: f32,
    pub sigma: f32,
    /// `ln(alpha / sigma)`: half the log signal-to-noise ratio.
    pub lambda: f32,
}

impl NoiseLevel {
    /// The level that is `sigma` in `x0 + sigma * noise`. Sigma 0 gives an infinite lambda, for which the solvers'
    /// exponentials have their limits.
    pub fn new(sigma: f32) -> Self {
        let [alpha, sigma] = sigma_to_alpha_sigma(sigma);
        Self { alpha, sigma, lambda: alpha.ln() - sigma.ln() }
    }
}

/// x0, where latents are `alpha * x0 + sigma * noise` with `alpha^2 + sigma^2 = 1` (variance preserving).
pub(super) fn x0_variance_preserving(
    prediction_type: PredictionType,
    alpha: f32,
    sigma: f32,
    output: &Latents,
    latents: &Latents,
) -> Latents {
    match prediction_type {
        PredictionType::Epsilon => latents.zip(output, |x, e| (x - sigma * e) / alpha),
        PredictionType::VPrediction => latents.zip(output, |x, v| alpha * x - sigma * v),
    }
}

/// The noise, where latents are `alpha * x0 + sigma * noise` with `alpha^2 + sigma^2 = 1` (variance preserving).
pub(super) fn epsilon_variance_preserving(
    prediction_type: PredictionType,
    alpha: f32,
    sigma: f32,
    output: &Latents,
    latents: &Latents,
) -> Latents {
    convert(output, latents, [alpha, sigma], prediction_type, PredictionType::Epsilon)
}

/// x0, where latents are `x0 + sigma * noise` (variance exploding).
pub(super) fn x0_variance_exploding(
    prediction_type: PredictionType,
    sigma: f32,
    output: &Latents,
    latents: &Latents,
) -> Latents {
    match prediction_type {
        PredictionType::Epsilon => latents.zip(output, |x, e| x - sigma * e),
        PredictionType::VPrediction => {
            let variance = sigma * sigma + 1.0;
            let v_factor = -sigma / variance.sqrt();
            latents.zip(output, |x, v| v * v_factor + x / variance)
        }
    }
}

/// Latents `x0 + sigma * noise` scaled to unit variance, as the network was trained on.
pub(super) fn to_unit_variance(sigma: f32, latents: &Latents) -> Latents {
    let norm = (sigma * sigma + 1.0).sqrt();
    latents.map(|x| x / norm)
}

/// `[alpha, sigma]` of variance-preserving latents, at the noise level that is `sigma` in `x0 + sigma * noise`
/// (`_sigma_to_alpha_sigma_t` in diffusers).
fn sigma_to_alpha_sigma(sigma: f32) -> [f32; 2] {
    let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
    [alpha, sigma * alpha]
}

/// Converts a network's output from one parametrization to another. `model_input` is what the network was given (variance
/// preserving), `sigma` the noise level in `x0 + sigma * noise`.
pub fn convert_prediction(
    output: &Latents,
    model_input: &Latents,
    sigma: f32,
    from: PredictionType,
    to: PredictionType,
) -> Latents {
    convert(output, model_input, sigma_to_alpha_sigma(sigma), from, to)
}

fn convert(
    output: &Latents,
    latents: &Latents,
    [alpha, sigma]: [f32; 2],
    from: PredictionType,
    to: PredictionType,
) -> Latents {
    match (from, to) {
        (PredictionType::Epsilon, PredictionType::VPrediction) => {
            output.zip(latents, |eps, x| (eps - sigma * x) / alpha)
        }
        (PredictionType::VPrediction, PredictionType::Epsilon) => output.zip(latents, |v, x| alpha * v + sigma * x),
        _ => output.clone(),
    }
}

/// The factor that turns a difference of two outputs at one noise level into a difference of noise predictions. `sigma`
/// as in `x0 + sigma * noise`.
pub fn epsilon_factor(prediction_type: PredictionType, sigma: f32) -> f32 {
    match prediction_type {
        PredictionType::Epsilon => 1.0,
        PredictionType::VPrediction => sigma_to_alpha_sigma(sigma)[0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converting_there_and_back_gives_the_same_prediction() {
        let x = Latents::new(1, 1, 3, vec![0.3, -1.2, 2.0]);
        let epsilon = Latents::new(1, 1, 3, vec![1.0, 0.5, -0.7]);
        let (e, v) = (PredictionType::Epsilon, PredictionType::VPrediction);
        let velocity = convert_prediction(&epsilon, &x, 3.0, e, v);
        let back = convert_prediction(&velocity, &x, 3.0, v, e);
        assert!(back.zip(&epsilon, |a, b| a - b).norm() < 1e-5, "{back:?}");
        assert!(velocity.zip(&epsilon, |a, b| a - b).norm() > 0.1, "v is not epsilon");
    }
}
