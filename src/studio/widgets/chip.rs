//! Coloured words: chips to choose, swatches for legends.
//!
//! Apart from the panels because prompt, canvas and legend show words in the same way.

use egui::{Color32, CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::studio::view::theme::{self, Theme};

/// A word on its colour; with `filled` off, a quiet word without one. `chosen` puts a rim around it.
pub fn chip(ui: &mut Ui, text: &str, color: Color32, filled: bool, chosen: bool) -> Response {
    let theme = Theme::of(ui);
    let ink = if filled { theme::ink_on(color) } else { theme.ink.dim };
    let galley = ui.painter().layout_no_wrap(text.to_owned(), theme::body_font(), ink);
    let pad = if filled { 5.0 } else { 1.0 };
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(2.0 * pad, 4.0), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, chosen, format!("Word {text}")));
    if filled {
        ui.painter().rect_filled(rect, CornerRadius::same(4), color);
    }
    if chosen || response.has_focus() {
        let rim = Stroke::new(1.5, theme.ink.text);
        ui.painter().rect_stroke(rect.expand(1.0), CornerRadius::same(5), rim, StrokeKind::Outside);
    } else if response.hovered() {
        ui.painter().rect_stroke(rect, CornerRadius::same(4), Stroke::new(1.0, theme.ink.dim), StrokeKind::Outside);
    }
    ui.painter().galley(pos2(rect.left() + pad, rect.center().y - galley.size().y / 2.0), galley, ink);
    response
}

/// A small square of colour with a word after it, for legends.
pub fn swatch(ui: &mut Ui, color: Color32, text: &str, note: &str) -> Response {
    let theme = Theme::of(ui);
    let word = ui.painter().layout_no_wrap(text.to_owned(), theme::small_font(), theme.ink.dim);
    let share = ui.painter().layout_no_wrap(note.to_owned(), theme::mono_font(), theme.ink.faint);
    let gap = if note.is_empty() { 0.0 } else { 5.0 };
    let extent = vec2(14.0 + word.size().x + gap + share.size().x, 18.0);
    let (rect, response) = ui.allocate_exact_size(extent, Sense::click());
    let middle = rect.center().y;
    let square = egui::Rect::from_min_size(pos2(rect.left(), middle - 4.5), vec2(9.0, 9.0));
    ui.painter().rect_filled(square, CornerRadius::same(2), color);
    let x = rect.left() + 14.0;
    let ink = if response.hovered() { theme.ink.text } else { theme.ink.dim };
    let at = pos2(x, middle - word.size().y / 2.0);
    let share_at = pos2(x + word.size().x + gap, middle - share.size().y / 2.0);
    ui.painter().galley_with_override_text_color(at, word, ink);
    ui.painter().galley(share_at, share, theme.ink.faint);
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, format!("Legend {text} {note}")));
    response
}
