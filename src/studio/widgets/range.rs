//! A slider with two handles over whole numbers: first and one past the last.
//!
//! Apart from the plain slider, whose value is one real number.

use egui::{CornerRadius, EventFilter, Key, Modifiers, Rect, Response, Sense, Ui, pos2};

use super::{
    focus::{self, Keys},
    slider::{describe_whole, paint_knob},
};
use crate::studio::view::theme::{Theme, size};

/// A half-open range `start..end` inside `0..=count`; an open end means `count`.
pub struct RangeSlider<'a> {
    pub start: &'a mut usize,
    pub end: &'a mut Option<usize>,
    pub count: usize,
    /// What screen readers call the two handles.
    pub names: [String; 2],
    pub color: egui::Color32,
}

impl RangeSlider<'_> {
    /// The slider in `rail`; says whether an end moved. Double-click opens that end fully.
    pub fn place(self, ui: &mut Ui, rail: Rect) -> bool {
        let theme = Theme::of(ui);
        let before = (*self.start, *self.end);
        let span = (rail.left() + size::KNOB, rail.right() - size::KNOB);
        let x_of = |step: usize| {
            let t = step.min(self.count) as f32 / self.count.max(1) as f32;
            span.0 + (span.1 - span.0) * t
        };
        let (a, b) = (x_of(*self.start), x_of(self.end.unwrap_or(self.count)));
        let middle = (a + b) / 2.0;
        let areas = [
            Rect::from_min_max(rail.min, pos2(middle, rail.max.y)),
            Rect::from_min_max(pos2(middle, rail.min.y), rail.max),
        ];
        let handles: [Response; 2] = [0, 1]
            .map(|k| ui.interact(areas[k], ui.scope_id().with(("range", &self.names[k])), Sense::click_and_drag()));
        let step_at = |x: f32| {
            let t = ((x - span.0) / (span.1 - span.0)).clamp(0.0, 1.0);
            (t * self.count as f32).round() as usize
        };
        let presses = [0, 1].map(|k| arrow_presses(ui, &handles[k]));
        let end = self.end.unwrap_or(self.count);
        let moved = |from: usize, by: isize| (by != 0).then(|| from.saturating_add_signed(by).min(self.count));
        if let Some(step) = dragged_to(&handles[0], step_at).or(moved(*self.start, presses[0])) {
            *self.start = step.min(self.end.unwrap_or(self.count).saturating_sub(1));
        }
        if let Some(step) = dragged_to(&handles[1], step_at).or(moved(end, presses[1])) {
            let step = step.max(*self.start + 1);
            *self.end = (step < self.count).then_some(step);
        }
        if handles[0].double_clicked() {
            *self.start = 0;
        }
        if handles[1].double_clicked() {
            *self.end = None;
        }
        describe_whole(ui, &handles[0], &self.names[0], *self.start, self.count);
        describe_whole(ui, &handles[1], &self.names[1], self.end.unwrap_or(self.count), self.count);

        let y = rail.center().y;
        let bar = |l: f32, r: f32| Rect::from_min_max(pos2(l, y - size::RAIL / 2.0), pos2(r, y + size::RAIL / 2.0));
        ui.painter().rect_filled(bar(rail.left(), rail.right()), CornerRadius::same(2), theme.ground.raised);
        ui.painter().rect_filled(bar(a, b), CornerRadius::same(2), self.color);
        paint_knob(ui, pos2(a, y), &handles[0]);
        paint_knob(ui, pos2(b, y), &handles[1]);
        before != (*self.start, *self.end)
    }
}

fn dragged_to(handle: &Response, step_at: impl Fn(f32) -> usize) -> Option<usize> {
    let pointer = handle.interact_pointer_pos()?;
    handle.request_focus();
    Some(step_at(pointer.x))
}

/// How far the arrow keys move a handle that has the focus.
fn arrow_presses(ui: &Ui, handle: &Response) -> isize {
    let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(handle.id, arrows));
    if !handle.has_focus() {
        return 0;
    }
    focus::claim(ui.ctx(), handle.id, Keys::Arrows);
    let count = |key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key)) as isize;
    count(Key::ArrowRight) - count(Key::ArrowLeft)
}
