//! The filmstrip under a slider: five small pictures, each of a value that a click takes.
//!
//! Apart from the sliders because every panel that has one may show it.

use egui::{Align2, CornerRadius, FontId, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::studio::{
    document::{
        Document,
        films::{FRAMES, FilmFrame, FilmOf},
        render_status::RenderStatus,
    },
    panels::context::PanelContext,
    view::{
        View,
        theme::{self, Theme},
    },
    widgets::{picture, textures::Textures},
};

/// Between the pictures, and the room below them, in points.
const GAP: f32 = 4.0;
const BELOW: f32 = 4.0;
/// The largest side of a picture.
const LARGEST: f32 = 52.0;
const TEXELS: usize = 96;

/// The height that an open filmstrip takes in so much width.
pub fn height(width: f32) -> f32 {
    side(width) + BELOW
}

fn side(width: f32) -> f32 {
    ((width - GAP * (FRAMES - 1) as f32) / FRAMES as f32).min(LARGEST)
}

/// Whether the filmstrip of a slider is open: it was touched last.
pub fn is_open(view: &View, of: FilmOf) -> bool {
    view.appearance.films && view.selection.slider.is_some_and(|open| open.parameter == of.parameter)
}

/// Opens the filmstrip of a slider that was touched. Not before it is let go: what opens moves what is below it, and may make the
/// column scroll and its sliders narrower.
pub fn watch(view: &mut View, of: FilmOf, slider: &Response) {
    let held = slider.ctx.input(|i| i.pointer.any_down());
    if slider.enabled() && !held && (slider.has_focus() || slider.clicked() || slider.drag_stopped()) {
        view.selection.slider = Some(of);
    }
}

/// Draws the filmstrip below `slider` while it is open; returns the value that was clicked.
pub fn under(ui: &mut Ui, context: &mut PanelContext, of: FilmOf, slider: &Response) -> Option<f32> {
    watch(context.view, of, slider);
    show(ui, context, of)
}

/// Draws the filmstrip of a slider while it is open; returns the value that was clicked.
pub fn show(ui: &mut Ui, context: &mut PanelContext, of: FilmOf) -> Option<f32> {
    let PanelContext { document, view, textures, .. } = context;
    if !is_open(view, of) || !ui.is_enabled() {
        return None;
    }
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height(ui.available_width())), Sense::hover());
    strip(ui, document, textures, of, rect)
}

/// Puts a value that was clicked in the place of the slider's.
pub fn take(clicked: Option<f32>, value: &mut f32) {
    *value = clicked.unwrap_or(*value);
}

/// The pictures in `rect`; returns the value of the one that was clicked.
pub fn strip(ui: &mut Ui, document: &Document, textures: &mut Textures, of: FilmOf, rect: Rect) -> Option<f32> {
    let own = of.parameter.value(document.recipe());
    let extent = side(rect.width());
    let left = rect.left() + (rect.width() - extent * FRAMES as f32 - GAP * (FRAMES - 1) as f32) / 2.0;
    let mut clicked = None;
    for (k, frame) in document.film(of).iter().enumerate() {
        let at = pos2(left + k as f32 * (extent + GAP), rect.top());
        let rect = Rect::from_min_size(at, vec2(extent, extent));
        let is_own = own.is_some_and(|own| (own - frame.value).abs() < 1e-4);
        if tile(ui, textures, of, frame, (rect, is_own)) {
            clicked = Some(frame.value);
        }
    }
    clicked
}

/// One picture with its value; returns whether it was clicked.
fn tile(ui: &mut Ui, textures: &mut Textures, of: FilmOf, frame: &FilmFrame, (rect, is_own): (Rect, bool)) -> bool {
    let theme = Theme::of(ui);
    let value = of.parameter.label(frame.value);
    let id = ui.scope_id().with(("film", &value));
    let response = ui.interact(rect, id, Sense::click());
    let enabled = ui.is_enabled();
    let name = format!("Use {value}");
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, enabled, is_own, &name));
    let round = CornerRadius::same(3);
    match &frame.status {
        RenderStatus::Done(shown) => {
            let texture = textures.thumbnail(ui.ctx(), shown, TEXELS);
            picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 3, theme::PLAIN);
        }
        RenderStatus::Rendering(_) => drop(ui.painter().rect_filled(rect, round, theme.ground.raised_hover)),
        _ => drop(ui.painter().rect_filled(rect, round, theme.ground.raised)),
    }
    picture::label_on(ui, rect.max - vec2(2.0, 2.0), Align2::RIGHT_BOTTOM, &value, FontId::monospace(9.5));
    let rim = match (is_own, response.hovered() || response.has_focus()) {
        (true, _) => Some(theme.accent.plain),
        (_, true) => Some(theme.ink.text),
        _ => None,
    };
    if let Some(color) = rim {
        ui.painter().rect_stroke(rect, round, Stroke::new(1.5, color), StrokeKind::Outside);
    }
    let clicked = response.clicked();
    let said = match &frame.status {
        RenderStatus::Failed(reason) => reason.clone(),
        RenderStatus::Done(_) => format!("With {value}: click to take it"),
        _ => format!("With {value}: rendered while nothing else is wanted; click to take it"),
    };
    response.on_hover_text(said);
    clicked
}
