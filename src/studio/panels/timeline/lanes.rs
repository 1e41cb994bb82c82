//! The lanes as they are drawn: when guidance, each concept and the fusion act, and how strongly.
//!
//! Apart from [`super::lane`] because nothing here decides what acts when.

use egui::{Align2, CornerRadius, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::{
    axis::Axis,
    ends, jump, keys,
    lane::{Kind, Lane, LaneSettings, lanes},
    momentum,
};
use crate::studio::{
    command::Commands,
    document::{Document, track::Track},
    view::{
        View,
        theme::{self, Theme, size},
    },
    widgets::focus,
};

/// What of the shown run the lanes need.
#[derive(Clone, Copy)]
struct ShownRun<'a> {
    track: Option<&'a Track>,
    /// The step under the playhead.
    step: Option<usize>,
}

/// Draws all lanes into `area` and sends what was changed on them.
pub fn show(ui: &mut Ui, document: &Document, view: &View, commands: &mut Commands, area: Rect, axis: Axis) {
    let recipe = document.recipe();
    let run = ShownRun { track: view.shown_track(document), step: view.shown_step(document) };
    let mut child = ui.new_child(UiBuilder::new().id_salt("lanes").max_rect(area));
    ScrollArea::vertical().id_salt("lanes").auto_shrink(false).show(&mut child, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for lane in lanes(recipe, run.track, axis.steps) {
            let (row, _) = ui.allocate_exact_size(vec2(area.width(), lane.height()), Sense::hover());
            let Some(before) = LaneSettings::of(recipe, lane.kind) else { continue };
            let mut settings = before.clone();
            draw(ui, &lane, &mut settings, run, row, axis);
            commands.edit_if_changed(&before, settings, LaneSettings::into_edit);
        }
        focus::scroll_to_gained(ui);
    });
    jump::show(ui, recipe, commands, area, axis);
}

fn draw(ui: &mut Ui, lane: &Lane, settings: &mut LaneSettings, run: ShownRun<'_>, row: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    label(ui, lane, row, axis);
    if let Some(step) = run.step {
        keys::button(ui, lane, settings, row, axis, step.min(axis.steps - 1));
    }
    let painter = ui.painter();
    let rail = Rect::from_min_max(
        pos2(axis.left, row.top() + size::LANE_PAD),
        pos2(axis.left + axis.width, row.bottom() - size::LANE_PAD),
    );
    let bar = Rect::from_x_y_ranges(axis.x(lane.start)..=axis.x(lane.end), rail.y_range());
    painter.rect_filled(rail, CornerRadius::same(2), theme.ground.input);
    let strength = if lane.kind == Kind::Guidance { 0.28 } else { 0.72 };
    if !lane.is_idle() {
        // Under a curve, the bar only says when.
        let fill = if lane.keyed { 0.35 * strength } else { strength };
        painter.rect_filled(bar, CornerRadius::same(3), theme::mix(theme.ground.panel, lane.color, fill));
    }
    if let (Kind::Concept(concept), Some(track)) = (lane.kind, run.track) {
        momentum::show(ui, lane, &momentum::norms(track, concept), axis, rail);
    }
    let body = ui.interact(rail, ui.scope_id().with(("lane", lane.kind)), Sense::CLICK);
    body.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Lane of {}", lane.name)));
    keys::curve(ui, lane, settings, [rail, bar], theme::mix(theme.ground.panel, lane.color, strength), axis);
    keys::add_at_pointer(ui, lane, settings, &body, rail, axis);
    ends::show(ui, lane, settings, run.track, bar, axis);
    keys::points(ui, lane, settings, rail, axis);
    explain(body, lane);
}

fn label(ui: &Ui, lane: &Lane, row: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let left = row.left() + size::MARGIN;
    let middle = row.center().y;
    let color = if lane.is_idle() { theme.ink.faint } else { lane.color };
    painter.rect_filled(Rect::from_center_size(pos2(left + 4.5, middle), vec2(8.0, 8.0)), CornerRadius::same(2), color);
    let room = Rect::from_min_max(pos2(left, row.top()), pos2(axis.left - 28.0, row.bottom()));
    let ink = if lane.is_idle() { theme.ink.faint } else { theme.ink.dim };
    let named = painter.with_clip_rect(room.intersect(ui.clip_rect()));
    named.text(pos2(left + 15.0, middle), Align2::LEFT_CENTER, &lane.name, theme::small_font(), ink);
    if lane.keyed {
        painter.hline(axis.left..=axis.left + axis.width, row.bottom() - 0.5, Stroke::new(1.0, theme.line));
    }
}

/// The tooltip: when the lane acts, and what can be changed on it.
fn explain(body: egui::Response, lane: &Lane) {
    let acts = if lane.is_idle() {
        format!("{} acts at no step", lane.name)
    } else {
        format!("{} acts from step {} to {}", lane.name, lane.start + 1, lane.end)
    };
    let more = match lane.kind {
        Kind::Fusion => "Drag its end to fuse more steps or fewer",
        Kind::Guidance => {
            "Double-click to add a key: a factor on the guidance scale from which it changes in a straight line to the next key"
        }
        Kind::Concept(_) => {
            "Drag an end to set its warm-up or cool-down. Double-click to add a key: a factor on its strength from which it changes in a straight line to the next key"
        }
    };
    body.on_hover_text(format!("{acts}.\n{more}."));
}
