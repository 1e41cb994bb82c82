//! What can be done to a take.
//!
//! Apart from the strip because the details and the keyboard send the same commands.

use egui::{Button, Ui};

use crate::studio::{
    command::{Command, Commands},
    document::{Document, edit::Edit, takes::TakeId},
    view::{View, compare::Compare},
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

/// Sets a take against the one that is shown: that becomes A, this one B.
pub fn compare(document: &Document, view: &mut View, commands: &mut Commands, id: TakeId) {
    let Some(shown) = selected(document, view).filter(|shown| *shown != id) else { return };
    for (side, take) in [shown, id].into_iter().enumerate() {
        if document.takes().pins()[side] != Some(take) {
            toggle_pin(commands, side, take);
        }
    }
    if !view.comparison.mode.pairs() {
        view.comparison.mode = Compare::SideBySide;
    }
}

/// The context menu of a take.
pub fn menu(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands, id: TakeId) {
    let can_compare = selected(document, view).is_some_and(|shown| shown != id);
    let against = ui.add_enabled(can_compare, Button::new("Compare with the shown take"));
    if against.on_hover_text("Shift+click: both side by side, with the settings in which they differ").clicked() {
        compare(document, view, commands, id);
        ui.close();
    }
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
