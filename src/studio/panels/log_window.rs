//! The log's last lines in a window of their own.
//!
//! Apart from [`crate::studio::log`], which keeps the lines and knows no widget.

use egui::{Align2, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use crate::studio::{
    log,
    view::theme::{self, Theme},
};

/// The window with the log, open or not.
#[derive(Debug, Default)]
pub struct LogWindow {
    is_open: bool,
}

impl LogWindow {
    pub fn open(&mut self) {
        self.is_open = true;
    }

    pub fn toggle(&mut self) {
        self.is_open = !self.is_open;
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Shows the lines, the newest at the bottom, while the window is open.
    pub fn ui(&mut self, ui: &Ui) {
        if !self.is_open {
            return;
        }
        let theme = Theme::of(ui);
        let lines = log::lines();
        let window = egui::Window::new("Log")
            .open(&mut self.is_open)
            .default_size(vec2(640.0, 260.0))
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ui.ctx().content_rect().center())
            .collapsible(false);
        window.show(ui.ctx(), |ui| {
            if lines.is_empty() {
                ui.colored_label(theme.ink.dim, "Nothing has been logged. Warnings and errors appear here.");
            }
            if ui.button("Copy all").clicked() {
                let line = |l: &log::Line| format!("{} {}: {}", l.level, l.target, l.message);
                let text: Vec<String> = lines.iter().map(line).collect();
                ui.ctx().copy_text(text.join("\n"));
            }
            lines_table(ui, theme, &lines);
        });
    }
}

/// One row a line: its level, the part of the program it comes from, and its message. Long messages are cut off; the
/// tooltip shows the whole.
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
                ::log::Level::Error => theme.danger.ink,
                ::log::Level::Warn => theme.accent.plain,
                _ => theme.ink.dim,
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
