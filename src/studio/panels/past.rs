//! The line over the canvas that says that an older take is looked at, whose settings the panels show.
//!
//! Apart from the notices: it is there as long as that take is.

use egui::{Button, RichText, Ui};

use super::banner;
use crate::studio::{
    command::Commands,
    document::{Document, edit::Edit, takes::TakeId},
    view::{View, theme::Theme},
};

/// Names the take and offers to go on from it, or to leave it.
pub fn show(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands, id: TakeId) {
    let Some(take) = document.take(id) else { return };
    let theme = Theme::of(ui);
    let text = format!("An older take, its settings read-only: {}", take.name);
    banner::line(ui, "past", theme.ground.input, RichText::new(text).color(theme.ink.text), |ui| {
        let back = Button::new("Leave this take").frame_when_inactive(false);
        if ui.add(back).on_hover_text("Show the picture of the recipe that is being edited").clicked() {
            view.show_live();
        }
        let restore = Button::new(RichText::new("Restore these settings").color(theme.accent.plain));
        if ui.add(restore).on_hover_text("Edit this take's recipe (R, or double-click on the take)").clicked() {
            commands.edit(Edit::RestoreTake(id));
        }
    });
}
