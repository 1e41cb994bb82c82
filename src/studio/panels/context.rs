//! What a panel that draws pictures is given in every frame.
//!
//! Apart from the panels, which all have it, and from the set of them, which makes it.

use crate::studio::{command::Commands, document::Document, view::View, widgets::textures::Textures};

/// What is shown, what can be changed at once, and where commands and textures go.
pub struct PanelContext<'a> {
    pub document: &'a Document,
    pub view: &'a mut View,
    pub commands: &'a mut Commands,
    pub textures: &'a mut Textures,
}

impl PanelContext<'_> {
    /// The same for another document.
    pub fn with<'b>(&'b mut self, document: &'b Document) -> PanelContext<'b> {
        let Self { view, commands, textures, .. } = self;
        PanelContext { document, view, commands, textures }
    }
}
