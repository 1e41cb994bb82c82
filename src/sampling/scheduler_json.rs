//! Reads diffusers' `scheduler_config.json` into a [`ScheduleConfig`].
//!
//! Separate from the config itself, because the reader also checks the tables that are derived from it.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{
    config::{AlignedLevels, BetaSchedule, PredictionType, ScheduleConfig, TimestepSpacing},
    error::ScheduleError,
    noise_schedule::NoiseSchedule,
};
use crate::recipe::Schedule;

/// Keys of diffusers' schedulers that change the noise schedule in ways that this crate does not implement. Each with
/// the one value (besides absent or null) that has no effect, and what an error message asks for.
const UNSUPPORTED_KEYS: [(&str, Value, &str); 10] = [
    ("trained_betas", Value::Null, "no \"trained_betas\""),
    ("rescale_betas_zero_snr", Value::Bool(false), "\"rescale_betas_zero_snr\": false"),
    ("thresholding", Value::Bool(false), "\"thresholding\": false"),
    ("use_beta_sigmas", Value::Bool(false), "\"use_beta_sigmas\": false"),
    ("use_lu_lambdas", Value::Bool(false), "\"use_lu_lambdas\": false"),
    ("use_flow_sigmas", Value::Bool(false), "\"use_flow_sigmas\": false"),
    ("sigma_min", Value::Null, "no \"sigma_min\""),
    ("sigma_max", Value::Null, "no \"sigma_max\""),
    ("shift_terminal", Value::Null, "no \"shift_terminal\""),
    ("use_dynamic_shifting", Value::Bool(false), "\"use_dynamic_shifting\": false"),
];

/// Options with one implemented name each, and what an error message asks for.
const UNSUPPORTED_OPTIONS: [(&str, &str, &str); 3] = [
    ("final_sigmas_type", "zero", "\"final_sigmas_type\": \"zero\""),
    ("interpolation_type", "linear", "\"interpolation_type\": \"linear\""),
    ("timestep_type", "discrete", "\"timestep_type\": \"discrete\""),
];

/// The longest training schedule that is accepted: no known model has a longer one, and the tables are held in memory.
const MAX_TRAIN_TIMESTEPS: usize = 100_000;

/// The smallest product of alphas that is accepted at the noisiest timestep; corresponds to a sigma of a million.
const MIN_ALPHA_CUMPROD: f32 = 1e-12;

impl ScheduleConfig {
    /// Reads diffusers' `scheduler_config.json`. A missing key takes the default of the class in `_class_name`
    /// (diffusers 0.42.1); `timestep_spacing` and `set_alpha_to_one` stay `None`, and the sampler's own class decides.
    ///
    /// `clip_sample` and `skip_prk_steps` are ignored: Stable Diffusion pipelines never clip latents, and PNDM always
    /// runs without its Runge-Kutta warm-up.
    ///
    /// # Errors
    /// [`ScheduleError`] for a value of the wrong type or out of range, and for a setting that is not supported.
    pub fn from_json(json: &Value) -> Result<Self, ScheduleError> {
        let file = Reader::new(json)?;
        file.check_supported()?;
        let (beta_start, beta_end, beta_schedule) = file.betas()?;
        let num_train_timesteps = file.count("num_train_timesteps", 1000, 2..=MAX_TRAIN_TIMESTEPS)?;
        let config = Self {
            beta_start,
            beta_end,
            beta_schedule,
            num_train_timesteps,
            prediction_type: file.prediction_type()?,
            steps_offset: file.count("steps_offset", 0, 0..=num_train_timesteps - 1)?,
            timestep_spacing: file.spacing()?,
            set_alpha_to_one: file.flag("set_alpha_to_one")?,
            normal_schedule: file.normal_schedule()?,
            original_inference_steps: file.count("original_inference_steps", 50, 1..=num_train_timesteps)?,
            timestep_scaling: file.number("timestep_scaling", 10.0, 0.0, 1e6)?,
            // The file does not say; who knows the model's family does.
            aligned: AlignedLevels::default(),
        };
        config.check_signal_remains()?;
        Ok(config)
    }

    /// Checks that some signal remains at the last training timestep: with betas that are too large, its sigma would be
    /// infinite.
    fn check_signal_remains(&self) -> Result<(), ScheduleError> {
        let last = NoiseSchedule::new(self).alphas_cumprod.last().copied().unwrap_or(0.0);
        if last >= MIN_ALPHA_CUMPROD {
            return Ok(());
        }
        Err(ScheduleError::Invalid {
            key: "beta_end",
            given: self.beta_end.to_string(),
            must: format!("smaller: over {} timesteps it leaves nothing of the picture", self.num_train_timesteps),
        })
    }
}

/// Typed look-ups in the file's top-level object; null counts as missing.
struct Reader<'a> {
    keys: &'a serde_json::Map<String, Value>,
}

impl<'a> Reader<'a> {
    fn new(json: &'a Value) -> Result<Self, ScheduleError> {
        let given = match json {
            Value::Object(keys) => return Ok(Self { keys }),
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
        };
        Err(ScheduleError::NotAnObject { given })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.keys.get(key).filter(|v| !v.is_null())
    }

