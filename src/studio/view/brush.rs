//! The brush as it is set.
//!
//! Apart from painting: the canvas turns the pointer into strokes, the document turns strokes into paint.

use super::overlay::Overlay;
use crate::recipe::{FusionRule, Recipe};

/// What is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Which elements the chosen region owns.
    #[default]
    Region,
    /// How strongly the guidance acts.
    Strength,
    /// Which model of a fusion the saliency favours.
    Bias,
}

/// What a stroke does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Act {
    #[default]
    Add,
    TakeAway,
    Erase,
}

impl Target {
    pub const ALL: [Self; 3] = [Self::Region, Self::Strength, Self::Bias];

    pub fn title(self) -> &'static str {
        match self {
            Self::Region => "Region",
            Self::Strength => "Strength",
            Self::Bias => "Bias",
        }
    }

    /// The map that shows what it changes.
    pub fn overlay(self) -> Overlay {
        match self {
            Self::Region => Overlay::Regions,
            Self::Strength => Overlay::Rate,
            Self::Bias => Overlay::FusionMask,
        }
    }
}

impl Target {
    /// Why it cannot be painted, in a sentence.
    pub fn missing(self, recipe: &Recipe) -> Option<&'static str> {
        let by_saliency = recipe.active_fusion().is_some_and(|fusion| fusion.rule == FusionRule::Saliency);
        (self == Self::Bias && !by_saliency).then_some("Fuse two models by saliency to favour one of them.")
    }
}

impl Act {
    pub const ALL: [Self; 3] = [Self::Add, Self::TakeAway, Self::Erase];

    /// What it is called, for each target.
    pub fn title(self, target: Target) -> &'static str {
        match (self, target) {
            (Self::Add, Target::Region) => "Add",
            (Self::TakeAway, Target::Region) => "Take away",
            (Self::Add, Target::Strength) => "Stronger",
            (Self::TakeAway, Target::Strength) => "Weaker",
            (Self::Add, Target::Bias) => "Expert",
            (Self::TakeAway, Target::Bias) => "General",
            (Self::Erase, _) => "Erase",
        }
    }
}

/// The brush as it is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brush {
    /// The pointer paints on the canvas.
    pub active: bool,
    pub target: Target,
    pub act: Act,
    /// Diameter, in elements of the latent grid.
    pub size: f32,
    /// How much a stroke adds to the factor 1, or subtracts from it.
    pub factor: f32,
    /// How much a stroke adds to the expert's side, in log-saliency.
    pub bias: f32,
}

impl Default for Brush {
    fn default() -> Self {
        Self { active: false, target: Target::Region, act: Act::Add, size: Self::USUAL, factor: 0.5, bias: 2.0 }
    }
}

impl Brush {
    /// The diameter at first, and the smallest and largest.
    pub const USUAL: f32 = 3.0;
    pub const SIZES: std::ops::RangeInclusive<f32> = 1.0..=16.0;

    /// Aims the brush at a target; another target begins with adding.
    pub fn aim(&mut self, target: Target) {
        if self.target != target {
            (self.target, self.act) = (target, Act::Add);
        }
    }

    /// What a stroke leaves where it covers an element wholly.
    pub fn level(self) -> f32 {
        let sign = match self.act {
            Act::Add => 1.0,
            Act::TakeAway => -1.0,
            Act::Erase => return 0.0,
        };
        match self.target {
            Target::Region => sign,
            // A factor below 0 would push away from the prompt.
            Target::Strength => (100.0 * sign * self.factor).max(-100.0),
            Target::Bias => 100.0 * sign * self.bias,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_never_painted_below_nothing() {
        let brush = Brush { target: Target::Strength, act: Act::TakeAway, factor: 3.0, ..Brush::default() };
        assert_eq!(brush.level(), -100.0);
    }
}
