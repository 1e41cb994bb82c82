//! A model's noise schedule as plain data: what its `scheduler_config.json` describes.
//!
//! Separate from the JSON reader and from the tables that are derived from it, so that both can depend on these types.

use crate::recipe::Schedule;

/// How the noise variances beta grow over the training timesteps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BetaSchedule {
    Linear,
    /// Linear in the square root of beta.
    ScaledLinear,
    /// From a squared cosine of time, beta capped at 0.999 (Nichol & Dhariwal 2021).
    SquaredCosCapV2,
}

/// What the network was trained to predict: its parametrization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The velocity `v = alpha * noise - sigma * x0` (Salimans & Ho 2022).
    VPrediction,
}

/// How the visited timesteps are spread over the training timesteps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestepSpacing {
    /// Whole multiples of `train / steps`, counted from the clean end, plus the offset.
    Leading,
    /// Evenly from 0 to the last training timestep, both included.
    Linspace,
    /// Counted down from the noisy end in steps of `train / steps`.
    Trailing,
}

/// The models that noise levels were optimised for (Align Your Steps, Sabour et al. 2024).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlignedLevels {
    #[default]
    Sd,
    Sdxl,
}

/// The noise schedule that a model was trained with, and the settings of the scheduler that is shipped with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// First and last noise variance, in 0..1.
    pub beta_start: f64,
    pub beta_end: f64,
    pub beta_schedule: BetaSchedule,
    pub num_train_timesteps: usize,
    pub prediction_type: PredictionType,
    /// Added to every timestep of the leading spacing.
    pub steps_offset: usize,
    /// `None`: the default of the sampler's own diffusers class.
    pub timestep_spacing: Option<TimestepSpacing>,
    /// Whether the last step ends at alpha = 1 rather than at training timestep 0. `None`: as the sampler's class.
    pub set_alpha_to_one: Option<bool>,
    /// What [`Schedule::Normal`] means for this model: Karras where the file sets `use_karras_sigmas`, and so on.
    pub normal_schedule: Schedule,
    /// LCM: how many timesteps the model was distilled on.
    pub original_inference_steps: usize,
    /// LCM: factor on the timestep in the boundary condition.
    pub timestep_scaling: f64,
    /// Which optimised noise levels are this model's.
    pub aligned: AlignedLevels,
}

impl Default for ScheduleConfig {
    /// The noise schedule of Stable Diffusion 1.5.
    fn default() -> Self {
        Self {
            beta_start: 0.00085,
            beta_end: 0.012,
            beta_schedule: BetaSchedule::ScaledLinear,
            num_train_timesteps: 1000,
            prediction_type: PredictionType::Epsilon,
            steps_offset: 1,
            timestep_spacing: None,
            set_alpha_to_one: Some(false),
            normal_schedule: Schedule::Normal,
            original_inference_steps: 50,
            timestep_scaling: 10.0,
            aligned: AlignedLevels::Sd,
        }
    }
}
