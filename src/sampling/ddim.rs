//! DDIM (Song et al. 2021, arXiv 2010.02502), eq. 12 and 16.

use super::{
    Call, NoiseSchedule, PredictionType, ScheduleConfig, ScheduleError, Solver, StepNoise,
    prediction::{clean_preserving, epsilon_preserving},
    schedule::Grid,
};
use crate::tensor::Latents;

/// DDIM; with `eta` above 0, noise is added at every step.
#[derive(Clone)]
pub struct Ddim {
    calls: Vec<Call>,
    /// Product of alphas at each call and after it.
    products: Vec<(f32, f32)>,
    kind: PredictionType,
    eta: f32,
}

impl Ddim {
    /// `eta` 0 is deterministic, 1 is DDPM.
    ///
    /// # Errors
    /// No steps, or more than the noise schedule has room for.
    pub fn new(config: &ScheduleConfig, steps: usize, eta: f32) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let stride = (config.num_train_timesteps / steps.max(1)) as i64;
        let to_one = config.set_alpha_to_one.unwrap_or(true);
        let timesteps: Vec<i64> = Grid::DDIM.timesteps(config, steps, "DDIM")?.into_iter().map(|t| t as i64).collect();
        let product = |t| noise.alpha_cumprod(t, to_one);
        Ok(Self {
            calls: timesteps.iter().map(|&t| noise.call_at(t)).collect(),
            products: timesteps.iter().map(|&t| (product(t), product(t - stride))).collect(),
            kind: config.prediction_type,
            eta,
        })
    }
}

impl Solver for Ddim {
    fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn step(&mut self, call: usize, model_output: &Latents, latents: &Latents, noise: &mut StepNoise) -> Latents {
        let (here, after) = self.products[call];
        let (alpha, sigma) = (here.sqrt(), (1.0 - here).sqrt());
        let clean = clean_preserving(self.kind, alpha, sigma, model_output, latents);
        let epsilon = epsilon_preserving(self.kind, alpha, sigma, model_output, latents);
        let variance = (1.0 - after) / (1.0 - here) * (1.0 - here / after);
        let added = self.eta * variance.sqrt();
        let (to_clean, to_epsilon) = (after.sqrt(), (1.0 - after - added * added).sqrt());
        let next = clean.zip(&epsilon, |x0, e| to_clean * x0 + to_epsilon * e);
        if self.eta > 0.0 { next.zip(noise.for_draw(call), |x, n| x + added * n) } else { next }
    }

    fn denoised(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let here = self.products[call].0;
        clean_preserving(self.kind, here.sqrt(), (1.0 - here).sqrt(), model_output, latents)
    }

    fn boxed_clone(&self) -> Box<dyn Solver> {
        Box::new(self.clone())
    }
}
