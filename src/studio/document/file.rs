//! Where the session is saved, and whether it has changed since; which files can be opened.
//!
//! Apart because nothing here reads or writes a file.

use std::path::{Path, PathBuf};

/// Endings of the names of files that can be opened.
pub const OPENED: [&str; 7] = ["ron", "png", "jpg", "jpeg", "webp", "gif", "txt"];

/// Whether a file can be opened, as far as its name tells.
pub fn is_known(path: &Path) -> bool {
    path.extension().is_some_and(|ending| OPENED.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether the name is one that a session is saved under.
pub fn is_session(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ron"))
}

/// The session's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileState {
    pub path: Option<PathBuf>,
    /// Counts changes of what a session keeps.
    pub version: u64,
    /// Counts what the user has done.
    pub edits: u64,
    /// The version that is on disk.
    pub saved: u64,
    /// The version that was recovered after a crash.
    pub recovered: Option<u64>,
    /// The files that were opened or saved lately, the newest first.
    pub recent: Vec<PathBuf>,
    /// Whether the session keeps the steps of its takes.
    pub keep_steps: bool,
}

impl FileState {
    pub fn is_unsaved(&self) -> bool {
        self.version != self.saved
    }

    /// Notes that something has changed that a session keeps.
    pub(super) fn touch(&mut self) {
        self.version += 1;
    }
}
