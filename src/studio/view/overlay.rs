//! Which map lies over the picture, and how.
//!
//! Apart from the view so that exports can be given the overlay alone.

use crate::{
    engine::FusionReport,
    recipe::ConceptId,
    tensor::{Plane, maps::StepArray},
};

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

    /// The map that is drawn; `None` for the picture alone. `of` is the model whose saliency is shown.
    pub fn array(self, of: SaliencyOf) -> Option<StepArray> {
        match self {
            Self::Picture => None,
            Self::Regions => Some(StepArray::Region),
            Self::Rate => Some(StepArray::Rate),
            Self::Concept => Some(StepArray::Magnitude),
            Self::Saliency => Some(of.array()),
            Self::FusionMask => Some(StepArray::FusionMask),
        }
    }

    /// The title of its map. The map of a concept is called by what it belongs to.
    pub fn title(self) -> &'static str {
        match self.array(SaliencyOf::default()) {
            None => "Picture",
            Some(StepArray::Magnitude) => "Concept",
            Some(array) => array.info().title,
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

impl SaliencyOf {
    pub fn array(self) -> StepArray {
        match self {
            Self::General => StepArray::SaliencyGeneral,
            Self::Expert => StepArray::SaliencyExpert,
        }
    }

    /// The model, with a capital.
    pub fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Expert => "Expert",
        }
    }

    /// The model's map in a report.
    pub fn map(self, fusion: &FusionReport) -> &Plane {
        match self {
            Self::General => &fusion.saliency_general,
            Self::Expert => &fusion.saliency_expert,
        }
    }
}

/// Where the card with the numbers under the pointer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardPlace {
    #[default]
    Pointer,
    /// In the lower corner that the pointer is not near.
    Corner,
    Hidden,
}

impl CardPlace {
    /// The place after this one, from the last to the first.
    pub fn next(self) -> Self {
        match self {
            Self::Pointer => Self::Corner,
            Self::Corner => Self::Hidden,
            Self::Hidden => Self::Pointer,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Pointer => "at the pointer",
            Self::Corner => "in a corner",
            Self::Hidden => "hidden",
        }
    }
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
    pub card: CardPlace,
}

impl Default for OverlayView {
    fn default() -> Self {
        Self {
            kind: Overlay::default(),
            concept: None,
            saliency: SaliencyOf::default(),
            opacity: 0.55,
            outlines: true,
            card: CardPlace::default(),
        }
    }
}
