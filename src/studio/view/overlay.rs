//! Which map lies over the picture, and how.
//!
//! Apart from the view so that exports can be given the overlay alone.

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

/// Which model's saliency the canvas shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaliencyOf {
    #[default]
    General,
    Expert,
}

/// The overlay as it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct OverlayView {
    pub kind: Overlay,
    /// The concept that the concept overlay shows; `None`, or one that the shown run did not compute: its first.
    pub concept: Option<ConceptId>,
    pub saliency: SaliencyOf,
    /// 0..=1.
    pub opacity: f32,
    pub outlines: bool,
}

impl Default for OverlayView {
    fn default() -> Self {
        Self { kind: Overlay::default(), concept: None, saliency: SaliencyOf::default(), opacity: 0.55, outlines: true }
    }
}
