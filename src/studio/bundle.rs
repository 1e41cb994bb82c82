//! What panels that are not converted yet share. Goes away with the last of them.

use super::{
    command::{Command, Commands},
    document::Document,
    panels::palette::Palette,
    view::View,
};

/// Everything that an unconverted panel reads and writes.
#[derive(Default)]
pub struct Studio {
    pub document: Document,
    pub view: View,
    pub commands: Commands,
    /// Which takes the strip shows: words that they must have.
    pub filter: String,
    pub palette: Option<Palette>,
    pub log_open: bool,
    /// The number of the shown step is to have the keyboard.
    pub goes_to_step: bool,
    /// Which of the first hints are done; none once all are, or they were dismissed.
    pub hints: Option<[bool; 3]>,
    /// The list of leftovers is open.
    pub leftovers_open: bool,
    /// What waits for the answer whether unsaved work may be lost.
    pub confirm: Option<Command>,
}

impl Studio {
    pub fn session_changed(&mut self) {
        self.filter.clear();
        (self.palette, self.log_open, self.goes_to_step, self.hints) = (None, false, false, None);
        (self.leftovers_open, self.confirm) = (false, None);
    }
}
