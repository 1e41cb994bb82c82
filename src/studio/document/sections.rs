//! Sections of the recipe that are edited as a whole.
//!
//! Apart from the edits so that a panel can copy its section, change the copy and compare.

use crate::recipe::{Convention, GuidanceInterval, Key, Profile, Recipe, Sampler, Scfg, Schedule};

/// From noise to picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    pub sampler: Sampler,
    pub schedule: Schedule,
    pub convention: Convention,
    /// Eta, s-noise and s-churn.
    pub options: [Option<f32>; 3],
    pub steps: usize,
    pub seed: u64,
    /// Pixels.
    pub width: usize,
    pub height: usize,
}

/// Strength of the prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Guidance {
    pub profile: Profile,
    pub cfg: f32,
    pub cfg_keys: Vec<Key>,
    pub interval: Option<GuidanceInterval>,
    pub adaptive: Option<f32>,
    pub scfg: Scfg,
}

impl Sampling {
    pub fn of(recipe: &Recipe) -> Self {
        let Recipe { sampler, schedule, convention, steps, seed, width, height, .. } = *recipe;
        let options = [recipe.eta, recipe.s_noise, recipe.s_churn];
        Self { sampler, schedule, convention, options, steps, seed, width, height }
    }

    pub fn write_to(self, recipe: &mut Recipe) {
        let Self { sampler, schedule, convention, options, steps, seed, width, height } = self;
        recipe.convention = convention;
        [recipe.eta, recipe.s_noise, recipe.s_churn] = options;
        (recipe.sampler, recipe.schedule, recipe.steps) = (sampler, schedule, steps);
        (recipe.seed, recipe.width, recipe.height) = (seed, width, height);
    }
}

impl Guidance {
    pub fn of(recipe: &Recipe) -> Self {
        Self {
            profile: recipe.profile,
            cfg: recipe.cfg,
            cfg_keys: recipe.cfg_keys.clone(),
            interval: recipe.guidance_interval,
            adaptive: recipe.adaptive_guidance,
            scfg: recipe.scfg.clone(),
        }
    }

    pub fn write_to(self, recipe: &mut Recipe) {
        let Self { profile, cfg, cfg_keys, interval, adaptive, scfg } = self;
        (recipe.profile, recipe.cfg, recipe.cfg_keys, recipe.scfg) = (profile, cfg, cfg_keys, scfg);
        (recipe.guidance_interval, recipe.adaptive_guidance) = (interval, adaptive);
    }
}
