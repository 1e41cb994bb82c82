//! The recipe: everything that decides a picture, as plain data.
//!
//! Apart from its parts, which have files of their own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    concept::{Concept, Momentum, read_concepts},
    fusion::Fusion,
    interval::GuidanceInterval,
    keys::{self, Key},
    lora::Lora,
    model_ref::ModelRef,
    options::{Convention, Emphasis, FusionRule, Profile, PromptSyntax, Sampler, Schedule},
    paint::Paint,
    regions::{RegionFactor, RegionGroup, RegionPaint},
    scfg::Scfg,
};
use crate::files::charged_list;

/// The sides of pictures are multiples of this many pixels. It is the recipe's own rule, because a recipe is checked
/// and edited without its model. It is not the factor between pixels and latents: that is the model's, and the engine
/// refuses sides that the model's geometry does not allow.
pub const SIDE_STEP: usize = 8;

/// Everything that decides a picture. Sessions, traces and PNG files hold it as serialised here; older forms are read
/// too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    pub prompt: String,
    pub negative: String,
    #[serde(skip_serializing_if = "is_default")]
    pub prompt_syntax: PromptSyntax,
    #[serde(skip_serializing_if = "is_default")]
    pub emphasis: Emphasis,
    /// Which of the text encoder's layers is used, 1 to 12: 1 is the last. None: as the model has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<usize>,
    pub model: ModelRef,
    /// Changes of the model's weights, in the order in which they are added.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "charged_list")]
    pub loras: Vec<Lora>,
    /// An autoencoder instead of the model's own: a file or a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vae: Option<PathBuf>,
    /// Textual inversions (Gal et al., 2022): files whose names are words for prompts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub embeddings: Vec<PathBuf>,
    pub sampler: Sampler,
    pub schedule: Schedule,
    /// Whose conventions sampler and schedule follow, where programs differ under one name.
    #[serde(skip_serializing_if = "is_default")]
    pub convention: Convention,
    /// Share of fresh noise in each step, 0 to 10. None: 0 for DDIM, 1 for other samplers that add noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<f32>,
    /// Factor on the fresh noise, 0 to 10; none is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s_noise: Option<f32>,
    /// Churn of Euler, Heun and DPM2 over all steps, 0 to 1000; none is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s_churn: Option<f32>,
    /// Exponent of the Karras (none: 7) and the polyexponential schedule (none: 1), above 0 and up to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rho: Option<f32>,
    /// The ends of the schedule in sigma, above 0; none: the model's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma_min: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma_max: Option<f32>,
    pub steps: usize,
    pub seed: u64,
    /// Pixels, a multiple of [`SIDE_STEP`].
    pub width: usize,
    /// Pixels, a multiple of [`SIDE_STEP`].
    pub height: usize,
    /// Guidance scale g of classifier-free guidance; 1 or less means no guidance.
    pub cfg: f32,
    /// Guidance only at some steps, an approximation that saves evaluations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance_interval: Option<GuidanceInterval>,
    /// Adaptive guidance (Castillo et al. 2023), an approximation that saves evaluations: guidance ends after the first
    /// step at which the cosine between the unconditional and the prompt's prediction is above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive_guidance: Option<f32>,
    /// How the guidance scale changes over the steps; see [`keys`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cfg_keys: Vec<Key>,
    pub profile: Profile,
    pub scfg: Scfg,
    /// The user's own factors on the guidance of regions; a region that is not listed has factor 1.
    #[serde(deserialize_with = "charged_list")]
    pub regions: Vec<RegionFactor>,
    /// Tokens that count as one region, and regions with names of their own; no token is in two groups.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "charged_list")]
    pub groups: Vec<RegionGroup>,
    /// Painted corrections of the regions.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "charged_list")]
    pub painted: Vec<RegionPaint>,
    /// A painted factor on the guidance: 1 + level / 100 at each element, 0 to 10.
    #[serde(skip_serializing_if = "Paint::is_empty")]
    pub painted_factor: Paint,
    /// Each has an id of its own after [`Recipe::assign_concept_ids`], which every read recipe has been through.
    #[serde(deserialize_with = "read_concepts")]
    pub concepts: Vec<Concept>,
    pub momentum: Momentum,
    pub fusion: Option<Fusion>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            negative: String::new(),
            prompt_syntax: PromptSyntax::Plain,
            emphasis: Emphasis::Original,
            clip_skip: None,
            model: ModelRef::Pocket,
            loras: Vec::new(),
            vae: None,
            embeddings: Vec::new(),
            sampler: Sampler::Ddim,
            schedule: Schedule::Normal,
            convention: Convention::Diffusers,
            eta: None,
            s_noise: None,
            s_churn: None,
            rho: None,
            sigma_min: None,
            sigma_max: None,
            steps: 20,
            seed: 0,
            width: 192,
            height: 192,
            cfg: 5.0,
            guidance_interval: None,
            adaptive_guidance: None,
            cfg_keys: Vec::new(),
            profile: Profile::Fixed,
            scfg: Scfg::default(),
            regions: Vec::new(),
            groups: Vec::new(),
            painted: Vec::new(),
            painted_factor: Paint::default(),
            concepts: Vec::new(),
            momentum: Momentum::default(),
            fusion: None,
        }
    }
}

impl Recipe {
    /// The LoRAs whose weight is not 0.
    pub fn active_loras(&self) -> impl Iterator<Item = &Lora> {
        self.loras.iter().filter(|lora| lora.weight != 0.0)
    }

    /// The guidance scale with its key factor at a step.
    pub fn cfg_at(&self, step: usize) -> f32 {
        self.cfg * keys::factor_at(&self.cfg_keys, step)
    }

    /// The fusion, if it is enabled.
    pub fn active_fusion(&self) -> Option<&Fusion> {
        self.fusion.as_ref().filter(|f| f.enabled)
    }

    /// The fusion, if it is enabled and evaluates the expert.
    pub fn expert_fusion(&self) -> Option<&Fusion> {
        self.active_fusion().filter(|f| f.rule != FusionRule::General)
    }

    /// The expert's prompt, if there is an enabled fusion.
    pub fn expert_prompt(&self) -> Option<&str> {
        self.active_fusion().map(|f| f.prompt.as_deref().unwrap_or(&self.prompt))
    }
}

/// Whether a field is left out of files.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
