//! When S-CFG, each concept and the fusion act. Dragging a lane's end sets warm-up, cool-down or the fusion's gate.

use egui::{Align2, Color32, CornerRadius, CursorIcon, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::Axis;
use crate::{
    recipe::{Fusion, FusionMode, Profile, Recipe},
    studio::{
        cost::timestep,
        state::Studio,
        theme::{self, Theme, concept_color, size},
        track::Track,
    },
};

const GRIP: f32 = 9.0;

/// One lane, before it is drawn.
struct Lane {
    name: String,
    color: Color32,
    start: usize,
    end: usize,
    /// Which ends can be dragged.
    grips: [bool; 2],
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Scfg,
    Concept(usize),
    Fusion,
}

/// How many lanes the recipe has.
pub fn count(recipe: &Recipe) -> usize {
    let words = |c: &&crate::recipe::Concept| !c.text.trim().is_empty();
    1 + recipe.concepts.iter().filter(words).count() + usize::from(recipe.fusion.is_some())
}

pub fn show(ui: &mut Ui, studio: &mut Studio, area: Rect, axis: Axis) {
    let lanes = lanes(studio, axis.steps);
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("lanes").max_rect(area));
    ScrollArea::vertical().id_salt("lanes").auto_shrink(false).show(&mut child, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for lane in lanes {
            let (row, _) = ui.allocate_exact_size(vec2(area.width(), size::LANE), Sense::hover());
            draw(ui, studio, &lane, row, axis);
        }
    });
    if let Some(step) = reference_jump(&studio.recipe, axis.steps) {
        jump_mark(ui, area, axis.x(step), step);
    }
}

/// The step at which the reference's rule for several concepts jumps: until the last warm-up ends it weighs the
/// concepts that are warm among themselves, from then on all of them together, momentum included.
fn reference_jump(recipe: &Recipe, steps: usize) -> Option<usize> {
    let last = recipe.active_concepts().map(|concept| concept.warmup).max()?;
    (recipe.profile == Profile::Reference && (1..steps).contains(&last)).then_some(last)
}

fn jump_mark(ui: &Ui, area: Rect, x: f32, step: usize) {
    let ink = Theme::of(ui).danger;
    let line = [pos2(x, area.top() + 1.0), pos2(x, area.bottom() - 1.0)];
    ui.painter().extend(egui::Shape::dashed_line(&line, egui::Stroke::new(1.2, ink), 4.0, 3.0));
    let near = Rect::from_center_size(pos2(x, area.center().y), vec2(7.0, area.height()));
    let response = ui.interact(near, ui.scope_id().with("reference jump"), Sense::hover());
    response.on_hover_text(format!(
        "The reference rule jumps at step {}, where the last warm-up ends: from here on it weighs all concepts together. \
         The profile \"fixed\" has no such jump",
        step + 1
    ));
}

fn lanes(studio: &Studio, steps: usize) -> Vec<Lane> {
    let recipe = &studio.recipe;
    let scfg_end = if recipe.scfg.enabled { steps } else { 0 };
    let mut lanes = vec![Lane {
        name: "S-CFG".into(),
        color: theme::SCFG,
        start: 0,
        end: scfg_end,
        grips: [false; 2],
        kind: Kind::Scfg,
    }];
    for (row, concept) in recipe.concepts.iter().enumerate().filter(|(_, c)| !c.text.trim().is_empty()) {
        let end = concept.cooldown.unwrap_or(steps).min(steps);
        lanes.push(Lane {
            name: concept.text.trim().to_owned(),
            color: if concept.enabled { concept_color(row) } else { theme::STALE },
            start: concept.warmup.min(end),
            end,
            grips: [true; 2],
            kind: Kind::Concept(row),
        });
    }
    if let Some(fusion) = &recipe.fusion {
        let (start, end) = if fusion.enabled { fused(fusion, studio.shown_track(), steps) } else { (0, 0) };
        let gated = fusion.enabled && fusion.has_window();
        let grips = [gated && fusion.mode == FusionMode::Low, gated && fusion.mode == FusionMode::High];
        let name = "fusion".into();
        lanes.push(Lane { name, color: theme::FUSION, start, end, grips, kind: Kind::Fusion });
    }
    lanes
}

/// The steps that are fused: a stretch from the first, or to the last.
fn fused(fusion: &Fusion, track: Option<&Track>, steps: usize) -> (usize, usize) {
    let acts = |step: &usize| fusion.fuses(timestep(track, *step, steps));
    let start = (0..steps).find(acts).unwrap_or(0);
    let end = (start..steps).take_while(acts).last().map_or(start, |last| last + 1);
    (start, end)
}