    fn invalid(key: &'static str, given: &Value, must: impl Into<String>) -> ScheduleError {
        ScheduleError::Invalid { key, given: given.to_string(), must: must.into() }
    }

    fn number(&self, key: &'static str, default: f64, low: f64, high: f64) -> Result<f64, ScheduleError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let in_range = |x: &f64| x.is_finite() && (low..=high).contains(x);
        let must = || format!("a number between {low} and {high}");
        value.as_f64().filter(in_range).ok_or_else(|| Self::invalid(key, value, must()))
    }

    fn count(&self, key: &'static str, default: usize, range: RangeInclusive<usize>) -> Result<usize, ScheduleError> {
        let Some(value) = self.get(key) else { return Ok(default.min(*range.end())) };
        let whole = value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| range.contains(n));
        let must = || format!("a whole number between {} and {}", range.start(), range.end());
        whole.ok_or_else(|| Self::invalid(key, value, must()))
    }

    fn flag(&self, key: &'static str) -> Result<Option<bool>, ScheduleError> {
        self.get(key).map(|value| value.as_bool().ok_or_else(|| Self::invalid(key, value, "true or false"))).transpose()
    }

    /// One of the named options, or `None` where the file has no such key.
    fn option<T: Copy>(&self, key: &'static str, names: &[(&str, T)]) -> Result<Option<T>, ScheduleError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = names.iter().find(|(name, _)| value.as_str() == Some(name));
        let must = || format!("one of {}", names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
        found.map(|&(_, option)| Some(option)).ok_or_else(|| Self::invalid(key, value, must()))
    }

    fn check_supported(&self) -> Result<(), ScheduleError> {
        for (key, neutral, instead) in &UNSUPPORTED_KEYS {
            if let Some(value) = self.get(key).filter(|v| *v != neutral) {
                let given = if value.is_array() { "a list".to_owned() } else { value.to_string() };
                return Err(ScheduleError::Unsupported { key, given, instead });
            }
        }
        for (key, supported, instead) in UNSUPPORTED_OPTIONS {
            if let Some(value) = self.get(key).filter(|v| v.as_str() != Some(supported)) {
                return Err(ScheduleError::Unsupported { key, given: value.to_string(), instead });
            }
        }
        Ok(())
    }

    fn betas(&self) -> Result<(f64, f64, BetaSchedule), ScheduleError> {
        let class = self.get("_class_name").and_then(Value::as_str).unwrap_or("(none)");
        let (start, end, schedule) = match class {
            "LCMScheduler" => (0.00085, 0.012, BetaSchedule::ScaledLinear),
            "HeunDiscreteScheduler" => (0.00085, 0.012, BetaSchedule::Linear),
            "DDIMScheduler"
            | "PNDMScheduler"
            | "EulerDiscreteScheduler"
            | "EulerAncestralDiscreteScheduler"
            | "DPMSolverMultistepScheduler"
            | "UniPCMultistepScheduler" => (0.0001, 0.02, BetaSchedule::Linear),
            _ if ["beta_start", "beta_end", "beta_schedule"].iter().all(|key| self.get(key).is_some()) => {
                (0.0001, 0.02, BetaSchedule::Linear)
            }
            other => return Err(ScheduleError::UnknownClass { class: other.to_owned() }),
        };
        // Below 1e-6, 1 - beta would round to 1 in f32: a step without noise.
        let (low, high) = (1e-6, 0.999);
        let names = [
            ("linear", BetaSchedule::Linear),
            ("scaled_linear", BetaSchedule::ScaledLinear),
            ("squaredcos_cap_v2", BetaSchedule::SquaredCosCapV2),
        ];
        Ok((
            self.number("beta_start", start, low, high)?,
            self.number("beta_end", end, low, high)?,
            self.option("beta_schedule", &names)?.unwrap_or(schedule),
        ))
    }

    fn prediction_type(&self) -> Result<PredictionType, ScheduleError> {
        let names = [("epsilon", PredictionType::Epsilon), ("v_prediction", PredictionType::VPrediction)];
        Ok(self.option("prediction_type", &names)?.unwrap_or(PredictionType::Epsilon))
    }

    fn spacing(&self) -> Result<Option<TimestepSpacing>, ScheduleError> {
        let names = [
            ("leading", TimestepSpacing::Leading),
            ("linspace", TimestepSpacing::Linspace),
            ("trailing", TimestepSpacing::Trailing),
        ];
        self.option("timestep_spacing", &names)
    }

    fn normal_schedule(&self) -> Result<Schedule, ScheduleError> {
        let karras = self.flag("use_karras_sigmas")?.unwrap_or(false);
        let exponential = self.flag("use_exponential_sigmas")?.unwrap_or(false);
        match (karras, exponential) {
            (false, false) => Ok(Schedule::Normal),
            (true, false) => Ok(Schedule::Karras),
            (false, true) => Ok(Schedule::Exponential),
            (true, true) => Err(ScheduleError::Unsupported {
                key: "use_exponential_sigmas",
                given: "true together with \"use_karras_sigmas\": true".to_owned(),
                instead: "only one of the two",
            }),
        }
    }
}
