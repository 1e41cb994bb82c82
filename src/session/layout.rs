//! How the window was arranged, as a session keeps it.

use serde::{Deserialize, Serialize};

use super::TakeId;
use crate::recipe::ConceptId;

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
    /// What is plotted under the timeline; empty for the usual.
    pub ledger: String,
    pub ledger_open: bool,
    /// How large the interface is, 1 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Name of the comparison; empty for the usual one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compare: String,
    /// Where a wipe divides the picture, as a share of its width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wipe: Option<f32>,
    /// The takes pinned as A and B.
    #[serde(skip_serializing_if = "no_pins")]
    pub pins: [Option<TakeId>; 2],
    /// The token position of the chosen region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<usize>,
    /// The concept that is looked at. Before version 3 this was its place among the active ones, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concept: Option<ConceptId>,
    /// Whether it is the expert's saliency that is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_saliency: Option<bool>,
    /// Whether regions are outlined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlines: Option<bool>,
    /// The step that is looked at, from 0; none for the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
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
            step: None,
        }
    }
}
