//! The ends of lanes: dragging one sets warm-up, cool-down or the fusion's gate.

use egui::{CursorIcon, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::studio::{
    bundle::Studio,
    document::{cost::timestep, track::Track},
    panels::timeline::{
        Axis, arrows,
        lanes::{Kind, Lane},
    },
    view::theme::{self, Theme},
};

const GRIP: f32 = 9.0;

/// The grips of the lane's `bar`.
pub fn show(ui: &Ui, studio: &mut Studio, lane: &Lane, bar: Rect, axis: Axis) {
    for (side, x) in [bar.left(), bar.right()].into_iter().enumerate().filter(|(side, _)| lane.grips[*side]) {
        grip(ui, studio, lane, side, x, bar, axis);
    }
}

fn grip(ui: &Ui, studio: &mut Studio, lane: &Lane, side: usize, x: f32, bar: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let inward = if side == 0 { GRIP / 2.0 } else { -GRIP / 2.0 };
    let rect = Rect::from_center_size(pos2(x + inward, bar.center().y), vec2(GRIP, bar.height() + 6.0));
    let response = ui.interact(rect, ui.scope_id().with(("grip", lane.kind, side)), Sense::click_and_drag());
    let name = format!("{} of {} lane", ["Start", "End"][side], lane.name);
    let value = [lane.start, lane.end][side] as f64;
    response.widget_info(|| WidgetInfo { value: Some(value), ..WidgetInfo::labeled(Role::Slider, true, &name) });
    let mark = Rect::from_center_size(pos2(x + inward * 0.55, bar.center().y), vec2(2.0, bar.height() - 2.0));
    let strong = response.hovered() || response.dragged();
    ui.painter().rect_filled(mark, 1.0, if strong { theme.text } else { theme::mix(lane.color, theme.text, 0.6) });
    let [right, _] = arrows(ui, &response);
    let pressed =
        (right != 0).then(|| [lane.start, lane.end][side].saturating_add_signed(right as isize).min(axis.steps));
    let border = response.interact_pointer_pos().filter(|_| response.dragged()).map(|p| axis.border(p.x)).or(pressed);
    if let Some(border) = border {
        apply(studio, lane, side, border, axis.steps);
    }
    response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
}

fn apply(studio: &mut Studio, lane: &Lane, side: usize, border: usize, steps: usize) {
    match lane.kind {
        Kind::Guidance => {
            let Some(interval) = &mut studio.document.recipe.guidance_interval else { return };
            if side == 0 {
                interval.from = border.min(interval.until.saturating_sub(1));
            } else {
                interval.until = border.max(interval.from + 1);
            }
        }
        Kind::Concept(id) => {
            let Some(concept) = studio.document.recipe.concept_mut(id) else { return };
            if side == 0 {
                concept.warmup = border.min(lane.end.saturating_sub(1));
            } else {
                let end = border.max(lane.start + 1);
                concept.cooldown = (end < steps).then_some(end);
            }
        }
        Kind::Fusion => {
            let gate = gate_at(studio.view.shown_track(&studio.document), border, steps);
            if let Some(fusion) = &mut studio.document.recipe.fusion {
                fusion.t0 = gate;
            }
        }
    }
}

/// The gate that lies between the steps before and after `border`.
fn gate_at(track: Option<&Track>, border: usize, steps: usize) -> f32 {
    match border {
        0 => 1000.0,
        b if b >= steps => 0.0,
        b => ((timestep(track, b - 1, steps) + timestep(track, b, steps)) / 2.0).round(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recipe::{Fusion, FusionMode},
        studio::panels::timeline::lanes::fused,
    };

    #[test]
    fn a_dragged_gate_fuses_exactly_the_steps_of_its_lane() {
        for border in 0..=20 {
            let early = Fusion { mode: FusionMode::High, t0: gate_at(None, border, 20), ..Fusion::default() };
            let (start, end) = fused(&early, None, 20);
            assert_eq!((start, end), (0, border), "early, t0 {}", early.t0);
        }
        let late = Fusion { mode: FusionMode::Low, t0: gate_at(None, 8, 20), ..Fusion::default() };
        assert_eq!(fused(&late, None, 20), (8, 20));
        let off = Fusion { mode: FusionMode::Off, ..Fusion::default() };
        assert_eq!(fused(&off, None, 20), (0, 0));
    }
}
