//! What is pasted while no text is being written: a recipe as text, a path, or a picture; and files used lately.
//!
//! Apart from the files because nothing is read from a disk here.

use std::path::{Path, PathBuf};

use egui::Context;

use super::App;
use crate::{
    session,
    studio::{
        clock,
        command::{Command, Pasted},
        document::{
            edit::Edit,
            notice::{Notice, Topic},
            takes::TakeId,
        },
    },
    tensor::Picture,
};

impl App {
    pub(super) fn paste(&mut self, ctx: &Context, pasted: Pasted) {
        match pasted {
            Pasted::Text(text) => match path_in(&text) {
                Some(path) => self.handle(ctx, Command::OpenFile(path)),
                None => self.paste_recipe(&text),
            },
            Pasted::Picture(picture) => self.paste_picture(&picture),
        }
    }

    /// Takes over the recipe in a text, as one step of undo.
    fn paste_recipe(&mut self, text: &str) {
        match session::import_bytes(text.as_bytes(), Path::new("the clipboard")) {
            Ok(imported) => {
                let lines = imported.not_restored.len();
                let but = if lines == 0 { String::new() } else { format!(", but for {lines} of its settings") };
                let message = format!("Pasted {} from the clipboard{but}.", imported.found);
                let recipe = imported.into_plain_recipe().with_concept_ids();
                self.document.edit(Edit::Recipe(Box::new(recipe)), clock::now());
                self.document.settle();
                self.view.show_live();
                self.document.notify(Notice::info(message));
            }
            Err(_) => self.document.notify(Notice::error(Topic::Opening, NO_RECIPE)),
        }
    }

    /// A picture on the clipboard has lost its recipe, unless it is one of ours.
    fn paste_picture(&mut self, picture: &Picture) {
        match self.take_of(picture) {
            Some(id) => {
                self.view.show_take(id);
                let name = self.document.take(id).map(|take| take.name.clone()).unwrap_or_default();
                self.document.notify(Notice::info(format!("The pasted picture is the take \"{name}\".")));
            }
            None => self.document.notify(Notice::error(Topic::Opening, NO_TEXT)),
        }
    }

    fn take_of(&self, picture: &Picture) -> Option<TakeId> {
        let takes = self.document.takes().list().iter().rev();
        let mut same = takes.filter(|take| take.track.picture.as_deref().is_some_and(|own| own == picture));
        same.next().map(|take| take.id)
    }
}

const NO_RECIPE: &str = "The pasted text holds no recipe: paste the settings of a picture (\"Copy settings\" makes such a text), \
                         or click into a field to paste words.";
const NO_TEXT: &str = "The clipboard keeps the pixels of a picture alone, without its recipe, and no take looks like that: drop \
                       the picture's file on the window instead.";

/// The one file that a text names, as file managers copy it.
fn path_in(text: &str) -> Option<PathBuf> {
    let line = text.trim();
    let path = PathBuf::from(line.strip_prefix("file://").unwrap_or(line));
    (!line.contains('\n') && path.is_absolute() && path.is_file()).then_some(path)
}
