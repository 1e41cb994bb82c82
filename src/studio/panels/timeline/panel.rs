//! The timeline as a panel: the strip of steps, the lanes and the ledger on one axis.

use egui::{Rect, Stroke, Ui, pos2, vec2};

use super::{axis::Axis, head::Head, lane, lanes, ledger, strip};
use crate::studio::{
    document::Document,
    panels::context::PanelContext,
    view::{
        View,
        theme::{Theme, size},
    },
};

const TOP: f32 = 8.0;
/// Between the strip and the lanes.
const GAP: f32 = 10.0;
/// More lanes than this scroll; fewer in a low window.
const LANES: f32 = 7.0;
const LANES_LOW: f32 = 5.0;
const LOW: f32 = 790.0;

/// The timeline with its state.
#[derive(Debug, Default)]
pub struct Timeline {
    head: Head,
}

impl Timeline {
    /// The height of the whole panel, in points, in a window of height `window`.
    pub fn height(document: &Document, view: &View, window: f32) -> f32 {
        TOP + size::frame(window) + GAP + lanes_height(document, window) + ledger::height(view) + 8.0
    }

    /// Gives the number of the shown step the keyboard focus in the next frame.
    pub fn go_to_step(&mut self) {
        self.head.go_to_step();
    }

    /// Forgets what belonged to another session.
    pub fn session_changed(&mut self) {
        *self = Self::default();
    }

    /// Draws the timeline into the whole of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { document, view, commands, textures } = context;
        let window = ui.ctx().content_rect().height();
        let whole = ui.max_rect();
        let calls = view.shown_track(document).map(|track| track.calls()).filter(|&calls| calls > 0);
        let steps = calls.unwrap_or(document.recipe().steps).max(1);
        let left = whole.left() + size::MARGIN + size::LANE_LABEL;
        let axis = Axis { left, width: (whole.right() - size::MARGIN - left).max(40.0), steps };
        let frames = Rect::from_min_size(pos2(left, whole.top() + TOP), vec2(axis.width, size::frame(window)));
        self.head.show(ui, document, view, pos2(whole.left() + size::MARGIN, frames.center().y), steps);
        strip::show(ui, document, view, textures, frames, axis);

        let top = frames.bottom() + GAP;
        let bottom = top + lanes_height(document, window);
        let lanes = Rect::from_min_max(pos2(whole.left(), top), pos2(whole.right(), bottom));
        lanes::show(ui, document, view, commands, lanes, axis);
        let plots = Rect::from_min_size(lanes.left_bottom(), vec2(whole.width(), ledger::height(view)));
        ledger::show(ui, document, view, plots, axis);
        if let Some(step) = view.shown_step(document) {
            let x = axis.middle(step.min(steps - 1));
            ui.painter().vline(x, frames.bottom()..=plots.bottom(), Stroke::new(1.0, Theme::of(ui).accent.plain));
        }
    }
}

fn lanes_height(document: &Document, window: f32) -> f32 {
    let most = if window < LOW { LANES_LOW } else { LANES };
    lane::height_of_all(document.recipe()).min(most * size::LANE)
}
