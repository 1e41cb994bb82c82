//! Settings of S-CFG (Shen et al., CVPR 2024).
//!
//! Apart as the settings of each of the three methods are.

use serde::{Deserialize, Serialize};

/// S-CFG settings (Shen et al., CVPR 2024; docs/algorithms.md §1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scfg {
    pub enabled: bool,
    /// First clamp of the rate map: lower bound, 0 or more.
    pub rate_min: f32,
    /// First clamp of the rate map: upper bound, at least the lower one.
    pub rate_max: f32,
    /// Second clamp: the effective scale g * rate never exceeds this.
    pub scale_cap: f32,
}

impl Default for Scfg {
    fn default() -> Self {
        Self { enabled: false, rate_min: 0.8, rate_max: 3.0, scale_cap: 15.0 }
    }
}
