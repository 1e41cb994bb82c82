//! What panels that are not converted yet share. Goes away with the last of them.

use super::{command::Commands, document::Document, view::View};

/// Everything that an unconverted panel reads and writes.
#[derive(Default)]
pub struct Studio {
    pub document: Document,
    pub view: View,
    pub commands: Commands,
}
