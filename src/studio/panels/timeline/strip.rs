//! One thumbnail a step, to scrub along.
//!
//! Apart from the lanes because it shows the run, not the recipe.

use egui::{CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::axis::{Axis, arrow_presses};
use crate::studio::{
    document::Document,
    view::{
        View,
        state::Shown,
        theme::{self, Theme},
    },
    widgets::{picture, textures::Textures},
};

/// Narrower than this, thumbnails stand for several steps.
const NARROWEST: f32 = 38.0;
/// As a share of its height.
const WIDEST: f32 = 1.5;
const THUMBNAIL_TEXELS: usize = 128;

pub fn show(ui: &mut Ui, document: &Document, view: &mut View, textures: &mut Textures, strip: Rect, axis: Axis) {
    scrub(ui, document, view, strip, axis);
    frames(ui, document, view, textures, strip, axis);
}

fn scrub(ui: &Ui, document: &Document, view: &mut View, strip: Rect, axis: Axis) {
    let response = ui.interact(strip, ui.scope_id().with("scrub"), Sense::click_and_drag());
    let at = view.shown_step(document).map_or(0.0, |step| step as f64 + 1.0);
    response.widget_info(|| WidgetInfo { value: Some(at), ..WidgetInfo::labeled(Role::Slider, true, "Timeline step") });
    let [right, _] = arrow_presses(ui, &response);
    let pressed = view.shown_step(document).filter(|_| right != 0);
    let pressed = pressed.map(|step| step.saturating_add_signed(right as isize).min(axis.steps - 1));
    let pointed = response.interact_pointer_pos().map(|pointer| axis.step(pointer.x));
    let has_steps = view.shown_track(document).is_some_and(|track| track.has_steps());
    if let Some(step) = pointed.or(pressed).filter(|_| has_steps) {
        view.playback.playing = false;
        view.seek(step, axis.steps);
    }
}

fn frames(ui: &mut Ui, document: &Document, view: &View, textures: &mut Textures, strip: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let stride = (NARROWEST / axis.cell()).ceil().max(1.0) as usize;
    let shown = view.shown_step(document);
    let track = view.shown_track(document);
    let before = document.previous_track().filter(|_| view.shown == Shown::Live);
    for first in (0..axis.steps).step_by(stride) {
        let end = (first + stride).min(axis.steps);
        let cell = Rect::from_min_max(pos2(axis.x(first), strip.top()), pos2(axis.x(end), strip.bottom()));
        // With few steps the cells are wider than the pictures.
        let wide = (cell.width() - 3.0).min(WIDEST * cell.height());
        let rect = Rect::from_center_size(cell.center(), vec2(wide, cell.height()));
        let inside = shown.filter(|step| (first..end).contains(step));
        let step = inside.unwrap_or(end - 1);
        let fresh = track.and_then(|t| t.report(step));
        // Steps that the newest job has not reached yet are shown as they were, dimmed.
        let stale = before.and_then(|t| t.report(step)).filter(|_| fresh.is_none());
        match fresh.or(stale) {
            Some(report) => {
                let texture = textures.thumbnail(ui.ctx(), &report.preview, THUMBNAIL_TEXELS);
                let size = [report.preview.width, report.preview.height];
                let tint = if fresh.is_some() { theme::PLAIN } else { theme::STALE };
                picture::cover(ui, rect, texture.id(), size, 3, tint);
            }
            None => drop(ui.painter().rect_filled(rect, CornerRadius::same(3), theme.ground.input)),
        }
        if inside.is_some() {
            let rim = Stroke::new(2.0, theme.accent.plain);
            ui.painter().rect_stroke(rect, CornerRadius::same(4), rim, StrokeKind::Outside);
        }
    }
}
