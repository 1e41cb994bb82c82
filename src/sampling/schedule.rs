//! Noise levels: the training tables, and which of their timesteps and sigmas a sampler visits.
//!
//! Everything is derived in f64 except where diffusers 0.42.1 keeps an f32 tensor: there the value is rounded to f32 in
//! the same places, so that timesteps come out equal.

use super::{BetaSchedule, Call, PredictionType, ScheduleConfig, ScheduleError, TimestepSpacing};
use crate::recipe::Schedule;

/// Exponent of the Karras schedule (Karras et al. 2022, eq. 5).
const KARRAS_RHO: f64 = 7.0;

/// The training noise schedule of a model.
#[derive(Clone, Debug)]
pub struct NoiseSchedule {
    /// Product of (1 - beta) up to and including each training timestep: the share of the clean picture's variance.
    pub alphas_cumprod: Vec<f32>,
    /// `sqrt((1 - a) / a)` of each: noise level of `x0 + sigma * noise`.
    pub sigmas: Vec<f32>,
    pub prediction: PredictionType,
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
        Self { alphas_cumprod, sigmas, prediction: config.prediction_type }
    }

    /// The product of alphas at a whole timestep; below 0, what the schedule ends at.
    pub(super) fn alpha_cumprod(&self, timestep: i64, to_one: bool) -> f32 {
        let last = self.alphas_cumprod.len() - 1;
        match usize::try_from(timestep) {
            Ok(t) => self.alphas_cumprod[t.min(last)],
            Err(_) if to_one => 1.0,
            Err(_) => self.alphas_cumprod[0],
        }
    }

    /// The U-Net call at a whole timestep.
    pub(super) fn call_at(&self, timestep: i64) -> Call {
        let a = self.alpha_cumprod(timestep, false);
        Call { timestep: timestep as f32, sigma: ((1.0 - a) / a).sqrt(), alpha: a.sqrt() }
    }

    /// The sigma at a timestep that may lie between two training timesteps.
    fn sigma_at(&self, timestep: f64) -> f64 {
        let last = self.sigmas.len() - 1;
        let below = (timestep.max(0.0).floor() as usize).min(last);
        let (low, high) = (f64::from(self.sigmas[below]), f64::from(self.sigmas[(below + 1).min(last)]));
        (high - low) * (timestep - below as f64) + low
    }

    /// The timestep, perhaps between two, whose sigma this is; linear in log sigma.
    fn timestep_of(&self, sigma: f64) -> f64 {
        let log_sigma = sigma.max(1e-10).ln();
        let log_table = |i: usize| f64::from(self.sigmas[i]).ln() as f32;
        let at_or_below = self.sigmas.partition_point(|&s| log_sigma >= f64::from(f64::from(s).ln() as f32));
        let low = at_or_below.saturating_sub(1).min(self.sigmas.len() - 2);
        let (below, above) = (log_table(low), log_table(low + 1));
        let share = ((f64::from(below) - log_sigma) / f64::from(below - above)).clamp(0.0, 1.0);
        (1.0 - share) * low as f64 + share * (low + 1) as f64
    }
}

/// Betas in f32, as diffusers keeps them.
fn betas(config: &ScheduleConfig) -> Vec<f32> {
    let n = config.num_train_timesteps;
    match config.beta_schedule {
        BetaSchedule::Linear => torch_linspace(config.beta_start as f32, config.beta_end as f32, n),
        BetaSchedule::ScaledLinear => {
            let ends = (config.beta_start.sqrt() as f32, config.beta_end.sqrt() as f32);
            torch_linspace(ends.0, ends.1, n).into_iter().map(|b| b * b).collect()
        }
        BetaSchedule::SquaredCosCapV2 => {
            let bar = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
            let at = |i: usize| bar(i as f64 / n as f64);
            (0..n).map(|i| (1.0 - at(i + 1) / at(i)).min(0.999) as f32).collect()
        }
    }
}

/// `torch.linspace` in f32: a step rounded to f32, and the second half counted back from the end.
fn torch_linspace(start: f32, end: f32, n: usize) -> Vec<f32> {
    let step = f64::from((end - start) / (n - 1) as f32);
    let (start, end) = (f64::from(start), f64::from(end));
    let at = |i: usize| if i < n / 2 { start + step * i as f64 } else { end - step * (n - 1 - i) as f64 };
    (0..n).map(|i| at(i) as f32).collect()
}

