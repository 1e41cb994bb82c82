//! Whether a model can be the expert beside another: the findings, and what any two models must share.
//!
//! Apart because the engine checks loaded models by it, and a source models that it has not loaded.

use super::{family::Model, geometry::Geometry};
use crate::{recipe::ModelRef, sampling::ScheduleConfig};

/// Two models that may be fused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPair {
    pub general: ModelRef,
    pub expert: ModelRef,
}

/// What was found of two models.
#[derive(Clone, Debug, PartialEq)]
pub struct Compatibility {
    pub partners: ModelPair,
    pub points: Vec<CompatibilityPoint>,
}

/// One thing that fits, or does not.
#[derive(Clone, Debug, PartialEq)]
pub struct CompatibilityPoint {
    pub verdict: Verdict,
    /// A clause that ends neither with a full stop nor begins with a capital.
    pub text: String,
}

/// From best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Fits,
    /// It differs, and the difference is made up for.
    Adapted,
    /// They cannot be fused.
    Refused,
}

impl Compatibility {
    /// The worst of all points.
    pub fn verdict(&self) -> Verdict {
        self.points.iter().map(|point| point.verdict).max().unwrap_or(Verdict::Fits)
    }
}

/// What must be the same in two models that predict from the same latents at the same step.
pub(super) struct Shared<'a> {
    pub(super) channels: usize,
    /// Picture side / latent side.
    pub(super) factor: usize,
    pub(super) schedule: &'a ScheduleConfig,
}

impl<'a> Shared<'a> {
    fn of(model: &'a dyn Model) -> Self {
        let Geometry { channels, factor, .. } = model.geometry();
        Self { channels, factor, schedule: model.schedule() }
    }

    /// Why a model cannot be fused with `general`, one clause a reason; none when it can.
    pub(super) fn mismatches(&self, general: &Shared<'_>) -> Vec<String> {
        let mut reasons = Vec::new();
        let (g, e) = (general.channels, self.channels);
        if g != e {
            reasons.push(format!("it works on {e} latent channels, the general model on {g}"));
        }
        let (g, e) = (general.factor, self.factor);
        if g != e {
            reasons.push(format!("its latents are 1/{e} of the picture, the general model's 1/{g}"));
        }
        let noise = |s: &ScheduleConfig| (s.beta_start, s.beta_end, s.beta_schedule, s.num_train_timesteps);
        if noise(general.schedule) != noise(self.schedule) {
            reasons
                .push("it was trained on another noise schedule (beta_start, beta_end or beta_schedule differ)".into());
        }
        reasons
    }
}

/// Why `expert` cannot be fused with `general`, one clause a reason; none when it can.
pub fn mismatches(general: &dyn Model, expert: &dyn Model) -> Vec<String> {
    Shared::of(expert).mismatches(&Shared::of(general))
}
