//! How the window was arranged, as a session keeps it.
//!
//! Apart from the window's own state because names in files outlive names in the program.

use serde::{Deserialize, Serialize};

use super::take::TakeId;
use crate::recipe::{ConceptId, Recipe};

/// How the window was arranged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// Name of the overlay on the canvas; empty for none.
    pub overlay: String,
    /// 0..=1.
    pub overlay_opacity: f32,
    /// `dark`, `light`, or empty for the system's.
    pub theme: String,
    /// Points.
    pub left_width: Option<f32>,
    /// Points.
    pub right_width: Option<f32>,
    /// Points.
    pub bottom_height: Option<f32>,
    /// Name of the plot below the timeline; empty for the default.
    pub ledger: String,
    pub ledger_open: bool,
    /// Interface scale, 1 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Name of the comparison; empty for the default.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compare: String,
    /// Where a wipe divides the picture, as a share of its width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wipe: Option<f32>,
    /// The takes pinned as A and B.
    #[serde(skip_serializing_if = "no_pins")]
    pub pins: [Option<TakeId>; 2],
    /// The token position of the selected region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// The concept of the concept overlay; before version 3 its place among the active ones, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concept: Option<ConceptId>,
    /// Whether the saliency overlay shows the expert's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_saliency: Option<bool>,
    /// Whether regions are outlined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlines: Option<bool>,
    /// What is folded away: `left`, `right`, `timeline`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folded: Vec<String>,
    /// The shown step, from 0; none for the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
}

impl Layout {
    /// A step that no run has is none, and so is a length that no window has.
    pub(super) fn bring_within_limits(&mut self) {
        const MOST_STEPS: usize = 10_000;
        const MOST_POINTS: f32 = 20_000.0;
        self.step = self.step.filter(|&step| step < MOST_STEPS);
        for length in [&mut self.left_width, &mut self.right_width, &mut self.bottom_height] {
            *length = length.filter(|points| (0.0..=MOST_POINTS).contains(points));
        }
        let is_share = |share: &f32| (0.0..=1.0).contains(share);
        self.wipe = self.wipe.filter(is_share);
        if !is_share(&self.overlay_opacity) {
            self.overlay_opacity = Self::default().overlay_opacity;
        }
        self.scale = self.scale.filter(|scale| (0.5..=4.0).contains(scale));
    }

    /// Brings what a session before version 3 has written up to date; `recipe` is the session's. The overlay of the
    /// fusion mask had another name, and a concept was named by its place among the active ones.
    pub(super) fn update_from_version_2(&mut self, recipe: &Recipe) {
        if self.overlay.eq_ignore_ascii_case("territory") {
            self.overlay = "fusion mask".to_owned();
        }
        let at = |place: ConceptId| recipe.active_concepts().nth(place.0 as usize);
        self.concept = self.concept.and_then(at).map(|concept| concept.id);
    }
}

fn no_pins(pins: &[Option<TakeId>; 2]) -> bool {
    pins.iter().all(Option::is_none)
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            overlay: String::new(),
            overlay_opacity: 0.6,
            theme: String::new(),
            left_width: None,
            right_width: None,
            bottom_height: None,
            ledger: String::new(),
            ledger_open: false,
            scale: None,
            compare: String::new(),
            wipe: None,
            pins: [None; 2],
            region: None,
            concept: None,
            expert_saliency: None,
            outlines: None,
            folded: Vec::new(),
            step: None,
        }
    }
}