/// `count` even steps from `start` to `end`, both included.
fn linspace(start: f64, end: f64, count: usize) -> Vec<f64> {
    let step = if count > 1 { (end - start) / (count - 1) as f64 } else { 0.0 };
    (0..count).map(|i| if count > 1 && i == count - 1 { end } else { start + step * i as f64 }).collect()
}

/// How a sampler's diffusers class lays its timesteps over the training timesteps.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    /// What `timestep_spacing` is where the model does not say.
    pub default_spacing: TimestepSpacing,
    /// Whether linspace timesteps are rounded to whole ones.
    pub whole: bool,
    /// Whether one point more than steps is laid out, and the cleanest left away.
    pub open_ended: bool,
}

impl Grid {
    /// DDIM and PNDM.
    pub const DDIM: Self = Self { default_spacing: TimestepSpacing::Leading, whole: true, open_ended: false };
    /// Euler, Euler ancestral and Heun.
    pub const EULER: Self = Self { default_spacing: TimestepSpacing::Linspace, whole: false, open_ended: false };
    /// DPM++ and UniPC.
    pub const MULTISTEP: Self = Self { default_spacing: TimestepSpacing::Linspace, whole: true, open_ended: true };

    pub fn spacing(self, config: &ScheduleConfig) -> TimestepSpacing {
        config.timestep_spacing.unwrap_or(self.default_spacing)
    }

    /// `steps` timesteps, noisiest first.
    ///
    /// # Errors
    /// No steps, or more than the training schedule has room for.
    pub fn timesteps(
        self,
        config: &ScheduleConfig,
        steps: usize,
        sampler: &'static str,
    ) -> Result<Vec<f64>, ScheduleError> {
        if steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        let train = config.num_train_timesteps;
        // With its offset, the noisiest step of a very fine leading grid can lie beyond the training schedule.
        let leading = self.spacing(config) == TimestepSpacing::Leading;
        let points_of = |steps: usize| steps.saturating_add(usize::from(self.open_ended));
        let fits = |steps: usize| {
            let points = points_of(steps);
            points <= train && (!leading || (points - 1) * (train / points) + config.steps_offset < train)
        };
        if !fits(steps) {
            let most = (1..=steps.min(train)).rev().find(|&fewer| fits(fewer)).unwrap_or(0);
            return Err(ScheduleError::TooManySteps { sampler, steps, most });
        }
        let points = points_of(steps);
        Ok(match self.spacing(config) {
            TimestepSpacing::Linspace => {
                let even = linspace(0.0, (train - 1) as f64, points);
                let placed =
                    even.into_iter().map(|t| if self.whole { t.round_ties_even() } else { f64::from(t as f32) });
                placed.rev().take(steps).collect()
            }
            TimestepSpacing::Leading => {
                let ratio = train / points;
                (0..points).rev().take(steps).map(|i| (i * ratio + config.steps_offset) as f64).collect()
            }
            TimestepSpacing::Trailing => {
                let ratio = train as f64 / steps as f64;
                let counted_down = (0..steps).map(|i| train as f64 - ratio * i as f64);
                counted_down.map(|t| t.round_ties_even() - 1.0).collect()
            }
        })
    }
}

/// Timesteps and sigmas of a sampler that works on sigmas.
#[derive(Clone, Debug)]
pub(super) struct SigmaPlan {
    pub calls: Vec<Call>,
    /// One more than calls: the last is 0.
    pub sigmas: Vec<f32>,
    /// Standard deviation of the noise a run starts from, in `x0 + sigma * noise`.
    pub init_noise_sigma: f32,
}

