//! What the ledger under the timeline plots.
//!
//! Apart from the panel because sessions keep it.

use crate::tensor::maps::StepArray;

/// What the ledger under the timeline plots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Plot {
    #[default]
    Norms,
    Cosines,
    Rate,
    Share,
}

impl Plot {
    pub const ALL: [Self; 4] = [Self::Norms, Self::Cosines, Self::Rate, Self::Share];

    pub fn title(self) -> &'static str {
        match self {
            Self::Norms => "Norms",
            Self::Cosines => "Cosines",
            Self::Rate => StepArray::Rate.info().title,
            Self::Share => "Share",
        }
    }

    /// What it shows, for its tooltip.
    pub fn words(self) -> &'static str {
        match self {
            Self::Norms => "How hard guidance, each concept and its momentum (dashed) pull: the norms of their terms",
            Self::Cosines => {
                "How alike directions are: 1 pulls the same way, 0 has nothing in common, -1 pulls against. Pairs of concepts, and each with the prompt (dashed)"
            }
            Self::Rate => "S-CFG's rate \u{3c1}: its mean, and the band that all but 5 % at either end lie in",
            Self::Share => "The share of the picture that each concept touches, and that the expert draws",
        }
    }
}

/// The ledger as it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerView {
    pub plot: Plot,
    pub open: bool,
}
