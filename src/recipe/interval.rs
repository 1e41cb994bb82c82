//! Guidance at a part of the steps only.
//!
//! Apart because the command line reads it from text of its own.

use serde::{Deserialize, Serialize};

/// The steps that are guided: `from` up to, but not including, `until`. All other steps use the prompt's prediction
/// alone. S-CFG, SEGA, SNB, region factors and locks are inactive there, since they are made of differences to the
/// unconditional prediction, which is not evaluated. Source: Kynkäänniemi et al. 2024, where it is an interval of noise
/// levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuidanceInterval {
    pub from: usize,
    pub until: usize,
}

impl GuidanceInterval {
    /// Whether a step is guided.
    pub fn contains(self, step: usize) -> bool {
        (self.from..self.until).contains(&step)
    }
}
