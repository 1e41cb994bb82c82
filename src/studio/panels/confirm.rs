//! The question before unsaved work would be lost.
//!
//! Apart from the window's commands because the answer is a command itself.

use egui::{Id, Modal, Ui};

use crate::studio::{
    command::{Command, Commands},
    document::Document,
    view::theme::{self, Theme, size},
};

/// The question, with the command that waits for the answer.
#[derive(Debug, Default)]
pub struct Confirmation {
    pending: Option<Command>,
}

/// Whether `command` would drop takes and a recipe that are not saved.
pub fn is_needed(document: &Document, command: &Command) -> bool {
    match command {
        // What was recovered may go; what was done since is asked about.
        Command::DiscardRecovered => document.file().recovered != Some(document.file().version),
        command => leaves(command) && document.is_unsaved(),
    }
}

/// Whether `command` puts another session in the place of this one, or closes the window.
pub fn leaves(command: &Command) -> bool {
    use Command::{BrowseFiles, DiscardRecovered, NewEmptySession, NewSession, OpenFile, OpenSession, Quit};
    matches!(command, NewSession | NewEmptySession | OpenSession | BrowseFiles | OpenFile(_) | DiscardRecovered | Quit)
}

impl Confirmation {
    /// Asks before `command` is carried out.
    pub fn ask(&mut self, command: Command) {
        self.pending = Some(command);
    }

    pub fn is_open(&self) -> bool {
        self.pending.is_some()
    }

    /// Asks nothing any more: the session that would have been lost is gone.
    pub fn session_changed(&mut self) {
        self.pending = None;
    }

    /// Shows the question while there is one, and sends what was answered.
    pub fn ui(&mut self, ui: &Ui, commands: &mut Commands) {
        let Some(pending) = self.pending.clone() else { return };
        let theme = Theme::of(ui);
        let modal = Modal::new(Id::unique("confirm")).show(ui.ctx(), |ui| {
            ui.set_width(340.0);
            ui.label(theme::bold("Leave this session?", 15.0).color(theme.ink.text));
            ui.add_space(4.0);
            ui.colored_label(theme.ink.dim, "Its takes and its recipe have changed since it was last saved.");
            ui.add_space(10.0);
            ui.horizontal(|ui| answer(ui, pending, commands)).inner
        });
        if modal.inner || modal.should_close() {
            self.pending = None;
        }
    }
}

/// The three answers; returns whether one was given.
fn answer(ui: &mut Ui, pending: Command, commands: &mut Commands) -> bool {
    let cancel = ui.button("Cancel").clicked();
    let save = ui.button("Save first").clicked();
    let discard = egui::RichText::new("Discard changes").font(theme::bold_font(size::BODY));
    let discard = ui.add(egui::Button::new(discard.color(Theme::of(ui).danger.ink))).clicked();
    if save {
        commands.send(Command::SaveThen(Box::new(pending)));
    } else if discard {
        commands.send(Command::Discard(Box::new(pending)));
    }
    cancel || save || discard
}
