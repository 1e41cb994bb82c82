use serde::Deserialize;

use super::{LoadError, ModelFiles};

/// `scheduler/scheduler_config.json`, as far as samplers need it; defaults are diffusers' own.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedulerConfig {
    /// `_class_name`, as `DDIMScheduler`.
    pub class_name: String,
    pub beta_start: f64,
    pub beta_end: f64,
    pub beta_schedule: BetaSchedule,
    pub num_train_timesteps: usize,
    pub prediction_type: PredictionType,
    pub steps_offset: usize,
    /// `None` where the file does not say: then every sampler has its own default.
    pub timestep_spacing: Option<TimestepSpacing>,
    /// Whether the step before the first one is noiseless. Where the file does not say, as its class has it: true for
    /// DDIM, false for PNDM and the rest.
    pub set_alpha_to_one: bool,
    pub skip_prk_steps: bool,
    pub rescale_betas_zero_snr: bool,
    /// Whether predicted clean latents are clamped to -1..1; where the file does not say, true for DDIM.
    pub clip_sample: bool,
    pub use_karras_sigmas: bool,
    pub use_exponential_sigmas: bool,
    /// Betas given one by one, instead of a schedule.
    pub trained_betas: Option<Vec<f64>>,
}

/// How betas run from first to last training timestep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum BetaSchedule {
    #[serde(rename = "linear")]
    Linear,
    /// Linear in the square root: what Stable Diffusion uses.
    #[serde(rename = "scaled_linear")]
    ScaledLinear,
    #[serde(rename = "squaredcos_cap_v2")]
    SquaredCosine,
}

/// What the U-Net was trained to predict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PredictionType {
    #[serde(rename = "epsilon")]
    Epsilon,
    #[serde(rename = "v_prediction")]
    V,
    /// The clean latents themselves.
    #[serde(rename = "sample")]
    Sample,
}

/// How a few timesteps are chosen among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimestepSpacing {
    Leading,
    Linspace,
    Trailing,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "_class_name", default)]
    class_name: String,
    #[serde(default = "default_beta_start")]
    beta_start: f64,
    #[serde(default = "default_beta_end")]
    beta_end: f64,
    #[serde(default = "default_beta_schedule")]
    beta_schedule: BetaSchedule,
    #[serde(default = "default_timesteps")]
    num_train_timesteps: usize,
    #[serde(default = "default_prediction")]
    prediction_type: PredictionType,
    #[serde(default)]
    steps_offset: usize,
    timestep_spacing: Option<TimestepSpacing>,
    set_alpha_to_one: Option<bool>,
    #[serde(default)]
    skip_prk_steps: bool,
    #[serde(default)]
    rescale_betas_zero_snr: bool,
    clip_sample: Option<bool>,
    use_karras_sigmas: Option<bool>,
    use_exponential_sigmas: Option<bool>,
    trained_betas: Option<Vec<f64>>,
}

fn default_beta_start() -> f64 {
    0.0001
}

fn default_beta_end() -> f64 {
    0.02
}

fn default_beta_schedule() -> BetaSchedule {
    BetaSchedule::Linear
}

fn default_timesteps() -> usize {
    1000
}

fn default_prediction() -> PredictionType {
    PredictionType::Epsilon
}

impl SchedulerConfig {
    const PATH: &str = "scheduler/scheduler_config.json";

    /// # Errors
    /// [`LoadError`] for a missing or broken file, and for numbers that make no schedule.
    pub(super) fn read(files: &ModelFiles) -> Result<Self, LoadError> {
        let content = files.read(Self::PATH)?;
        let raw: Raw = serde_json::from_slice(&content)
            .map_err(|source| LoadError::Json { path: files.describe(Self::PATH), source })?;
        let sound = raw.num_train_timesteps >= 1
            && raw.num_train_timesteps <= 1_000_000
            && 0.0 < raw.beta_start
            && raw.beta_start <= raw.beta_end
            && raw.beta_end < 1.0
            && raw.trained_betas.as_ref().is_none_or(|betas| betas.len() == raw.num_train_timesteps);
        if !sound {
            let what = format!(
                "num_train_timesteps {}, beta_start {} and beta_end {} make no noise schedule",
                raw.num_train_timesteps, raw.beta_start, raw.beta_end
            );
            return Err(LoadError::Mismatch { path: files.describe(Self::PATH), what });
        }
        let ddim = raw.class_name == "DDIMScheduler";
        Ok(Self {
            set_alpha_to_one: raw.set_alpha_to_one.unwrap_or(ddim),
            clip_sample: raw.clip_sample.unwrap_or(ddim),
            class_name: raw.class_name,
            beta_start: raw.beta_start,
            beta_end: raw.beta_end,
            beta_schedule: raw.beta_schedule,
            num_train_timesteps: raw.num_train_timesteps,
            prediction_type: raw.prediction_type,
            steps_offset: raw.steps_offset,
            timestep_spacing: raw.timestep_spacing,
            skip_prk_steps: raw.skip_prk_steps,
            rescale_betas_zero_snr: raw.rescale_betas_zero_snr,
            use_karras_sigmas: raw.use_karras_sigmas.unwrap_or(false),
            use_exponential_sigmas: raw.use_exponential_sigmas.unwrap_or(false),
            trained_betas: raw.trained_betas,
        })
    }
}
