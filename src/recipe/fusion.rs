//! Settings of SNB, the fusion with an expert model (MagicFusion, Zhao et al., ICCV 2023).
//!
//! Apart as the settings of each of the three methods are.

use serde::{Deserialize, Serialize};

use super::{
    model_ref::ModelRef,
    options::{FusionMode, FusionRule, Owner},
    paint::Paint,
    regions::{RegionGroup, RegionOwner, first_of},
};

/// SNB fusion with an expert model (MagicFusion, Zhao et al., ICCV 2023; docs/algorithms.md §3).
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
    #[serde(skip_serializing_if = "is_saliency")]
    pub rule: FusionRule,
    /// The expert's share of [`FusionRule::Weighted`], 0..=1.
    #[serde(skip_serializing_if = "is_even")]
    pub weight: f32,
    /// Where the expert draws under [`FusionRule::Mask`]: a level above 0. Stretched over the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Paint>,
    /// Regions of the general prompt that one of the two models draws, regardless of the saliencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<RegionOwner>,
    /// Painted bias: level / 100 is added to the expert's advantage in log-saliency at each element.
    #[serde(skip_serializing_if = "Paint::is_empty")]
    pub bias: Paint,
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

/// Half of each model.
const EVEN: f32 = 0.5;

fn is_even(weight: &f32) -> bool {
    *weight == EVEN
}

fn is_saliency(rule: &FusionRule) -> bool {
    *rule == FusionRule::Saliency
}

impl Fusion {
    /// Whether timestep gate and mode are used. They are not where one model alone draws every step.
    pub fn has_window(&self) -> bool {
        !matches!(self.rule, FusionRule::General | FusionRule::Expert)
    }

    /// Whether the expert draws everything. The general model is then evaluated for its maps alone.
    pub fn is_expert_alone(&self) -> bool {
        self.rule == FusionRule::Expert
    }

    /// The expert's share of the noise prediction inside the mask, 0..=1.
    pub fn expert_share(&self) -> f32 {
        if self.rule == FusionRule::Weighted { self.weight } else { 1.0 }
    }

    /// The settings that the rule uses, with all others at their defaults: what decides the picture.
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

    /// Who draws a region: the chosen owner, else [`Owner::Saliency`].
    pub fn region_owner(&self, groups: &[RegionGroup], position: usize) -> Owner {
        let region = first_of(groups, position);
        let own = |o: &&RegionOwner| first_of(groups, o.position) == region;
        self.owners.iter().find(own).map_or(Owner::Saliency, |o| o.owner)
    }
}
