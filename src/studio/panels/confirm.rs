//! The question before unsaved work would be lost.

use egui::{Id, Modal, Ui};

use crate::studio::{
    bundle::Studio,
    command::Command,
    document::Document,
    view::theme::{self, Theme, size},
};

/// Whether `action` would drop takes and a recipe that are not saved.
pub fn needed(document: &Document, action: &Command) -> bool {
    let leaves = matches!(action, Command::NewSession | Command::OpenSession | Command::OpenFile(_) | Command::Quit);
    leaves && document.is_unsaved()
}

/// Asks, while there is something to ask; the answer goes on as an action.
pub fn show(ui: &mut Ui, studio: &mut Studio) {
    let Some(action) = studio.confirm.clone() else { return };
    let theme = Theme::of(ui);
    let modal = Modal::new(Id::unique("confirm")).show(ui.ctx(), |ui| {
        ui.set_width(340.0);
        ui.label(theme::bold("Leave this session?", 15.0).color(theme.text));
        ui.add_space(4.0);
        ui.colored_label(theme.dim, "Its takes and its recipe have changed since it was last saved.");
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            if ui.button("Cancel").clicked() {
                studio.confirm = None;
            }
            if ui.button("Save first").clicked() {
                studio.confirm = None;
                studio.commands.send(Command::SaveThen(Box::new(action.clone())));
            }
            let discard = egui::RichText::new("Discard changes").font(theme::bold_font(size::BODY));
            if ui.add(egui::Button::new(discard.color(theme.danger))).clicked() {
                studio.confirm = None;
                studio.commands.send(Command::Discard(Box::new(action)));
            }
        });
    });
    if modal.should_close() {
        studio.confirm = None;
    }
}
