//! Which training timesteps a sampler visits.
//!
//! Separate from the sigmas, because DDIM, PNDM and LCM work on timesteps alone.

use super::{
    config::{ScheduleConfig, TimestepSpacing},
    error::ScheduleError,
};

/// How a sampler's diffusers class spreads its timesteps over the training timesteps.
#[derive(Clone, Copy)]
pub(super) struct TimestepGrid {
    /// Used where the model's config has no `timestep_spacing`.
    default_spacing: TimestepSpacing,
    /// Whether linspace timesteps are rounded to whole ones.
    whole: bool,
    /// Whether the grid has one point more than steps, of which the cleanest is dropped.
    extra_point: bool,
}

impl TimestepGrid {
    /// DDIM and PNDM.
    pub const DDIM: Self = Self { default_spacing: TimestepSpacing::Leading, whole: true, extra_point: false };
    /// Euler, Euler ancestral and Heun.
    pub const EULER: Self = Self { default_spacing: TimestepSpacing::Linspace, whole: false, extra_point: false };
    /// DPM++ and UniPC.
    pub const MULTISTEP: Self = Self { default_spacing: TimestepSpacing::Linspace, whole: true, extra_point: true };

    pub fn spacing(self, config: &ScheduleConfig) -> TimestepSpacing {
        config.timestep_spacing.unwrap_or(self.default_spacing)
    }

    /// `steps` timesteps, noisiest first.
    ///
    /// # Errors
    /// [`ScheduleError`] for no steps, or more than the training schedule has room for.
    pub fn timesteps(
        self,
        config: &ScheduleConfig,
        steps: usize,
        sampler: &'static str,
    ) -> Result<Vec<f64>, ScheduleError> {
        if steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        if !self.fits(config, steps) {
            let most = (1..=steps.min(config.num_train_timesteps)).rev().find(|&fewer| self.fits(config, fewer));
            let most = most.unwrap_or(0);
            return Err(ScheduleError::TooManySteps { sampler, steps, most });
        }
        Ok(match self.spacing(config) {
            TimestepSpacing::Linspace => self.linspace_timesteps(config, steps),
            TimestepSpacing::Leading => {
                let points = self.points(steps);
                let ratio = config.num_train_timesteps / points;
                (0..points).rev().take(steps).map(|i| (i * ratio + config.steps_offset) as f64).collect()
            }
            TimestepSpacing::Trailing => {
                let train = config.num_train_timesteps as f64;
                let ratio = train / steps as f64;
                (0..steps).map(|i| (train - ratio * i as f64).round_ties_even() - 1.0).collect()
            }
        })
    }

    fn linspace_timesteps(self, config: &ScheduleConfig, steps: usize) -> Vec<f64> {
        let points = linspace(0.0, (config.num_train_timesteps - 1) as f64, self.points(steps));
        let round = |t: f64| if self.whole { t.round_ties_even() } else { f64::from(t as f32) };
        points.into_iter().map(round).rev().take(steps).collect()
    }

    fn points(self, steps: usize) -> usize {
        steps.saturating_add(usize::from(self.extra_point))
    }

    /// Whether the training schedule has room for `steps` timesteps. With its offset, the noisiest timestep of a fine
    /// leading grid can lie beyond the training schedule.
    fn fits(self, config: &ScheduleConfig, steps: usize) -> bool {
        let (train, points) = (config.num_train_timesteps, self.points(steps));
        let leading = self.spacing(config) == TimestepSpacing::Leading;
        points <= train && (!leading || (points - 1) * (train / points) + config.steps_offset < train)
    }
}

/// LCM's timesteps: evenly picked from those the model was distilled on, noisiest first.
///
/// # Errors
/// [`ScheduleError`] for no steps, or more than the model was distilled on.
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

/// `count` evenly spaced values from `start` to `end`, both included.
pub(super) fn linspace(start: f64, end: f64, count: usize) -> Vec<f64> {
    let step = if count > 1 { (end - start) / (count - 1) as f64 } else { 0.0 };
    (0..count).map(|i| if count > 1 && i == count - 1 { end } else { start + step * i as f64 }).collect()
}
