//! The question before a session file is overwritten that another program has changed.
//!
//! Apart from [`super::confirm`] because here both sides may have work that is nowhere else.

use std::path::PathBuf;

use egui::{Id, Modal, RichText, Ui};

use crate::studio::{
    command::{Command, Commands},
    view::theme::{self, Theme, size},
};

/// The question, while there is one.
#[derive(Debug, Default)]
pub struct ChangedFile {
    pending: Option<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    path: PathBuf,
    /// What was to follow the saving.
    next: Option<Box<Command>>,
}

impl ChangedFile {
    pub fn ask(&mut self, path: PathBuf, next: Option<Command>) {
        self.pending = Some(Pending { path, next: next.map(Box::new) });
    }

    pub fn is_open(&self) -> bool {
        self.pending.is_some()
    }

    pub fn close(&mut self) {
        self.pending = None;
    }

    /// Shows the question while there is one, and sends what was answered.
    pub fn ui(&mut self, ui: &Ui, commands: &mut Commands) {
        let Some(pending) = self.pending.clone() else { return };
        let modal = Modal::new(Id::unique("changed file")).show(ui.ctx(), |ui| question(ui, &pending, commands));
        if modal.inner || modal.should_close() {
            self.pending = None;
        }
    }
}

/// Returns whether it was answered.
fn question(ui: &mut Ui, Pending { path, next }: &Pending, commands: &mut Commands) -> bool {
    let theme = Theme::of(ui);
    ui.set_width(440.0);
    ui.label(theme::bold("The file has changed", 15.0).color(theme.ink.text));
    ui.add_space(4.0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = format!("Another window or program has written {name} since this one read or saved it.");
    ui.colored_label(theme.ink.dim, text);
    ui.add_space(10.0);
    let mut answered = false;
    ui.horizontal(|ui| {
        let mut answer = |ui: &mut Ui, label: RichText, about: &str, command: Option<Command>| {
            if ui.button(label).on_hover_text(about).clicked() {
                command.into_iter().for_each(|command| commands.send(command));
                answered = true;
            }
        };
        answer(ui, "Cancel".into(), "Save nothing for now", None);
        let mine = RichText::new("Keep mine").color(theme.danger.ink);
        answer(ui, mine, "Replace what is in the file", Some(Command::SaveOver(next.clone())));
        let theirs = Command::Discard(Box::new(Command::OpenFile(path.clone())));
        answer(ui, "Take theirs".into(), "Give up the changes of this window and open the file", Some(theirs));
        let another = RichText::new("Save as…").font(theme::bold_font(size::BODY));
        answer(ui, another, "Keep both", Some(Command::SaveSessionAs));
    });
    answered
}
