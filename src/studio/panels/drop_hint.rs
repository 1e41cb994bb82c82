//! What dropping a file does, shown while one is dragged over the window.
//!
//! Apart from the panels because it covers all of them.

use egui::{Align2, Color32, CornerRadius, Id, LayerId, Order, Stroke, StrokeKind, Ui, vec2};

use crate::studio::{
    document::file::is_known,
    view::theme::{self, Theme},
};

/// Covers the window with the hint while a file is dragged over it.
pub fn show(ui: &Ui) {
    let hovered = ui.input(|i| i.raw.hovered_files.first().map(|file| file.path.clone()));
    let Some(path) = hovered else { return };
    let theme = Theme::of(ui);
    let whole = ui.ctx().content_rect();
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Foreground, Id::unique("drop hint")));
    painter.rect_filled(whole, 0.0, Color32::from_black_alpha(150));
    let frame = whole.shrink(18.0);
    painter.rect_stroke(frame, CornerRadius::same(10), Stroke::new(2.0, theme.accent.plain), StrokeKind::Inside);
    let name = path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let known = path.as_ref().is_none_or(|path| is_known(path));
    let title = name.map_or_else(|| "Drop to open".to_owned(), |name| format!("Drop to open {name}"));
    let note = if known {
        "A session opens whole; a picture gives the recipe that it carries."
    } else {
        "This is neither a session (*.sextant.ron) nor a PNG, JPEG, WebP or GIF picture."
    };
    let middle = whole.center();
    painter.text(middle, Align2::CENTER_BOTTOM, title, theme::bold_font(18.0), theme.on_picture.ink);
    painter.text(middle + vec2(0.0, 8.0), Align2::CENTER_TOP, note, theme::body_font(), theme.on_picture.ink);
}