impl SigmaPlan {
    /// For Euler, Euler ancestral and Heun: Karras and exponential sigmas span those of the normal timesteps, and
    /// the network gets fractional timesteps.
    pub fn euler(
        noise: &NoiseSchedule,
        config: &ScheduleConfig,
        schedule: Schedule,
        steps: usize,
        sampler: &'static str,
    ) -> Result<Self, ScheduleError> {
        let mut timesteps = Grid::EULER.timesteps(config, steps, sampler)?;
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| noise.sigma_at(t)).collect();
        if let Some(respaced) = respace(schedule, sigmas[0], sigmas[steps - 1], steps) {
            timesteps = respaced.iter().map(|&s| noise.timestep_of(s)).collect();
            sigmas = respaced;
        }
        let mut plan = Self::new(timesteps, &sigmas);
        if Grid::EULER.spacing(config) == TimestepSpacing::Leading {
            plan.init_noise_sigma = (plan.init_noise_sigma * plan.init_noise_sigma + 1.0).sqrt();
        }
        Ok(plan)
    }

    /// For DPM++ and UniPC: Karras and exponential sigmas span the whole training schedule, and timesteps are whole
    /// (rounded for Karras, cut for exponential, as diffusers does).
    pub fn multistep(
        noise: &NoiseSchedule,
        config: &ScheduleConfig,
        schedule: Schedule,
        steps: usize,
        sampler: &'static str,
    ) -> Result<Self, ScheduleError> {
        let mut timesteps = Grid::MULTISTEP.timesteps(config, steps, sampler)?;
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| noise.sigma_at(t)).collect();
        let (least, most) = (noise.sigmas[0], noise.sigmas[noise.sigmas.len() - 1]);
        if let Some(respaced) = respace(schedule, f64::from(most), f64::from(least), steps) {
            let whole = |t: f64| if schedule == Schedule::Karras { t.round_ties_even() } else { t.trunc() };
            timesteps = respaced.iter().map(|&s| whole(noise.timestep_of(s))).collect();
            sigmas = respaced;
        }
        let mut plan = Self::new(timesteps, &sigmas);
        plan.init_noise_sigma = 1.0;
        // Two equal sigmas in a row would mean a step of no length, and the solver divides by it.
        if plan.sigmas.windows(2).any(|pair| pair[0] <= pair[1]) {
            return Err(ScheduleError::TooManySteps { sampler, steps, most: (steps - 1).max(1) });
        }
        Ok(plan)
    }

    fn new(timesteps: Vec<f64>, sigmas: &[f64]) -> Self {
        let mut sigmas: Vec<f32> = sigmas.iter().map(|&s| s as f32).collect();
        let calls = timesteps.into_iter().zip(&sigmas).map(|(t, &sigma)| {
            let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
            Call { timestep: t as f32, sigma, alpha }
        });
        let calls = calls.collect();
        let init_noise_sigma = sigmas.iter().copied().fold(0.0, f32::max);
        sigmas.push(0.0);
        Self { calls, sigmas, init_noise_sigma }
    }
}

/// Sigmas from `most` down to `least` on another curve; `None` for the normal schedule.
fn respace(schedule: Schedule, most: f64, least: f64, steps: usize) -> Option<Vec<f64>> {
    match schedule {
        Schedule::Normal => None,
        Schedule::Karras => {
            let (first, last) = (most.powf(1.0 / KARRAS_RHO), least.powf(1.0 / KARRAS_RHO));
            let curve = |x: f64| (first + x * (last - first)).powf(KARRAS_RHO);
            Some(linspace(0.0, 1.0, steps).into_iter().map(curve).collect())
        }
        Schedule::Exponential => Some(linspace(most.ln(), least.ln(), steps).into_iter().map(f64::exp).collect()),
    }
}

/// LCM's timesteps: evenly picked from those the model was distilled on, noisiest first.
///
/// # Errors
/// No steps, or more than the model was distilled on.
pub(super) fn lcm_timesteps(config: &ScheduleConfig, steps: usize) -> Result<Vec<i64>, ScheduleError> {
    let origins = config.original_inference_steps;
    if steps == 0 {
        return Err(ScheduleError::NoSteps);
    }
    if steps > origins {
        return Err(ScheduleError::TooManySteps { sampler: "LCM", steps, most: origins });
    }
    let ratio = config.num_train_timesteps / origins;
    let stride = origins as f64 / steps as f64;
    let picked = (0..steps).map(|i| origins - (stride * i as f64).floor() as usize);
    Ok(picked.map(|origin| (origin * ratio) as i64 - 1).collect())
}
