//! What is wanted: plain, serialisable data. A [`Recipe`] is all that is needed to make the same picture again.

pub mod cost;
mod error;
mod interval;
pub mod keys;
mod model_ref;
mod options;
mod paint;
mod regions;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use error::RecipeError;
pub use interval::GuidanceInterval;
pub use keys::Key;
pub use model_ref::ModelRef;
pub use options::{FusionMode, FusionRule, Owner, Profile, Sampler, Schedule};
pub use paint::Paint;
pub use regions::{BACKGROUND, RegionFactor, RegionGroup, RegionOwner, RegionPaint, first_of, group_of};

/// Everything that decides a picture. Serialised as is into sessions, traces and PNG files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipe {
    pub prompt: String,
    pub negative: String,
    pub model: ModelRef,
    /// Changes of the model's weights, in the order in which they are added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    pub sampler: Sampler,
    pub schedule: Schedule,
    pub steps: usize,
    pub seed: u64,
    /// Pixels, a multiple of 8.
    pub width: usize,
    /// Pixels, a multiple of 8.
    pub height: usize,
    /// Guidance scale g of classifier-free guidance; 1 or less means no guidance.
    pub cfg: f32,
    /// An approximation that saves evaluations: guidance only at some steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance_interval: Option<GuidanceInterval>,
    /// An approximation that saves evaluations (adaptive guidance, Castillo et al. 2023): after the first step at which
    /// the cosine between the unconditional and the prompt's prediction is above this, guidance ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive_guidance: Option<f32>,
    /// How the guidance scale changes over the steps; see [`keys`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cfg_keys: Vec<Key>,
    pub profile: Profile,
    pub scfg: Scfg,
    /// The user's own factors on the guidance of regions; a region that is not listed has factor 1.
    pub regions: Vec<RegionFactor>,
    /// Tokens that count as one region, and regions with names of their own; no token is in two groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<RegionGroup>,
    /// Corrections of who owns what, by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub painted: Vec<RegionPaint>,
    /// A factor on the guidance, painted: 1 + level / 100 at each element.
    #[serde(skip_serializing_if = "Paint::is_empty")]
    pub painted_factor: Paint,
    pub concepts: Vec<Concept>,
    pub momentum: Momentum,
    pub fusion: Option<Fusion>,
}

/// A LoRA file, added to the weights of the general model's U-Net and text encoder (Hu et al., ICLR 2022).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lora {
    pub path: PathBuf,
    /// How much of it is added; 0 adds nothing, and a negative one takes away.
    pub weight: f32,
}

/// S-CFG settings (Shen et al., CVPR 2024).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scfg {
    pub enabled: bool,
    /// First clamp of the rate map, lower and upper bound.
    pub rate_min: f32,
    pub rate_max: f32,
    /// Second clamp: the effective scale g * rate never exceeds this.
    pub scale_cap: f32,
}

/// One SEGA concept (Brack et al., NeurIPS 2023).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Concept {
    pub text: String,
    /// Edit guidance scale; negative steers away.
    pub scale: f32,
    /// How the scale changes over the steps; see [`keys`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// Quantile in 0..=1: only elements at or above it are touched.
    pub threshold: f32,
    /// First step index at which the concept acts.
    pub warmup: usize,
    /// First step index at which it no longer acts.
    pub cooldown: Option<usize>,
    pub weight: f32,
    /// Steer in the opposite direction.
    pub reverse: bool,
    /// A muted concept is kept but not computed.
    pub enabled: bool,
    /// Token positions of the regions that the concept is confined to; empty: it may act everywhere.
    pub lock: Vec<usize>,
}

/// SEGA momentum, shared by all concepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Momentum {
    pub scale: f32,
    pub beta: f32,
}

/// SNB fusion with an expert model (MagicFusion, Zhao et al., ICCV 2023).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fusion {
    pub enabled: bool,
    pub expert: ModelRef,
    /// The expert's own prompt; `None` means the general one.
    pub prompt: Option<String>,
    /// Timestep gate T0 of [`FusionMode`], in training timesteps (0..1000).
    pub t0: f32,
    /// Sharpness of the general model's saliency.
    pub k_g: f32,
    /// Sharpness of the expert's saliency.
    pub k_e: f32,
    pub mode: FusionMode,
    #[serde(skip_serializing_if = "is_contest")]
    pub rule: FusionRule,
    /// The expert's share of [`FusionRule::Weighted`], 0..=1.
    #[serde(skip_serializing_if = "is_even")]
    pub weight: f32,
    /// Where the expert draws under [`FusionRule::Mask`]: a level above 0. Stretched over the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Paint>,
    /// Regions of the general prompt that one of the two draws whatever the saliencies say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<RegionOwner>,
    /// Painted into the contest: level / 100 is added to the expert's advantage in log-saliency at each element.
    #[serde(skip_serializing_if = "Paint::is_empty")]
    pub bias: Paint,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            negative: String::new(),
            model: ModelRef::Pocket,
            loras: Vec::new(),
            sampler: Sampler::Ddim,
            schedule: Schedule::Normal,
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

impl Default for Scfg {
    fn default() -> Self {
        Self { enabled: false, rate_min: 0.8, rate_max: 3.0, scale_cap: 15.0 }
    }
}

impl Default for Concept {
    fn default() -> Self {
        Self {
            text: String::new(),
            scale: 5.0,
            keys: Vec::new(),
            threshold: 0.9,
            warmup: 10,
            cooldown: None,
            weight: 1.0,
            reverse: false,
            enabled: true,
            lock: Vec::new(),
        }
    }
}

