//! Sections of settings and their rows: label, control, number, each in its own column.
//!
//! Apart from the panels so that all columns line up.

use egui::{Align, Color32, Layout, Rect, Response, RichText, Sense, Ui, UiBuilder, pos2, vec2};

use super::ValueSlider;
use crate::studio::view::theme::{self, Theme, size};

/// A section heading with something small at its right end.
pub fn heading(ui: &mut Ui, title: &str, trailing: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let mut left = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    left.label(theme::bold(title, size::HEADING).color(theme.ink.dim));
    let rest = Rect::from_min_max(pos2(left.min_rect().right() + 8.0, rect.top()), rect.max);
    let mut right = ui.new_child(UiBuilder::new().max_rect(rest).layout(Layout::right_to_left(Align::Center)));
    trailing(&mut right);
    ui.add_space(2.0);
}

/// The thin line between sections.
pub fn divider(ui: &mut Ui) {
    ui.add_space(size::SECTION_GAP - size::ROW_GAP);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, Theme::of(ui).line);
    ui.add_space(size::SECTION_GAP - size::ROW_GAP);
}

/// A row with a label column; `control` gets the rest, laid out from the left.
pub fn labelled<R>(ui: &mut Ui, label: &str, control: impl FnOnce(&mut Ui) -> R) -> R {
    let rest = label_column(ui, label);
    let mut child = ui.new_child(
        UiBuilder::new().id_salt(("row", label)).max_rect(rest).layout(Layout::left_to_right(Align::Center)),
    );
    child.set_clip_rect(child.clip_rect().intersect(rest.expand(2.0)));
    control(&mut child)
}

/// A row with a slider; the label is the slider's visible name.
pub fn slider(ui: &mut Ui, label: &str, slider: ValueSlider<'_>) -> Response {
    let rest = label_column(ui, label);
    let split = rest.right() - size::NUMBER;
    let rail = Rect::from_min_max(rest.min, pos2(split - 4.0, rest.max.y));
    let number = Rect::from_min_max(pos2(split, rest.min.y), rest.max);
    slider.place(ui, rail, number)
}

fn label_column(ui: &mut Ui, label: &str) -> Rect {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::hover());
    let at = pos2(rect.left(), rect.center().y);
    ui.painter().text(at, egui::Align2::LEFT_CENTER, label, theme::body_font(), theme.ink.dim);
    Rect::from_min_max(pos2(rect.left() + size::LABEL, rect.top()), rect.max)
}

/// Small grey text.
pub fn note(ui: &mut Ui, text: impl Into<String>) -> Response {
    let faint = Theme::of(ui).ink.faint;
    ui.label(RichText::new(text).font(theme::small_font()).color(faint))
}

/// Small text in a colour of its own.
pub fn tinted(ui: &mut Ui, text: impl Into<String>, color: Color32) -> Response {
    ui.label(RichText::new(text).font(theme::small_font()).color(color))
}

/// A switch that reads as a word: amber when on.
pub fn switch(ui: &mut Ui, name: &str, on: &mut bool, text: &str) -> Response {
    let theme = Theme::of(ui);
    let color = if *on { theme.accent.plain } else { theme.ink.dim };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), theme::body_font(), color);
    let pill = vec2(24.0, 13.0);
    let extent = vec2(pill.x + 7.0 + galley.size().x, size::ROW - 2.0);
    let (rect, mut response) = ui.allocate_exact_size(extent, Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let (state, enabled) = (*on, ui.is_enabled());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, enabled, state, name));
    let track = Rect::from_min_size(pos2(rect.left(), rect.center().y - pill.y / 2.0), pill);
    let painter = ui.painter();
    painter.rect_filled(track, 7.0, if *on { theme.accent.plain } else { theme.ground.raised });
    if response.has_focus() || response.hovered() {
        painter.rect_stroke(track, 7.0, egui::Stroke::new(1.0, theme.ink.dim), egui::StrokeKind::Outside);
    }
    let knob = if *on { track.right() - 6.5 } else { track.left() + 6.5 };
    painter.circle_filled(pos2(knob, track.center().y), 4.5, if *on { theme.accent.ink } else { theme.ink.dim });
    painter.galley(pos2(track.right() + 7.0, rect.center().y - galley.size().y / 2.0), galley, color);
    response
}

/// A number in a small field, to drag or to type; double-click sets it back to `usual`.
pub fn number(
    ui: &mut Ui,
    name: &str,
    value: &mut f32,
    range: std::ops::RangeInclusive<f32>,
    usual: f32,
    decimals: usize,
) {
    let theme = Theme::of(ui);
    ui.visuals_mut().widgets.inactive.weak_bg_fill = theme.ground.input;
    ui.spacing_mut().button_padding = vec2(5.0, 1.0);
    ui.spacing_mut().interact_size = vec2(32.0, size::ROW - 4.0);
    let field = ui
        .add(egui::DragValue::new(value).range(range).speed(0.02).fixed_decimals(decimals).update_while_editing(false));
    let field = field.accessible_name(name).on_hover_text(format!("{name}, usually {usual}"));
    if field.double_clicked() {
        *value = usual;
    }
}
