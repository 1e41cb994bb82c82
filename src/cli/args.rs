//! The flags of `render`, and how they change a recipe.
//!
//! Separate from the command that renders, because these are the names that users and scripts know.

use std::path::PathBuf;

use clap::Args;

use super::{
    device_args::DeviceArgs,
    sampling_args::SamplingArgs,
    values::{
        apply_fusion_settings, parse_concept, parse_guidance_interval, parse_guidance_method, parse_lora, parse_sampler,
    },
};
use crate::recipe::{Fusion, ModelRef, Recipe, RecipeError, keys};

#[derive(Debug, Default, Args)]
pub struct RenderArgs {
    /// What the picture shows.
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// What it does not show: the negative prompt.
    #[arg(long, value_name = "TEXT")]
    pub negative: Option<String>,
    /// A diffusers folder or a `.safetensors` checkpoint; `pocket` is the bundled model.
    #[arg(long, value_name = "PATH")]
    pub model: Option<String>,
    /// A LoRA file to add to the model, and its weight (1 when not given); may be given several times.
    #[arg(long = "lora", value_name = "FILE[:WEIGHT]")]
    pub loras: Vec<String>,
    /// A VAE instead of the model's own: a `.safetensors` file (a TAESD too, which approximates) or a diffusers folder.
    #[arg(long, value_name = "PATH")]
    pub vae: Option<PathBuf>,
    /// A textual inversion; its file's name without extension is its word in prompts. May be given several times.
    #[arg(long = "embedding", value_name = "FILE")]
    pub embeddings: Vec<PathBuf>,
    /// Sampling steps.
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// ddim, pndm, euler, euler-a, heun, dpm2, dpm2-a, lms, dpmpp-2s-a, dpmpp-2m, dpmpp-sde, dpmpp-2m-sde, dpmpp-2m-sde-heun,
    /// dpmpp-3m-sde, unipc, lcm, ddpm or restart; a schedule may be appended, as in `dpmpp-2m-karras`.
    #[arg(long, value_name = "NAME")]
    pub sampler: Option<String>,
    /// normal, karras, exponential, polyexponential, simple, sgm-uniform, ddim-uniform, beta, kl-optimal, align-your-steps or
    /// linear-quadratic.
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<String>,
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Guidance scale.
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub cfg: Option<f32>,
    /// Factors on the guidance scale by step, linear between them: "0:1,20:0.4".
    #[arg(long, value_name = "STEP:FACTOR,…")]
    pub cfg_keys: Option<String>,
    /// Seed of the initial noise.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Pixels; the model's own size when not given.
    #[arg(long, value_name = "PX")]
    pub width: Option<usize>,
    /// As `--width`.
    #[arg(long, value_name = "PX")]
    pub height: Option<usize>,
    /// cfg or s-cfg.
    #[arg(long, value_name = "METHOD")]
    pub guidance: Option<String>,
    /// Guide only steps FROM up to UNTIL, counted from 0. An approximation: fewer evaluations, another picture.
    #[arg(long, value_name = "FROM..UNTIL")]
    pub guidance_interval: Option<String>,
    /// Stop guiding once the predictions with and without the prompt have a cosine above this, for example 0.99. An
    /// approximation: fewer evaluations, another picture.
    #[arg(long, value_name = "COSINE")]
    pub adaptive_guidance: Option<f32>,
    /// "TEXT; scale=5; keys=0:0.5,10:1; threshold=0.9; warmup=10; cooldown=30; weight=1; reverse"; may be given
    /// several times. Keys are factors on the scale by step, linear between them.
    #[arg(long = "concept", value_name = "CONCEPT")]
    pub concepts: Vec<String>,
    /// How much of the concepts' momentum is added to their guidance.
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub momentum_scale: Option<f32>,
    /// How much of the momentum is kept from step to step, from 0 up to 1.
    #[arg(long, value_name = "BETA", allow_negative_numbers = true)]
    pub momentum_beta: Option<f32>,
    /// The second model of a fusion: a diffusers folder, a `.safetensors` checkpoint, or `pocket-toon`.
    #[arg(long, value_name = "PATH")]
    pub expert: Option<String>,
    /// The second model's prompt; the first model's when not given.
    #[arg(long, value_name = "TEXT")]
    pub expert_prompt: Option<String>,
    /// "t0=600; kg=1; ke=1; mode=2". Instead of saliency, "rule=general", "rule=expert", "rule=mask; mask=FILE.png" or
    /// "rule=weighted; weight=0.5" decides.
    #[arg(long, value_name = "FUSION")]
    pub fusion: Option<String>,
    /// reference (as the authors' code does it) or fixed (with its defects repaired).
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Start from the recipe of a saved session; the other flags then change it.
    #[arg(long, value_name = "FILE")]
    pub session: Option<PathBuf>,
    /// A safetensors file whose tensor `init_latents` replaces the seed's noise.
    #[arg(long, value_name = "FILE")]
    pub init_latents: Option<PathBuf>,
    /// Write every tensor of the run to this safetensors file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    #[command(flatten)]
    pub compute: DeviceArgs,
    /// The picture to write.
    #[arg(long, value_name = "FILE.png")]
    pub out: PathBuf,
}

