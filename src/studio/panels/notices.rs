//! What lies over the whole window now and then: the log, and the hint while a file is dragged over it.

use egui::{Align2, Color32, CornerRadius, Id, LayerId, Order, Stroke, StrokeKind, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use crate::studio::{
    bundle::Studio,
    document::file::is_known,
    log,
    view::theme::{self, Theme},
};

/// The log's last lines, while it is open.
pub fn log_window(ui: &mut Ui, studio: &mut Studio) {
    if !studio.log_open {
        return;
    }
    let theme = Theme::of(ui);
    let lines = log::lines();
    let window = egui::Window::new("Log")
        .open(&mut studio.log_open)
        .default_size(vec2(640.0, 260.0))
        .pivot(Align2::CENTER_CENTER)
        .default_pos(ui.ctx().content_rect().center())
        .collapsible(false);
    window.show(ui.ctx(), |ui| {
        if lines.is_empty() {
            ui.colored_label(theme.dim, "Nothing has been logged. Warnings and errors appear here.");
        }
        if ui.button("Copy all").clicked() {
            let text: Vec<String> = lines.iter().map(|l| format!("{} {}: {}", l.level, l.target, l.message)).collect();
            ui.ctx().copy_text(text.join("\n"));
        }
        lines_table(ui, theme, &lines);
    });
}

/// One row a line: how grave, who said it, what. Long messages are cut and shown whole under the pointer.
fn lines_table(ui: &mut Ui, theme: &Theme, lines: &[log::Line]) {
    let row = ui.text_style_height(&egui::TextStyle::Body) + 4.0;
    let table = TableBuilder::new(ui)
        .striped(true)
        .stick_to_bottom(true)
        .auto_shrink(false)
        .column(Column::exact(56.0))
        .column(Column::initial(150.0).range(80.0..=300.0).resizable(true).clip(true))
        .column(Column::remainder().clip(true));
    table.body(|body| {
        body.rows(row, lines.len(), |mut row| {
            let line = &lines[row.index()];
            let color = match line.level {
                ::log::Level::Error => theme.danger,
                ::log::Level::Warn => theme.accent,
                _ => theme.dim,
            };
            for text in [line.level.as_str(), &line.target, &line.message] {
                row.col(|ui| {
                    let text = egui::RichText::new(text).font(theme::mono_font()).color(color);
                    ui.add(egui::Label::new(text).truncate().selectable(true));
                });
            }
        });
    });
}

/// While a file is dragged over the window: what dropping it does.
pub fn drop_hint(ui: &Ui) {
    let hovered = ui.input(|i| i.raw.hovered_files.first().map(|file| file.path.clone()));
    let Some(path) = hovered else { return };
    let theme = Theme::of(ui);
    let whole = ui.ctx().content_rect();
    let painter = ui.ctx().layer_painter(LayerId::new(Order::Foreground, Id::unique("drop hint")));
    painter.rect_filled(whole, 0.0, Color32::from_black_alpha(150));
    let frame = whole.shrink(18.0);
    painter.rect_stroke(frame, CornerRadius::same(10), Stroke::new(2.0, theme.accent), StrokeKind::Inside);
    let name = path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let known = path.as_ref().is_none_or(|path| is_known(path));
    let title = name.map_or_else(|| "Drop to open".to_owned(), |name| format!("Drop to open {name}"));
    let note = if known {
        "A session opens whole; a picture gives the recipe that it carries."
    } else {
        "This is neither a session (*.sextant.ron) nor a PNG, JPEG, WebP or GIF picture."
    };
    let middle = whole.center();
    painter.text(middle, Align2::CENTER_BOTTOM, title, theme::bold_font(18.0), theme.on_picture);
    painter.text(middle + vec2(0.0, 8.0), Align2::CENTER_TOP, note, theme::body_font(), theme.on_picture);
}
