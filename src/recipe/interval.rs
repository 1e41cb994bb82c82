use serde::{Deserialize, Serialize};

/// The steps that are guided (Kynkäänniemi et al. 2024, there an interval of noise levels): `from` up to, but not
/// including, `until`. At all others the prompt's own prediction is taken as it is, and S-CFG, SEGA, SNB, region factors
/// and locks rest with the guidance: they are all made of differences to the unconditional prediction, which is not
/// evaluated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuidanceInterval {
    pub from: usize,
    pub until: usize,
}

impl GuidanceInterval {
    pub fn contains(self, step: usize) -> bool {
        (self.from..self.until).contains(&step)
    }
}
