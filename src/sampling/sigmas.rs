//! The timesteps and sigmas of a run, for samplers that step in sigma (k-diffusion's formulation).
//!
//! Separate from the solvers, because Euler and Heun share one rule, and DPM++ and UniPC another.

use super::{
    config::{PredictionType, ScheduleConfig, TimestepSpacing},
    error::ScheduleError,
    noise_schedule::NoiseSchedule,
    parametrization::{NoiseLevel, x0_variance_preserving},
    solver::Call,
    timesteps::{TimestepGrid, linspace},
};
use crate::{recipe::Schedule, tensor::Latents};

/// Exponent of the Karras schedule (Karras et al. 2022, eq. 5).
pub(super) const KARRAS_RHO: f64 = 7.0;

/// The denoiser calls of a run and the sigmas between which it steps.
#[derive(Clone, Debug)]
pub(super) struct SigmaSchedule {
    pub calls: Vec<Call>,
    /// Decreasing; one more than calls, the last is 0.
    pub sigmas: Vec<f32>,
    /// Standard deviation of the noise that a run starts from, in `x0 + sigma * noise`.
    pub init_noise_sigma: f32,
    /// What the network predicts.
    pub prediction_type: PredictionType,
}

impl SigmaSchedule {
    /// For given sigmas, as k-diffusion has it: timesteps may be fractional. The last one is no call.
    pub fn of(config: &ScheduleConfig, noise: &NoiseSchedule, sigmas: &[f64]) -> Self {
        let (last, visited) = sigmas.split_last().unwrap_or((&0.0, &[]));
        let timesteps = visited.iter().map(|&sigma| noise.timestep_of(sigma)).collect();
        let mut run = Self::new(config.prediction_type, timesteps, visited);
        run.sigmas[visited.len()] = *last as f32;
        run
    }

    /// For Euler, Euler ancestral and Heun: Karras and exponential sigmas span the sigmas of the normal timesteps, and
    /// timesteps may be fractional.
    ///
    /// # Errors
    /// As [`TimestepGrid::timesteps`].
    pub fn euler(
        config: &ScheduleConfig,
        schedule: Schedule,
        steps: usize,
        sampler: &'static str,
    ) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let mut timesteps = TimestepGrid::EULER.timesteps(config, steps, sampler)?;
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| noise.sigma_at(t)).collect();
        if let Some(respaced) = respace(schedule, sigmas[0], sigmas[steps - 1], steps) {
            timesteps = respaced.iter().map(|&s| noise.timestep_of(s)).collect();
            sigmas = respaced;
        }
        let mut run = Self::new(config.prediction_type, timesteps, &sigmas);
        if TimestepGrid::EULER.spacing(config) == TimestepSpacing::Leading {
            run.init_noise_sigma = (run.init_noise_sigma * run.init_noise_sigma + 1.0).sqrt();
        }
        Ok(run)
    }

    /// For DPM++ and UniPC: Karras and exponential sigmas span the whole training schedule, and timesteps are whole
    /// (rounded for Karras, truncated for exponential, as in diffusers).
    ///
    /// # Errors
    /// As [`TimestepGrid::timesteps`], and [`ScheduleError::TooManySteps`] where two sigmas in a row are equal.
    pub fn multistep(
        config: &ScheduleConfig,
        schedule: Schedule,
        steps: usize,
        sampler: &'static str,
    ) -> Result<Self, ScheduleError> {
        let noise = NoiseSchedule::new(config);
        let mut timesteps = TimestepGrid::MULTISTEP.timesteps(config, steps, sampler)?;
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| noise.sigma_at(t)).collect();
        let (least, most) = (noise.sigmas[0], noise.sigmas[noise.sigmas.len() - 1]);
        if let Some(respaced) = respace(schedule, f64::from(most), f64::from(least), steps) {
            let whole = |t: f64| if schedule == Schedule::Karras { t.round_ties_even() } else { t.trunc() };
            timesteps = respaced.iter().map(|&s| whole(noise.timestep_of(s))).collect();
            sigmas = respaced;
        }
        let mut run = Self::new(config.prediction_type, timesteps, &sigmas);
        run.init_noise_sigma = 1.0;
        // The solvers divide by the length of a step, which two equal sigmas would make 0.
        if run.sigmas.windows(2).any(|pair| pair[0] <= pair[1]) {
            return Err(ScheduleError::TooManySteps { sampler, steps, most: (steps - 1).max(1) });
        }
        Ok(run)
    }

    /// The noise level between which steps go, in variance-preserving terms; the last is without noise.
    pub fn level(&self, index: usize) -> NoiseLevel {
        NoiseLevel::new(self.sigmas[index])
    }

    /// x0 at a call, from latents of unit variance.
    pub fn x0_of_unit_variance(&self, call: usize, model_output: &Latents, latents: &Latents) -> Latents {
        let level = self.level(call);
        x0_variance_preserving(self.prediction_type, level.alpha, level.sigma, model_output, latents)
    }

    fn new(prediction_type: PredictionType, timesteps: Vec<f64>, sigmas: &[f64]) -> Self {
        let mut sigmas: Vec<f32> = sigmas.iter().map(|&s| s as f32).collect();
        let call = |(t, &sigma): (f64, &f32)| {
            let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
            Call { timestep: t as f32, sigma, alpha }
        };
        let calls = timesteps.into_iter().zip(&sigmas).map(call).collect();
        let init_noise_sigma = sigmas.iter().copied().fold(0.0, f32::max);
        sigmas.push(0.0);
        Self { calls, sigmas, init_noise_sigma, prediction_type }
    }
}

/// `steps` sigmas from `most` down to `least`, spaced by `schedule`; `None` for the normal schedule.
fn respace(schedule: Schedule, most: f64, least: f64, steps: usize) -> Option<Vec<f64>> {
    match schedule {
        Schedule::Karras => Some(karras(most, least, KARRAS_RHO, steps)),
        Schedule::Exponential => Some(linspace(most.ln(), least.ln(), steps).into_iter().map(f64::exp).collect()),
        // The others are no schedules of diffusers' classes; `levels` has them.
        _ => None,
    }
}

/// The schedule of Karras et al. 2022, eq. 5: evenly spaced in the `rho`-th root of sigma.
pub(super) fn karras(most: f64, least: f64, rho: f64, steps: usize) -> Vec<f64> {
    let (first, last) = (most.powf(1.0 / rho), least.powf(1.0 / rho));
    let curve = |x: f64| (first + x * (last - first)).powf(rho);
    linspace(0.0, 1.0, steps).into_iter().map(curve).collect()
}
