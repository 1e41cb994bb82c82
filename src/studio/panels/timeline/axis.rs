//! How steps lie along the timeline.
//!
//! Apart from the panel because the strip, the lanes and the ledger share one axis.

use egui::{EventFilter, Key, Modifiers, Response, Ui};

use crate::studio::widgets::focus::{self, Keys};

/// Where the steps lie horizontally, in points.
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

/// How far the arrow keys have gone to the right and up while `response` has the keyboard focus.
pub fn arrow_presses(ui: &Ui, response: &Response) -> [i32; 2] {
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    if !response.has_focus() {
        return [0, 0];
    }
    focus::claim(ui.ctx(), response.id, Keys::Arrows);
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