fn draw(ui: &Ui, studio: &mut Studio, lane: &Lane, row: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let middle = row.center().y;
    let idle = lane.start >= lane.end;
    let color = if idle { theme.faint } else { lane.color };
    let left = row.left() + size::MARGIN;
    let square = Rect::from_center_size(pos2(left + 4.5, middle), vec2(8.0, 8.0));
    painter.rect_filled(square, CornerRadius::same(2), color);
    let room = Rect::from_min_max(pos2(left, row.top()), pos2(axis.left - 8.0, row.bottom()));
    let ink = if idle { theme.faint } else { theme.dim };
    let named = painter.with_clip_rect(room.intersect(ui.clip_rect()));
    named.text(pos2(left + 15.0, middle), Align2::LEFT_CENTER, &lane.name, theme::small_font(), ink);

    let bar = |a: f32, b: f32| Rect::from_min_max(pos2(a, middle - 5.0), pos2(b, middle + 5.0));
    painter.rect_filled(bar(axis.left, axis.left + axis.width), CornerRadius::same(2), theme.field);
    let (a, b) = (axis.x(lane.start), axis.x(lane.end));
    let strength = if matches!(lane.kind, Kind::Scfg) { 0.28 } else { 0.72 };
    if !idle {
        painter.rect_filled(bar(a, b), CornerRadius::same(3), theme::mix(theme.panel, lane.color, strength));
    }
    if let Kind::Concept(row) = lane.kind {
        tail(ui, studio, lane, row, axis, middle);
    }
    for (k, x) in [a, b].into_iter().enumerate() {
        if lane.grips[k] {
            grip(ui, studio, lane, k, x, bar(a, b), axis);
        }
    }
}

/// Momentum, fading as it does: `fixed` gathers it before the warm-up ends, `reference` has some left after the end.
fn tail(ui: &Ui, studio: &Studio, lane: &Lane, row: usize, axis: Axis, middle: f32) {
    let (recipe, theme) = (&studio.recipe, Theme::of(ui));
    let heard = recipe.concepts.get(row).is_some_and(|concept| concept.enabled);
    if !heard || recipe.momentum.scale == 0.0 || lane.start >= lane.end {
        return;
    }
    let (steps, from_end) = match recipe.profile {
        Profile::Fixed => (0..lane.start, lane.start),
        Profile::Reference => (lane.end..axis.steps, lane.end),
    };
    for step in steps {
        // The newest share weighs 1 - beta, every step before it beta times that.
        let age = if step < from_end { from_end - 1 - step } else { step - from_end + 1 };
        let strength = 0.55 * recipe.momentum.beta.powi(age as i32);
        if strength > 0.02 {
            let cell = Rect::from_min_max(pos2(axis.x(step), middle - 3.0), pos2(axis.x(step + 1), middle + 3.0));
            ui.painter().rect_filled(cell, 0.0, theme::mix(theme.field, lane.color, strength));
        }
    }
}

fn grip(ui: &Ui, studio: &mut Studio, lane: &Lane, side: usize, x: f32, bar: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let inward = if side == 0 { GRIP / 2.0 } else { -GRIP / 2.0 };
    let rect = Rect::from_center_size(pos2(x + inward, bar.center().y), vec2(GRIP, size::LANE - 2.0));
    let response = ui.interact(rect, ui.scope_id().with(("grip", &lane.name, side)), Sense::click_and_drag());
    let name = format!("{} of {} lane", ["Start", "End"][side], lane.name);
    let value = [lane.start, lane.end][side] as f64;
    response.widget_info(|| WidgetInfo { value: Some(value), ..WidgetInfo::labeled(Role::Slider, true, &name) });
    let mark = Rect::from_center_size(pos2(x + inward * 0.55, bar.center().y), vec2(2.0, bar.height() - 2.0));
    let strong = response.hovered() || response.dragged();
    ui.painter().rect_filled(mark, 1.0, if strong { theme.text } else { theme::mix(lane.color, theme.text, 0.6) });
    let border = response.interact_pointer_pos().filter(|_| response.dragged()).map(|p| axis.border(p.x));
    if let Some(border) = border {
        apply(studio, lane, side, border, axis.steps);
    }
    response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
}

fn apply(studio: &mut Studio, lane: &Lane, side: usize, border: usize, steps: usize) {
    match lane.kind {
        Kind::Scfg => {}
        Kind::Concept(row) => {
            let Some(concept) = studio.recipe.concepts.get_mut(row) else { return };
            if side == 0 {
                concept.warmup = border.min(lane.end.saturating_sub(1));
            } else {
                let end = border.max(lane.start + 1);
                concept.cooldown = (end < steps).then_some(end);
            }
        }
        Kind::Fusion => {
            let gate = gate_at(studio.shown_track(), border, steps);
            if let Some(fusion) = &mut studio.recipe.fusion {
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
    use crate::recipe::Concept;

    #[test]
    fn only_the_reference_rule_jumps_where_the_last_warm_up_ends() {
        let concept = |warmup| Concept { text: "x".into(), warmup, ..Concept::default() };
        let mut recipe = Recipe { concepts: vec![concept(3), concept(8)], ..Recipe::default() };
        assert_eq!(reference_jump(&recipe, 20), None);
        recipe.profile = Profile::Reference;
        assert_eq!(reference_jump(&recipe, 20), Some(8));
        assert_eq!(reference_jump(&recipe, 8), None, "it never ends");
    }

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
