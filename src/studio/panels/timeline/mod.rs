//! Below the canvas: one thumbnail a step with a playhead to scrub, lanes that show what acts when and how strongly,
//! and the ledger of what it came to.

mod ends;
mod head;
mod jump;
mod keys;
mod lanes;
mod ledger;
mod momentum;
mod series;
mod strip;

use egui::{EventFilter, Key, Modifiers, Rect, Response, Stroke, Ui, pos2, vec2};

use crate::studio::{
    bundle::Studio,
    view::theme::{Theme, size},
    widgets::textures::Textures,
};

const TOP: f32 = 8.0;
/// Between the strip and the lanes.
const GAP: f32 = 10.0;
/// More lanes than this scroll; fewer in a low window.
const LANES: f32 = 7.0;
const LANES_LOW: f32 = 5.0;
const LOW: f32 = 790.0;

/// How steps lie on the strip.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub left: f32,
    pub width: f32,
    pub steps: usize,
}

impl Axis {
    pub fn cell(&self) -> f32 {
        self.width / self.steps.max(1) as f32
    }

    /// The left border of a step; of `steps`, the right end.
    pub fn x(&self, step: usize) -> f32 {
        self.left + self.cell() * step.min(self.steps) as f32
    }

    pub fn middle(&self, step: usize) -> f32 {
        self.x(step) + self.cell() / 2.0
    }

    /// The step under `x`.
    pub fn step(&self, x: f32) -> usize {
        (((x - self.left) / self.cell()).max(0.0) as usize).min(self.steps.saturating_sub(1))
    }

    /// The border between steps nearest to `x`, 0 to `steps`.
    pub fn border(&self, x: f32) -> usize {
        (((x - self.left) / self.cell()).round().max(0.0) as usize).min(self.steps)
    }
}

/// The height of the whole panel for the recipe as it stands, in a window of height `window`.
pub fn height(studio: &Studio, window: f32) -> f32 {
    TOP + size::frame(window) + GAP + lanes_height(studio, window) + ledger::height(studio) + 8.0
}

fn lanes_height(studio: &Studio, window: f32) -> f32 {
    let most = if window < LOW { LANES_LOW } else { LANES };
    lanes::height(&studio.document.recipe).min(most * size::LANE)
}

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    let window = ui.ctx().content_rect().height();
    let whole = ui.max_rect();
    let steps = studio
        .view
        .shown_track(&studio.document)
        .map(|t| t.calls())
        .filter(|&n| n > 0)
        .unwrap_or(studio.document.recipe.steps)
        .max(1);
    let left = whole.left() + size::MARGIN + size::LANE_LABEL;
    let axis = Axis { left, width: (whole.right() - size::MARGIN - left).max(40.0), steps };
    let frames = Rect::from_min_size(pos2(left, whole.top() + TOP), vec2(axis.width, size::frame(window)));
    head::show(ui, studio, whole.left() + size::MARGIN, frames.center().y, steps);
    strip::show(ui, studio, pictures, frames, axis);

    let top = frames.bottom() + GAP;
    let lanes = Rect::from_min_max(pos2(whole.left(), top), pos2(whole.right(), top + lanes_height(studio, window)));
    lanes::show(ui, studio, lanes, axis);
    let plots = Rect::from_min_size(lanes.left_bottom(), vec2(whole.width(), ledger::height(studio)));
    ledger::show(ui, studio, plots, axis);
    if let Some(step) = studio.view.shown_step(&studio.document) {
        let x = axis.middle(step.min(steps - 1));
        ui.painter().vline(x, frames.bottom()..=plots.bottom(), Stroke::new(1.0, Theme::of(ui).accent));
    }
}

/// How far the arrow keys have gone to the right and up while `response` has the keyboard.
fn arrows(ui: &Ui, response: &Response) -> [i32; 2] {
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    if !response.has_focus() {
        return [0, 0];
    }
    let count = |key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key)) as i32;
    [count(Key::ArrowRight) - count(Key::ArrowLeft), count(Key::ArrowUp) - count(Key::ArrowDown)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_places_agree() {
        let axis = Axis { left: 100.0, width: 400.0, steps: 20 };
        for step in 0..20 {
            assert_eq!(axis.step(axis.middle(step)), step);
            assert_eq!(axis.border(axis.x(step) + 1.0), step);
        }
        assert_eq!(axis.step(-50.0), 0);
        assert_eq!(axis.step(9999.0), 19);
        assert_eq!(axis.border(9999.0), 20);
    }
}
