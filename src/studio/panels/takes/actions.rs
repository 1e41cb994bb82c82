//! What can be done to a take.
//!
//! Apart from the strip because the details and the keyboard send the same commands.

use egui::Ui;

use crate::studio::{
    command::{Command, Commands},
    document::{Document, edit::Edit, takes::TakeId},
    view::View,
};

/// The letters of the two pins.
pub const PINS: [&str; 2] = ["A", "B"];

/// The take that the details describe: the shown one, or the newest.
pub fn selected(document: &Document, view: &View) -> Option<TakeId> {
    view.shown_take().or_else(|| document.takes().newest().map(|take| take.id))
}

pub fn toggle_pin(commands: &mut Commands, side: usize, take: TakeId) {
    commands.edit(Edit::TogglePin { side, take });
}

/// The context menu of a take.
pub fn menu(ui: &mut Ui, view: &mut View, commands: &mut Commands, id: TakeId) {
    for (side, letter) in PINS.into_iter().enumerate() {
        if ui.button(format!("Pin as {letter}")).clicked() {
            toggle_pin(commands, side, id);
        }
    }
    if ui.button("Restore recipe").clicked() {
        commands.edit(Edit::RestoreTake(id));
    }
    if ui.button("Export as PNG…").clicked() {
        commands.send(Command::ExportPng(Some(id)));
    }
    if ui.button("Export figure…").on_hover_text("Its steps across, their maps down, with captions").clicked() {
        view.show_take(id);
        commands.send(Command::ExportFigure);
    }
    if ui.button("Remove").clicked() {
        commands.edit(Edit::RemoveTake(id));
    }
}
