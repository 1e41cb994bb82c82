//! The settings of all sessions, written to disk when they change.
//!
//! Apart from the window because two parts change them: the appearance of the view, and commands.

use super::{
    io::autosave::Autosave,
    view::{layout, state::Appearance},
};
use crate::session::Settings;

/// The settings, and the state of them that is on disk.
#[derive(Default)]
pub struct KeptSettings {
    pub current: Settings,
    /// `None` before the first frame.
    on_disk: Option<Settings>,
}

impl KeptSettings {
    /// Takes theme and scale over from `appearance`, and has changed settings written by `autosave`. The settings of the
    /// first frame come from disk, so they are not written.
    pub fn keep(&mut self, appearance: &Appearance, autosave: Option<&Autosave>) {
        let (theme, scale) = (layout::theme_name(appearance), Some(appearance.scale));
        if (theme, scale) != (self.current.theme.as_str(), self.current.scale) {
            (self.current.theme, self.current.scale) = (theme.to_owned(), scale);
        }
        let on_disk = self.on_disk.get_or_insert_with(|| self.current.clone());
        if let Some(autosave) = autosave.filter(|_| *on_disk != self.current) {
            autosave.keep_settings(&self.current);
            *on_disk = self.current.clone();
        }
    }
}
