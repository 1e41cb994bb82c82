//! What is drawn over a picture: labels with their colours, or a scalar map with its scale.
//!
//! Apart from the canvas because exports draw the same maps.

use std::sync::Arc;

use egui::Color32;

use super::{
    colormap::{self, Table},
    overlay::{Overlay, OverlayView, SaliencyOf},
    theme,
};
use crate::{
    engine::{ScfgReport, StepReport},
    recipe::ConceptId,
    studio::document::regions::labels::RegionLabels,
    tensor::{Picture, Plane, maps::StepArray},
};

/// The opacity of elements that belong to no word, and of regions that are not the chosen one.
const BACKGROUND_ALPHA: u8 = 90;
const UNCHOSEN_ALPHA: u8 = 45;

/// Everything that decides the texels of one pane; textures are uploaded again only when it changes.
#[derive(Clone)]
pub struct Source {
    pub picture: Arc<Picture>,
    /// The picture to subtract, when differences are shown.
    pub other: Option<Arc<Picture>>,
    pub report: Option<Arc<StepReport>>,
    pub labels: RegionLabels,
    pub overlay: Overlay,
    pub concept: Option<ConceptId>,
    pub saliency: SaliencyOf,
    /// The token positions of the chosen regions.
    pub chosen: Vec<usize>,
}

/// The maps of a source, ready for the GPU.
pub struct Maps {
    /// One label per element; outlines run between different ones.
    pub labels: Option<Plane<u8>>,
    pub scalar: Option<Scalar>,
    pub label_colors: Table,
    pub scalar_colors: Table,
}

/// A map and the values that its first and last colour stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    pub plane: Plane,
    pub low: f32,
    pub high: f32,
}

impl Source {
    /// What a pane with one picture shows; `chosen` are the chosen regions' token positions.
    pub fn new(
        picture: Arc<Picture>,
        report: Option<Arc<StepReport>>,
        labels: RegionLabels,
        overlay: &OverlayView,
        chosen: Vec<usize>,
    ) -> Self {
        Self {
            picture,
            other: None,
            report,
            labels,
            overlay: overlay.kind,
            concept: overlay.concept,
            saliency: overlay.saliency,
            chosen,
        }
    }

    /// Whether both give the same texels. Reports and pictures never change once they are made, so equal addresses mean
    /// equal contents.
    pub fn same(&self, other: &Self) -> bool {
        let same_report = match (&self.report, &other.report) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        let same_other = match (&self.other, &other.other) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same_report
            && same_other
            && Arc::ptr_eq(&self.picture, &other.picture)
            && self.labels == other.labels
            && self.chosen == other.chosen
            && (self.overlay, self.concept, self.saliency) == (other.overlay, other.concept, other.saliency)
    }

    pub fn maps(&self) -> Maps {
        let mut maps = Maps {
            labels: None,
            scalar: None,
            label_colors: [Color32::TRANSPARENT; 256],
            scalar_colors: colormap::magma(),
        };
        let Some(report) = self.report.as_deref().filter(|_| self.other.is_none()) else { return maps };
        if let Some(array) = self.overlay.array(self.saliency) {
            maps.scalar_colors = colormap::table(array.info().palette);
        }
        match self.overlay {
            Overlay::Picture => {}
            Overlay::Regions => {
                maps.labels = report.scfg.as_ref().map(|s| self.owners(s));
                maps.label_colors = region_colors(&self.labels, &self.chosen);
            }
            Overlay::Rate => {
                maps.labels = report.scfg.as_ref().map(|s| self.owners(s));
                maps.scalar = report.scfg.as_ref().map(|s| scaled(StepArray::Rate, &s.rate));
            }
            Overlay::Concept => {
                if let Some(concept) = report.chosen_concept(self.concept) {
                    maps.labels = Some(concept.mask.map(|share| u8::from(share > 0.0)));
                    maps.scalar = Some(scaled(StepArray::Magnitude, &concept.magnitude));
                }
            }
            Overlay::Saliency => {
                if let Some(fusion) = &report.fusion {
                    maps.labels = Some(fusion.mask.clone());
                    maps.scalar = Some(scaled(self.saliency.array(), self.saliency.map(fusion)));
                }
            }
            Overlay::FusionMask => {
                maps.labels = report.fusion.as_ref().map(|f| f.mask.clone());
                maps.label_colors[0] = with_alpha(theme::GENERAL_GROUND, UNCHOSEN_ALPHA);
                maps.label_colors[1] = theme::FUSION;
                // In a weighted sum the expert has a part of every element.
                if let Some(fusion) = report.fusion.as_ref().filter(|f| f.mask.values.iter().all(|&m| m == 1)) {
                    maps.label_colors[1] = with_alpha(theme::FUSION, (255.0 * fusion.share).round() as u8);
                }
            }
        }
        maps.labels = maps.labels.filter(|plane| !plane.values.is_empty());
        maps.scalar = maps.scalar.filter(|scalar| !scalar.plane.values.is_empty());
        maps
    }

    /// The region of every element.
    fn owners(&self, scfg: &ScfgReport) -> Plane<u8> {
        scfg.region.map(|position| small_label(self.labels.region_of(usize::from(position))))
    }
}

fn small_label(position: usize) -> u8 {
    u8::try_from(position).unwrap_or(u8::MAX)
}

fn with_alpha(c: Color32, alpha: u8) -> Color32 {
    Color32::from_rgba_unmultiplied(c.r(), c.g(), c.b(), alpha)
}

/// The colour of a token's region: its first word's own, or grey for what is no word.
pub fn region_color(labels: &RegionLabels, position: usize) -> Color32 {
    labels.color_position(position).map_or(theme::BACKGROUND_TOKEN, theme::token_color)
}

fn region_colors(labels: &RegionLabels, chosen: &[usize]) -> Table {
    std::array::from_fn(|position| {
        let color = region_color(labels, position);
        match (chosen.is_empty(), chosen.contains(&position)) {
            (false, false) => with_alpha(color, UNCHOSEN_ALPHA),
            (true, _) if color == theme::BACKGROUND_TOKEN => with_alpha(color, BACKGROUND_ALPHA),
            _ => color,
        }
    })
}

/// A map with the scale that the table of maps gives it.
pub fn scaled(array: StepArray, plane: &Plane) -> Scalar {
    let [low, high] = array.info().range.bounds(plane);
    Scalar { plane: plane.clone(), low, high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Token, TokenKind};

    #[test]
    fn a_chosen_region_dims_the_others() {
        let tokens = (1..4).map(|position| Token { position, text: "a".into(), kind: TokenKind::Word }).collect();
        let table = region_colors(&RegionLabels::new(Arc::new(tokens), Vec::new()), &[2, 3]);
        assert_eq!((table[2].a(), table[3].a()), (255, 255), "all that are chosen");
        assert!(table[1].a() < 80);
    }

    #[test]
    fn the_rate_scale_is_centred_on_one() {
        let scale = scaled(StepArray::Rate, &Plane::new(1, 3, vec![0.8, 1.0, 2.5]));
        assert!((scale.low + scale.high - 2.0).abs() < 1e-6);
        assert!((scale.high - 2.5).abs() < 1e-6);
    }
}
