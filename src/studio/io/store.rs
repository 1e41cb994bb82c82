//! What the window needs of a disk.
//!
//! Apart from [`super::session_store`] so that tests can keep sessions in memory.

use std::{path::Path, sync::Arc};

use crate::{fingerprint::Fingerprint, recipe::Recipe, studio::document::saved::SavedSession, tensor::Picture};

/// Reads and writes files for the window, from a thread that may wait. Errors are sentences for the user.
pub trait Store: Send + Sync {
    /// Reads a session, or the recipe that a picture or a text of settings carries.
    fn load(&self, path: &Path) -> Result<SavedSession, String>;
    /// Whether another program has changed a session file since it was read or written here.
    fn is_changed_outside(&self, _path: &Path) -> bool {
        false
    }
    fn save(&self, path: &Path, session: &SavedSession) -> Result<(), String>;
    /// With how its run went, if that is known.
    fn export_png(
        &self,
        path: &Path,
        picture: &Picture,
        recipe: &Recipe,
        run: Option<&Fingerprint>,
    ) -> Result<(), String>;
    /// Writes files into a folder.
    fn export_files(&self, folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), String>;
    /// Writes named pictures into a folder.
    fn export_maps(&self, folder: &Path, maps: &[(String, Picture)]) -> Result<(), String>;
    /// Writes an animated PNG of pictures of one size.
    fn export_animation(&self, path: &Path, frames: &[Arc<Picture>]) -> Result<(), String>;
}
