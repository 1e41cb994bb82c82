//! What a file of another program contains that could not be taken over, as a list in a window of its own.
//!
//! Apart from the notice that offers the list, because the list stays open when the notice is gone.

use egui::{Align2, Label, ScrollArea, TextWrapMode, Ui, vec2};

use crate::studio::{
    document::{Document, notice::Leftovers},
    view::theme::Theme,
};

/// The window with the list, open or not.
#[derive(Debug, Default)]
pub struct LeftoversWindow {
    is_open: bool,
}

impl LeftoversWindow {
    pub fn open(&mut self) {
        self.is_open = true;
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Shows the list while the window is open and there is one.
    pub fn ui(&mut self, ui: &Ui, document: &Document) {
        let leftovers = document.notices().leftovers.as_ref().filter(|_| self.is_open);
        let Some(Leftovers { name, lines }) = leftovers else { return };
        let theme = Theme::of(ui);
        let window = egui::Window::new("Not taken over")
            .open(&mut self.is_open)
            .default_size(vec2(520.0, 260.0))
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ui.ctx().content_rect().center())
            .collapsible(false);
        window.show(ui.ctx(), |ui| {
            ui.colored_label(
                theme.ink.dim,
                format!("{name} says this, too, which Sextant has no setting for or cannot apply:"),
            );
            ui.add_space(4.0);
            if ui.button("Copy all").on_hover_text("Put every line on the clipboard").clicked() {
                ui.ctx().copy_text(lines.join("\n"));
            }
            ui.add_space(4.0);
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                for line in lines {
                    ui.add(Label::new(line).wrap_mode(TextWrapMode::Wrap).selectable(true));
                }
            });
        });
    }
}
