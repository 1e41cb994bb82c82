//! What a network's output means, and how to state it otherwise: a fusion needs both models to speak alike.
//!
//! With `x = alpha * x0 + s * noise`, `alpha^2 + s^2 = 1`: `v = alpha * noise - s * x0`.

use crate::{field::Latents, sampling::PredictionType};

/// `alpha` and `s` at noise level `sigma` (of `x0 + sigma * noise`).
fn rates(sigma: f32) -> (f32, f32) {
    let alpha = 1.0 / (1.0 + sigma * sigma).sqrt();
    (alpha, sigma * alpha)
}

/// Restates a prediction made on `model_input`.
pub fn convert(
    prediction: &Latents,
    model_input: &Latents,
    sigma: f32,
    from: PredictionType,
    to: PredictionType,
) -> Latents {
    let (alpha, s) = rates(sigma);
    match (from, to) {
        (PredictionType::Epsilon, PredictionType::VPrediction) => {
            prediction.zip(model_input, |eps, x| (eps - s * x) / alpha)
        }
        (PredictionType::VPrediction, PredictionType::Epsilon) => prediction.zip(model_input, |v, x| alpha * v + s * x),
        _ => prediction.clone(),
    }
}

/// By what a difference of two predictions is to be multiplied to be a difference of noise predictions.
pub fn noise_scale(kind: PredictionType, sigma: f32) -> f32 {
    match kind {
        PredictionType::Epsilon => 1.0,
        PredictionType::VPrediction => rates(sigma).0,
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
        let there = convert(&eps, &x, 3.0, e, v);
        let back = convert(&there, &x, 3.0, v, e);
        assert!(back.zip(&eps, |a, b| a - b).norm() < 1e-5, "{back:?}");
        assert!(there.zip(&eps, |a, b| a - b).norm() > 0.1, "v is not epsilon");
    }
}
