//! The ends of lanes: dragging one sets warm-up, cool-down, the guidance interval or the fusion's gate.
//!
//! Apart from the lanes because a grip is a control of its own, which the arrow keys move too.

use egui::{CursorIcon, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{
    axis::{Axis, arrow_presses},
    lane::{Lane, LaneSettings, gate_at},
};
use crate::studio::{
    document::track::Track,
    view::theme::{self, Theme},
};

const GRIP: f32 = 9.0;

/// The grips of the lane's `bar`; a moved one changes `settings`. `track` is the shown run.
pub fn show(ui: &Ui, lane: &Lane, settings: &mut LaneSettings, track: Option<&Track>, bar: Rect, axis: Axis) {
    for side in (0..2).filter(|side| lane.grips[*side]) {
        if let Some(border) = grip(ui, lane, side, bar, axis) {
            apply(settings, lane, side, border, track, axis.steps);
        }
    }
}

/// One grip; returns the border between steps that it was moved to.
fn grip(ui: &Ui, lane: &Lane, side: usize, bar: Rect, axis: Axis) -> Option<usize> {
    let theme = Theme::of(ui);
    let (x, inward) = if side == 0 { (bar.left(), GRIP / 2.0) } else { (bar.right(), -GRIP / 2.0) };
    let rect = Rect::from_center_size(pos2(x + inward, bar.center().y), vec2(GRIP, bar.height() + 6.0));
    let response = ui.interact(rect, ui.scope_id().with(("grip", lane.kind, side)), Sense::click_and_drag());
    let name = format!("{} of {} lane", ["Start", "End"][side], lane.name);
    let border = [lane.start, lane.end][side];
    response
        .widget_info(|| WidgetInfo { value: Some(border as f64), ..WidgetInfo::labeled(Role::Slider, true, &name) });
    let mark = Rect::from_center_size(pos2(x + inward * 0.55, bar.center().y), vec2(2.0, bar.height() - 2.0));
    let strong = response.hovered() || response.dragged();
    ui.painter().rect_filled(
        mark,
        1.0,
        if strong { theme.ink.text } else { theme::mix(lane.color, theme.ink.text, 0.6) },
    );
    let [right, _] = arrow_presses(ui, &response);
    let pressed = (right != 0).then(|| border.saturating_add_signed(right as isize).min(axis.steps));
    let dragged = response.interact_pointer_pos().filter(|_| response.dragged() || response.drag_stopped());
    let moved = dragged.map(|pointer| axis.border(pointer.x)).or(pressed);
    response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    moved
}

/// Puts one end of the lane at `border`.
fn apply(settings: &mut LaneSettings, lane: &Lane, side: usize, border: usize, track: Option<&Track>, steps: usize) {
    match settings {
        LaneSettings::Guidance(guidance) => {
            let Some(interval) = &mut guidance.interval else { return };
            if side == 0 {
                interval.from = border.min(interval.until.saturating_sub(1));
            } else {
                interval.until = border.max(interval.from + 1);
            }
        }
        LaneSettings::Concept(concept) if side == 0 => concept.warmup = border.min(lane.end.saturating_sub(1)),
        LaneSettings::Concept(concept) => {
            let end = border.max(lane.start + 1);
            concept.cooldown = (end < steps).then_some(end);
        }
        LaneSettings::Fusion { gate } => *gate = gate_at(track, border, steps),
    }
}
