//! The training noise schedule of a model, as tables over its training timesteps.
//!
//! Separate from the timesteps that a sampler visits: the tables depend on the model alone. Values are derived in f64,
//! except where diffusers 0.42.1 keeps an f32 tensor: there they are rounded to f32 in the same places, so that timesteps
//! come out equal.

use super::{
    config::{BetaSchedule, ScheduleConfig},
    solver::Call,
};

/// The training noise schedule of a model.
#[derive(Clone, Debug)]
pub struct NoiseSchedule {
    /// Product of (1 - beta) up to and including each training timestep, in 0..1: the signal's share of the variance.
    pub alphas_cumprod: Vec<f32>,
    /// `sqrt((1 - a) / a)` of each product a: the noise level in `x0 + sigma * noise`.
    pub sigmas: Vec<f32>,
}

impl NoiseSchedule {
    /// Tables of `config.num_train_timesteps` entries, of which there must be at least 2.
    pub fn new(config: &ScheduleConfig) -> Self {
        let mut product = 1.0_f64;
        let alphas_cumprod: Vec<f32> = betas(config)
            .into_iter()
            .map(|beta| {
                product *= f64::from(1.0 - beta);
                product as f32
            })
            .collect();
        let sigmas = alphas_cumprod.iter().map(|a| ((1.0 - a) / a).sqrt()).collect();
        Self { alphas_cumprod, sigmas }
    }

    /// The product of alphas at a whole timestep. Below timestep 0 it is 1 where `to_one` is set, else that of timestep 0
    /// (`final_alpha_cumprod` in diffusers).
    pub(super) fn alpha_cumprod(&self, timestep: i64, to_one: bool) -> f32 {
        let last = self.alphas_cumprod.len() - 1;
        match usize::try_from(timestep) {
            Ok(t) => self.alphas_cumprod[t.min(last)],
            Err(_) if to_one => 1.0,
            Err(_) => self.alphas_cumprod[0],
        }
    }

    /// The denoiser call at a whole timestep.
    pub(super) fn call_at(&self, timestep: i64) -> Call {
        let a = self.alpha_cumprod(timestep, false);
        Call { timestep: timestep as f32, sigma: ((1.0 - a) / a).sqrt(), alpha: a.sqrt() }
    }

    /// The sigma at a timestep that may be fractional; linear between training timesteps.
    pub(super) fn sigma_at(&self, timestep: f64) -> f64 {
        let last = self.sigmas.len() - 1;
        let below = (timestep.max(0.0).floor() as usize).min(last);
        let (low, high) = (f64::from(self.sigmas[below]), f64::from(self.sigmas[(below + 1).min(last)]));
        (high - low) * (timestep - below as f64) + low
    }

    /// The sigma at a timestep that may be fractional; linear in log sigma between training timesteps, as in k-diffusion.
    pub(super) fn log_linear_sigma_at(&self, timestep: f64) -> f64 {
        let last = self.sigmas.len() - 1;
        let below = (timestep.max(0.0).floor() as usize).min(last);
        let [low, high] = [below, (below + 1).min(last)].map(|i| f64::from(self.sigmas[i]).ln());
        ((high - low) * (timestep - below as f64) + low).exp()
    }

    /// The timestep, possibly fractional, at which the noise level is `sigma`; linear in log sigma between training
    /// timesteps (`_sigma_to_t` in diffusers).
    pub(super) fn timestep_of(&self, sigma: f64) -> f64 {
        let log_sigma = sigma.max(1e-10).ln();
        let log_table = |i: usize| f64::from(self.sigmas[i]).ln() as f32;
        let at_or_below = self.sigmas.partition_point(|&s| log_sigma >= f64::from(f64::from(s).ln() as f32));
        let low = at_or_below.saturating_sub(1).min(self.sigmas.len() - 2);
        let (below, above) = (log_table(low), log_table(low + 1));
        let weight = ((f64::from(below) - log_sigma) / f64::from(below - above)).clamp(0.0, 1.0);
        (1.0 - weight) * low as f64 + weight * (low + 1) as f64
    }
}

/// Betas in f32, as diffusers keeps them.
fn betas(config: &ScheduleConfig) -> Vec<f32> {
    let n = config.num_train_timesteps;
    match config.beta_schedule {
        BetaSchedule::Linear => torch_linspace(config.beta_start as f32, config.beta_end as f32, n),
        BetaSchedule::ScaledLinear => {
            let roots = (config.beta_start.sqrt() as f32, config.beta_end.sqrt() as f32);
            torch_linspace(roots.0, roots.1, n).into_iter().map(|b| b * b).collect()
        }
        BetaSchedule::SquaredCosCapV2 => {
            let alpha_bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
            let at = |i: usize| alpha_bar(i as f64 / n as f64);
            (0..n).map(|i| (1.0 - at(i + 1) / at(i)).min(0.999) as f32).collect()
        }
    }
}

/// `torch.linspace` in f32: the step is rounded to f32, and the second half counts back from the end.
fn torch_linspace(start: f32, end: f32, n: usize) -> Vec<f32> {
    let step = f64::from((end - start) / (n - 1) as f32);
    let (start, end) = (f64::from(start), f64::from(end));
    let at = |i: usize| if i < n / 2 { start + step * i as f64 } else { end - step * (n - 1 - i) as f64 };
    (0..n).map(|i| at(i) as f32).collect()
}