impl Default for Momentum {
    fn default() -> Self {
        Self { scale: 0.1, beta: 0.4 }
    }
}

impl Default for Fusion {
    fn default() -> Self {
        Self {
            enabled: true,
            expert: ModelRef::PocketToon,
            prompt: None,
            t0: 600.0,
            k_g: 1.0,
            k_e: 1.0,
            mode: FusionMode::High,
            rule: FusionRule::Saliency,
            weight: EVEN,
            mask: None,
            owners: Vec::new(),
            bias: Paint::default(),
        }
    }
}

impl Lora {
    /// A short name for people: the file's, without its ending.
    pub fn title(&self) -> String {
        self.path.file_stem().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// Half of each model.
const EVEN: f32 = 0.5;

fn is_even(weight: &f32) -> bool {
    *weight == EVEN
}

fn is_contest(rule: &FusionRule) -> bool {
    *rule == FusionRule::Saliency
}

impl Fusion {
    /// Whether the expert is evaluated at raw timestep `t`: alone it draws at every step, else in the window.
    pub fn fuses(&self, t: f32) -> bool {
        match self.rule {
            FusionRule::General => false,
            FusionRule::Expert => true,
            FusionRule::Saliency | FusionRule::Mask | FusionRule::Weighted => self.mode.fuses(t, self.t0),
        }
    }

    /// Whether timestep gate and mode have a say: one model alone draws at every step.
    pub fn has_window(&self) -> bool {
        !matches!(self.rule, FusionRule::General | FusionRule::Expert)
    }

    /// Whether the expert draws everything, so that the general model serves for maps alone.
    pub fn is_expert_alone(&self) -> bool {
        self.rule == FusionRule::Expert
    }

    /// The expert's share of what it takes part in.
    pub fn expert_share(&self) -> f32 {
        if self.rule == FusionRule::Weighted { self.weight } else { 1.0 }
    }

    /// The settings that its rule uses, all others as they are by default: what decides the picture.
    pub fn normalized(&self) -> Self {
        let usual = Self::default();
        let window = Self { t0: self.t0, mode: self.mode, ..usual.clone() };
        let normalized = match self.rule {
            FusionRule::General => return Self { enabled: self.enabled, rule: self.rule, ..usual },
            FusionRule::Expert => usual,
            FusionRule::Saliency => return Self { weight: usual.weight, mask: None, ..self.clone() },
            FusionRule::Mask => Self { mask: self.mask.clone(), ..window },
            FusionRule::Weighted => Self { weight: self.weight, ..window },
        };
        let (expert, prompt) = (self.expert.clone(), self.prompt.clone());
        Self { enabled: self.enabled, rule: self.rule, expert, prompt, ..normalized }
    }
}

impl Concept {
    /// Signed scale: the direction and strength in one number.
    pub fn signed_scale(&self) -> f32 {
        if self.reverse { -self.scale } else { self.scale }
    }

    /// The signed scale with its key factor at a step.
    pub fn signed_scale_at(&self, step: usize) -> f32 {
        self.signed_scale() * keys::factor_at(&self.keys, step)
    }

    /// Past its warm-up.
    pub fn is_warm(&self, step: usize) -> bool {
        step >= self.warmup
    }

    /// Past its cool-down.
    pub fn is_cooled(&self, step: usize) -> bool {
        self.cooldown.is_some_and(|end| step >= end)
    }

    /// Whether the concept's own prediction can matter at a step: never again after its cool-down, and before its
    /// warm-up only through momentum. `reference` evaluates every concept at every step.
    pub fn matters_at(&self, step: usize, momentum: Momentum, profile: Profile) -> bool {
        match profile {
            Profile::Reference => true,
            Profile::Fixed => !self.is_cooled(step) && (self.is_warm(step) || momentum.scale != 0.0),
        }
    }
}

impl Recipe {
    /// Concepts that are computed, in order: enabled and with a text.
    pub fn active_concepts(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter().filter(|c| c.enabled && !c.text.trim().is_empty())
    }

    /// The LoRAs that change something.
    pub fn active_loras(&self) -> impl Iterator<Item = &Lora> {
        self.loras.iter().filter(|lora| lora.weight != 0.0)
    }

    /// The guidance scale with its key factor at a step.
    pub fn cfg_at(&self, step: usize) -> f32 {
        self.cfg * keys::factor_at(&self.cfg_keys, step)
    }

    /// Whether a step is guided, as far as the recipe decides it; adaptive guidance may end it before. Where the
    /// guidance scale asks for none or the interval leaves the step out, the prompt branch alone is used, and neither
    /// S-CFG, SEGA nor SNB acts (as in every reference pipeline).
    pub fn guides_at(&self, step: usize) -> bool {
        self.cfg_at(step) > 1.0 && self.guidance_interval.is_none_or(|interval| interval.contains(step))
    }

    /// The fusion, if it is switched on.
    pub fn active_fusion(&self) -> Option<&Fusion> {
        self.fusion.as_ref().filter(|f| f.enabled)
    }

    /// The fusion, if the expert has a part in the picture.
    pub fn expert_fusion(&self) -> Option<&Fusion> {
        self.active_fusion().filter(|f| f.rule != FusionRule::General)
    }

    /// The expert's prompt, when there is a fusion.
    pub fn expert_prompt(&self) -> Option<&str> {
        self.active_fusion().map(|f| f.prompt.as_deref().unwrap_or(&self.prompt))
    }

    /// Checks every number, and says in one sentence what is wrong, where, and what to do.
    pub fn validate(&self) -> Result<(), RecipeError> {
        error::check(self)
    }
}
