//! DDIM (Song et al. 2021, arXiv 2010.02502, eq. 12 and 16), as diffusers' `DDIMScheduler`.
//!
//! Separate as one solver family.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    parametrization::{epsilon_variance_preserving, x0_variance_preserving},
    timesteps::TimestepGrid,
};
use crate::tensor::Latents;

/// DDIM; with `eta` above 0, noise is added at every step.
#[derive(Clone)]
pub struct Ddim {
    calls: Vec<Call>,
    /// Product of alphas at each call, and after its step.
    alpha_prods: Vec<(f32, f32)>,
    prediction_type: PredictionType,
    eta: f32,
}

impl Ddim {
    /// `eta` in 0..=1: 0 is deterministic, 1 is DDPM.
    ///
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, steps: usize, eta: f32) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let stride = (config.num_train_timesteps / steps.max(1)) as i64;
        let to_one = config.set_alpha_to_one.unwrap_or(true);
        let timesteps = TimestepGrid::DDIM.timesteps(config, steps, "DDIM")?;
        let timesteps: Vec<i64> = timesteps.into_iter().map(|t| t as i64).collect();
        let alpha_prod = |t| noise.alpha_cumprod(t, to_one);
        Ok(Self {
            calls: timesteps.iter().map(|&t| noise.call_at(t)).collect(),
            alpha_prods: timesteps.iter().map(|&t| (alpha_prod(t), alpha_prod(t - stride))).collect(),
            prediction_type: config.prediction_type,
            eta,
        })
    }
}

impl Solver for Ddim {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let (alpha_prod, alpha_prod_next) = self.alpha_prods[call];
        let (alpha, sigma) = (alpha_prod.sqrt(), (1.0 - alpha_prod).sqrt());
        let x0 = x0_variance_preserving(self.prediction_type, alpha, sigma, model_output, latents);
        let epsilon = epsilon_variance_preserving(self.prediction_type, alpha, sigma, model_output, latents);
        let variance = (1.0 - alpha_prod_next) / (1.0 - alpha_prod) * (1.0 - alpha_prod / alpha_prod_next);
        let std_dev = self.eta * variance.sqrt();
        let (on_x0, on_epsilon) = (alpha_prod_next.sqrt(), (1.0 - alpha_prod_next - std_dev * std_dev).sqrt());
        let next = x0.zip(&epsilon, |x0, e| on_x0 * x0 + on_epsilon * e);
        if self.eta > 0.0 { next.zip(noise.draw(call), |x, n| x + std_dev * n) } else { next }
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let alpha_prod = self.alpha_prods[call].0;
        let (alpha, sigma) = (alpha_prod.sqrt(), (1.0 - alpha_prod).sqrt());
        x0_variance_preserving(self.prediction_type, alpha, sigma, model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
