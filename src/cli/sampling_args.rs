//! Flags for how samplers and prompts are read: what programs do differently under one name.
//!
//! Separate from the flags of every picture, because most pictures need none of them.

use clap::Args;

use crate::recipe::{Recipe, RecipeError};

#[derive(Debug, Default, Args)]
pub struct SamplingArgs {
    /// Whose sampler and schedule of a name: diffusers, a1111 or comfyui.
    #[arg(long, value_name = "PROGRAM")]
    pub convention: Option<String>,
    /// Share of fresh noise in each step of samplers that add noise: 0 for none, 1 for their own.
    #[arg(long, value_name = "X")]
    pub eta: Option<f32>,
    /// Factor on fresh noise.
    #[arg(long, value_name = "X")]
    pub s_noise: Option<f32>,
    /// Noise that Euler, Heun and DPM2 add before their steps, in all.
    #[arg(long, value_name = "X")]
    pub s_churn: Option<f32>,
    /// Exponent of the Karras and the polyexponential schedule.
    #[arg(long, value_name = "X")]
    pub rho: Option<f32>,
    /// The smallest sigma of the schedule; the model's when not given.
    #[arg(long, value_name = "SIGMA")]
    pub sigma_min: Option<f32>,
    /// The largest sigma of the schedule; the model's when not given.
    #[arg(long, value_name = "SIGMA")]
    pub sigma_max: Option<f32>,
    /// plain, a1111 or comfyui: what brackets and colons mean in the prompts.
    #[arg(long, value_name = "SYNTAX")]
    pub prompt_syntax: Option<String>,
    /// original, no-norm, ignore or none: what A1111's weights do.
    #[arg(long, value_name = "MODE")]
    pub emphasis: Option<String>,
    /// Which of the text encoder's layers is used, from the end: 1 is the last.
    #[arg(long, value_name = "N")]
    pub clip_skip: Option<usize>,
}

impl SamplingArgs {
    /// Sets in `recipe` what the flags give.
    ///
    /// # Errors
    /// [`RecipeError`] for a name that is unknown.
    pub fn apply(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        let options = [
            (&mut recipe.eta, self.eta),
            (&mut recipe.s_noise, self.s_noise),
            (&mut recipe.s_churn, self.s_churn),
            (&mut recipe.rho, self.rho),
            (&mut recipe.sigma_min, self.sigma_min),
            (&mut recipe.sigma_max, self.sigma_max),
        ];
        for (target, given) in options {
            *target = given.or(*target);
        }
        recipe.clip_skip = self.clip_skip.or(recipe.clip_skip);
        if let Some(name) = &self.convention {
            recipe.convention = name.parse()?;
        }
        if let Some(name) = &self.prompt_syntax {
            recipe.prompt_syntax = name.parse()?;
        }
        if let Some(name) = &self.emphasis {
            recipe.emphasis = name.parse()?;
        }
        Ok(())
    }
}