impl RenderArgs {
    /// Sets in `recipe` what the flags give, and leaves the rest.
    ///
    /// # Errors
    /// [`RecipeError`] for a value that cannot be read, and for fusion flags without a second model.
    pub fn apply(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        set(&mut recipe.prompt, &self.prompt);
        set(&mut recipe.negative, &self.negative);
        if let Some(model) = &self.model {
            recipe.model = model_ref(model);
        }
        if !self.loras.is_empty() {
            recipe.loras = self.loras.iter().map(|text| parse_lora(text)).collect();
        }
        if self.vae.is_some() {
            recipe.vae.clone_from(&self.vae);
        }
        if !self.embeddings.is_empty() {
            recipe.embeddings.clone_from(&self.embeddings);
        }
        set(&mut recipe.steps, &self.steps);
        set(&mut recipe.cfg, &self.cfg);
        if let Some(text) = &self.cfg_keys {
            recipe.cfg_keys = keys::parse(text)?;
        }
        set(&mut recipe.seed, &self.seed);
        set(&mut recipe.width, &self.width);
        set(&mut recipe.height, &self.height);
        set(&mut recipe.momentum.scale, &self.momentum_scale);
        set(&mut recipe.momentum.beta, &self.momentum_beta);
        self.apply_sampler(recipe)?;
        self.sampling.apply(recipe)?;
        if let Some(guidance) = &self.guidance {
            recipe.scfg.enabled = parse_guidance_method(guidance)?;
        }
        if let Some(interval) = &self.guidance_interval {
            recipe.guidance_interval = Some(parse_guidance_interval(interval)?);
        }
        if self.adaptive_guidance.is_some() {
            recipe.adaptive_guidance = self.adaptive_guidance;
        }
        if let Some(profile) = &self.profile {
            recipe.profile = profile.parse()?;
        }
        if !self.concepts.is_empty() {
            recipe.concepts = self.concepts.iter().map(|c| parse_concept(c)).collect::<Result<_, _>>()?;
            recipe.assign_concept_ids();
        }
        self.apply_fusion(recipe)
    }

    fn apply_sampler(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        if let Some(name) = &self.sampler {
            let (sampler, schedule) = parse_sampler(name)?;
            recipe.sampler = sampler;
            recipe.schedule = schedule;
        }
        if let Some(schedule) = &self.schedule {
            recipe.schedule = schedule.parse()?;
        }
        Ok(())
    }

    fn apply_fusion(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        if self.expert.is_none() && self.expert_prompt.is_none() && self.fusion.is_none() {
            return Ok(());
        }
        let fusion = match (&self.expert, &mut recipe.fusion) {
            (Some(expert), current) => {
                let fusion = current.get_or_insert_with(Fusion::default);
                fusion.expert = model_ref(expert);
                fusion
            }
            (None, Some(current)) => current,
            (None, None) => {
                return Err(RecipeError::Conflict(
                    "--fusion and --expert-prompt need a second model: add --expert PATH".into(),
                ));
            }
        };
        fusion.enabled = true;
        if let Some(prompt) = &self.expert_prompt {
            fusion.prompt = Some(prompt.clone());
        }
        self.fusion.as_deref().map_or(Ok(()), |text| apply_fusion_settings(fusion, text))
    }
}

/// Sets `target` where the flag is given.
fn set<T: Clone>(target: &mut T, given: &Option<T>) {
    if let Some(value) = given {
        *target = value.clone();
    }
}

fn model_ref(text: &str) -> ModelRef {
    ModelRef::from(text.to_owned())
}
