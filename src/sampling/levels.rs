//! The noise levels of the schedules under the names that A1111 and ComfyUI give them.
//!
//! Separate from diffusers' rules, which are in `sigmas`: these are lists of sigma over the whole training schedule, for any
//! sampler.

use super::{
    beta_distribution::quantile,
    config::{AlignedLevels, ScheduleConfig},
    noise_schedule::NoiseSchedule,
    sigmas::{KARRAS_RHO, karras},
    timesteps::linspace,
};
use crate::recipe::{Convention, SamplerSettings, Schedule};

/// Align Your Steps (Sabour et al. 2024, arXiv 2404.14507): levels optimised for ten steps of a model.
const ALIGNED_SD: [f64; 11] = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];
const ALIGNED_SDXL: [f64; 11] = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029];

/// Where the linear part of the linear-quadratic schedule ends, as a share of the largest sigma.
const LINEAR_PART: f64 = 0.025;

/// What a list of noise levels is made from.
struct Range<'a> {
    noise: &'a NoiseSchedule,
    most: f64,
    least: f64,
    steps: usize,
}

/// The sigmas that a run visits, noisiest first, and the one that it ends at, which is 0 for most schedules. There may be
/// more or fewer than `steps`, where a schedule picks whole timesteps.
pub(super) fn levels(
    settings: &SamplerSettings,
    schedule: Schedule,
    steps: usize,
    config: &ScheduleConfig,
    noise: &NoiseSchedule,
) -> Vec<f64> {
    let table = |i: usize| f64::from(noise.sigmas[i]);
    let bound = |own: f64, given: Option<f32>| given.map_or(own, f64::from);
    let most = bound(table(noise.sigmas.len() - 1), settings.sigma_max);
    let least = bound(table(0), settings.sigma_min);
    let range = Range { noise, most, least, steps };
    let in_comfy = settings.convention == Convention::ComfyUi;
    let rho = settings.rho.map(f64::from);
    let mut list = match schedule {
        Schedule::Normal => range.uniform(steps),
        Schedule::Karras => karras(most, least, rho.unwrap_or(KARRAS_RHO), steps),
        Schedule::Exponential => range.polyexponential(1.0),
        Schedule::Polyexponential => range.polyexponential(rho.unwrap_or(1.0)),
        Schedule::Simple => range.simple(),
        Schedule::SgmUniform => range.uniform(steps + 1).into_iter().take(steps).collect(),
        Schedule::DdimUniform => range.ddim_uniform(),
        Schedule::Beta if in_comfy => range.beta_timesteps(),
        Schedule::Beta => (0..steps).map(|i| least + quantile(share_left(i, steps - 1)) * (most - least)).collect(),
        Schedule::KlOptimal if in_comfy => range.kl_optimal(steps - 1),
        // It ends at the smallest sigma, not at 0.
        Schedule::KlOptimal => return range.kl_optimal(steps),
        Schedule::AlignYourSteps => range.aligned(config.aligned),
        Schedule::LinearQuadratic => range.linear_quadratic(),
    };
    list.push(0.0);
    list
}

impl Range<'_> {
    /// Evenly over the timesteps, both ends included.
    fn uniform(&self, count: usize) -> Vec<f64> {
        let (first, last) = (self.noise.timestep_of(self.most), self.noise.timestep_of(self.least));
        linspace(first, last, count).into_iter().map(|t| self.noise.log_linear_sigma_at(t)).collect()
    }

    /// Evenly in log sigma, the place raised to `rho`.
    fn polyexponential(&self, rho: f64) -> Vec<f64> {
        let (least, length) = (self.least.ln(), self.most.ln() - self.least.ln());
        let level = |i| (least + share_left(i, self.steps - 1).powf(rho) * length).exp();
        (0..self.steps).map(level).collect()
    }

    /// Whole training timesteps, from the noisiest down.
    fn simple(&self) -> Vec<f64> {
        let count = self.noise.sigmas.len();
        let picked = (0..self.steps).map(|i| (i as f64 * (count as f64 / self.steps as f64)) as usize);
        picked.map(|i| f64::from(self.noise.sigmas[(count - 1).saturating_sub(i)])).collect()
    }

    /// Whole training timesteps a whole distance apart, from timestep 1 up.
    fn ddim_uniform(&self) -> Vec<f64> {
        let stride = (self.noise.sigmas.len() / self.steps).max(1);
        let mut list: Vec<f64> = self.noise.sigmas.iter().skip(1).step_by(stride).map(|&s| f64::from(s)).collect();
        list.reverse();
        list
    }

    /// Quantiles of the Beta distribution over the timesteps, rounded to whole ones; each once.
    fn beta_timesteps(&self) -> Vec<f64> {
        let last = (self.noise.sigmas.len() - 1) as f64;
        let timestep = |i| (quantile(share_left(i, self.steps)) * last).round_ties_even() as usize;
        let mut timesteps: Vec<usize> = (0..self.steps).map(timestep).collect();
        timesteps.dedup();
        timesteps.into_iter().map(|t| f64::from(self.noise.sigmas[t])).collect()
    }

    /// Evenly in the angle whose tangent is sigma, in `count + 1` levels (Sabour et al. 2024, theorem 3.1).
    fn kl_optimal(&self, count: usize) -> Vec<f64> {
        let (most, least) = (self.most.atan(), self.least.atan());
        (0..=count).map(|i| (least + share_left(i, count) * (most - least)).tan()).collect()
    }

    /// The optimised levels, log-linear between them.
    fn aligned(&self, of: AlignedLevels) -> Vec<f64> {
        let table = if of == AlignedLevels::Sdxl { ALIGNED_SDXL } else { ALIGNED_SD };
        let last = table.len() - 1;
        let level = |at: f64| {
            let below = (at.floor() as usize).min(last - 1);
            let (high, low) = (table[below].ln(), table[below + 1].ln());
            (high + (low - high) * (at - below as f64)).exp()
        };
        if self.steps == 1 {
            return vec![table[0]];
        }
        (0..self.steps).map(|i| level(i as f64 * last as f64 / (self.steps - 1) as f64)).collect()
    }

    /// In the first half of the steps a small linear descent, then a quadratic one that meets it smoothly at 0.
    fn linear_quadratic(&self) -> Vec<f64> {
        if self.steps == 1 {
            return vec![self.most];
        }
        let (steps, linear) = (self.steps as f64, (self.steps / 2) as f64);
        let quadratic = steps - linear;
        let missing = linear - LINEAR_PART * steps;
        let square = missing / (linear * quadratic * quadratic);
        let slope = LINEAR_PART / linear - 2.0 * missing / (quadratic * quadratic);
        let descent = |i: f64| match i < linear {
            true => i * LINEAR_PART / linear,
            false => square * i * i + slope * i + square * linear * linear,
        };
        (0..self.steps).map(|i| self.most * (1.0 - descent(i as f64))).collect()
    }
}

/// `1 - i / last`: what is left of the way at step `i`.
fn share_left(i: usize, last: usize) -> f64 {
    1.0 - i as f64 / last.max(1) as f64
}
