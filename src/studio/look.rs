//! How results are looked at: overlay, comparison, zoom and the window's arrangement.

use super::{brush::Brush, canvas::view::View, theme::size};
use crate::recipe::ConceptId;

/// What lies over the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    Picture,
    #[default]
    Regions,
    Rate,
    Concept,
    Saliency,
    FusionMask,
}

impl Overlay {
    pub const ALL: [Self; 6] =
        [Self::Picture, Self::Regions, Self::Rate, Self::Concept, Self::Saliency, Self::FusionMask];

    pub fn title(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Regions => "Regions",
            Self::Rate => "Rate",
            Self::Concept => "Concept",
            Self::Saliency => "Saliency",
            Self::FusionMask => "Fusion mask",
        }
    }
}

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
            Self::Rate => "Rate",
            Self::Share => "Share",
        }
    }

    /// What it shows, for who does not know the word.
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    #[default]
    Single,
    SideBySide,
    Wipe,
    Difference,
    Blink,
    Grid,
}

impl Compare {
    pub const ALL: [Self; 6] = [Self::Single, Self::SideBySide, Self::Wipe, Self::Difference, Self::Blink, Self::Grid];

    pub fn title(self) -> &'static str {
        match self {
            Self::Single => "Single",
            Self::SideBySide => "Side by side",
            Self::Wipe => "Wipe",
            Self::Difference => "Difference",
            Self::Blink => "Blink",
            Self::Grid => "Grid",
        }
    }

    /// Whether it sets two runs against each other.
    pub fn pairs(self) -> bool {
        !matches!(self, Self::Single | Self::Grid)
    }
}

/// How a difference of two pictures is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DifferenceAs {
    /// Its magnitude in the colours of maps.
    #[default]
    FalseColor,
    /// Its magnitude in grey: black where both are equal.
    Absolute,
    /// Middle grey where both are equal, lighter where A is.
    Signed,
}

impl DifferenceAs {
    pub const ALL: [Self; 3] = [Self::FalseColor, Self::Absolute, Self::Signed];

    pub fn title(self) -> &'static str {
        match self {
            Self::FalseColor => "False colour",
            Self::Absolute => "Absolute",
            Self::Signed => "Signed",
        }
    }
}

/// Whose saliency the canvas shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaliencyOf {
    #[default]
    General,
    Expert,
}

/// How results are looked at; changing it never renders anything.
#[derive(Clone, Debug)]
pub struct Look {
    pub overlay: Overlay,
    /// The concept that the concept overlay shows; `None`, or one that the shown run did not compute: its first.
    pub concept: Option<ConceptId>,
    pub saliency: SaliencyOf,
    pub opacity: f32,
    pub outlines: bool,
    pub compare: Compare,
    /// Where the wipe divides the picture, as a share of its width.
    pub wipe: f32,
    pub difference: DifferenceAs,
    /// Differences are shown this many times as large as they are.
    pub gain: f32,
    /// A blinking canvas changes sides by itself.
    pub blinks: bool,
    pub view: View,
    /// The token position whose region is chosen.
    pub region: Option<usize>,
    /// Further words that were chosen with it, to be merged.
    pub also: Vec<usize>,
    /// The pointer paints on the canvas, as the brush is set.
    pub painting: bool,
    pub brush: Brush,
    pub dark: bool,
    /// How large the interface is, 1 to 2.
    pub scale: f32,
    /// Widths of the left and the right column, in points.
    pub columns: [f32; 2],
    /// What the ledger plots, and whether it is open.
    pub plot: Plot,
    pub ledger_open: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            overlay: Overlay::default(),
            concept: None,
            saliency: SaliencyOf::default(),
            opacity: 0.55,
            outlines: true,
            compare: Compare::default(),
            wipe: 0.5,
            difference: DifferenceAs::default(),
            gain: 1.0,
            blinks: true,
            view: View::default(),
            region: None,
            also: Vec::new(),
            painting: false,
            brush: Brush::default(),
            dark: true,
            scale: 1.0,
            columns: [size::LEFT, size::RIGHT],
            plot: Plot::default(),
            ledger_open: false,
        }
    }
}
