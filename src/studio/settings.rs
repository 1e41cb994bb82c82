//! What is set for all sessions, kept from one start of the program to the next.
//!
//! Apart from the window so that writing them stands in one place.

use std::path::Path;

use super::{
    io::autosave::Autosave,
    view::{layout, state::Appearance},
};
use crate::session::Settings;

/// The settings, and as they were last written.
#[derive(Default)]
pub struct KeptSettings {
    pub current: Settings,
    written: Option<Settings>,
}

/// So many folders are remembered.
const FOLDERS: usize = 8;
/// So many files are remembered.
const FILES: usize = 10;

impl KeptSettings {
    pub fn new(current: Settings) -> Self {
        Self { current, written: None }
    }

    /// Notes that a file in this folder was read or written.
    pub fn used_folder(&mut self, folder: &Path) {
        let Ok(folder) = std::path::absolute(folder) else { return };
        let folders = &mut self.current.folders;
        folders.retain(|known| *known != folder);
        folders.insert(0, folder);
        folders.truncate(FOLDERS);
    }

    /// Notes that this file was opened or saved.
    pub fn used_file(&mut self, path: &Path) {
        let Ok(path) = std::path::absolute(path) else { return };
        let recent = &mut self.current.recent;
        recent.retain(|known| *known != path);
        recent.insert(0, path);
        recent.truncate(FILES);
    }

    /// Takes theme and size over from the window, and has the settings written when they have changed.
    pub fn follow(&mut self, appearance: &Appearance, autosave: Option<&Autosave>) {
        let (theme, scale) = (layout::theme_name(appearance), Some(appearance.scale));
        if (theme, scale) != (self.current.theme.as_str(), self.current.scale) {
            (self.current.theme, self.current.scale) = (theme.to_owned(), scale);
        }
        self.current.own_dialogs = appearance.own_dialogs;
        self.current.no_films = !appearance.films;
        // In the first frame they are as they were read, and need no writing.
        let written = self.written.get_or_insert_with(|| self.current.clone());
        if let Some(autosave) = autosave.filter(|_| *written != self.current) {
            autosave.keep_settings(&self.current);
            *written = self.current.clone();
        }
    }
}
