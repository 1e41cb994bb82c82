//! What a picture or a text of another program's gave, and what it said that could not be taken over.

use egui::{Align2, Label, ScrollArea, TextWrapMode, Ui, vec2};

use crate::studio::{bundle::Studio, document::notice::Leftovers, view::theme::Theme};

/// The list, while it is open.
pub fn window(ui: &mut Ui, studio: &mut Studio) {
    let Some(Leftovers { name, lines }) =
        studio.document.notices().leftovers.as_ref().filter(|_| studio.leftovers_open)
    else {
        return;
    };
    let theme = Theme::of(ui);
    let window = egui::Window::new("Not taken over")
        .open(&mut studio.leftovers_open)
        .default_size(vec2(520.0, 260.0))
        .pivot(Align2::CENTER_CENTER)
        .default_pos(ui.ctx().content_rect().center())
        .collapsible(false);
    window.show(ui.ctx(), |ui| {
        ui.colored_label(
            theme.dim,
            format!("{name} says this, too, which Sextant has no setting for or cannot apply:"),
        );
        ui.add_space(4.0);
        if ui.button("Copy all").on_hover_text("Put every line on the clipboard").clicked() {
            ui.ctx().copy_text(lines.join("\n"));
        }
        ui.add_space(4.0);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for line in lines.iter() {
                ui.add(Label::new(line).wrap_mode(TextWrapMode::Wrap).selectable(true));
            }
        });
    });
}
