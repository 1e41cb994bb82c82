//! Why a session or a picture cannot be read or written.
//!
//! Apart because every file of this folder fails with it.

use std::{io, path::PathBuf};

/// A session or picture that cannot be read or written: one sentence that says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    #[error("cannot read {}: {source}; check the name and that the file may be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}; what was there before is untouched, so save to another place", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} has {bytes} bytes, too many for a session: choose a *.sextant.ron file", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    #[error("{} is not a Sextant session: choose a *.sextant.ron file", path.display())]
    NotASession { path: PathBuf },
    #[error(
        "{} is a session of version {found}, but this program reads versions up to {known}: \
         open it with a newer Sextant",
        path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error(
        "{}:{line}:{column}: the session is damaged ({what}): mend it there in a text editor or open a backup",
        path.display()
    )]
    Damaged { path: PathBuf, line: usize, column: usize, what: String },
    #[error("{}: take {take} {what}: mend it in a text editor or open a backup", path.display())]
    Inconsistent { path: PathBuf, take: u64, what: String },
    #[error("cannot put the session into text: {0}; please report this as a defect")]
    Unwritable(String),
    #[error("{name} is not a readable PNG picture ({what}): choose another file")]
    NotAPicture { name: String, what: String },
    #[error("{name} carries no Sextant recipe: choose a picture that this program has saved with its recipe")]
    NoRecipe { name: String },
    #[error("the recipe in {name} cannot be read ({what}): it was changed, or made by a newer Sextant")]
    DamagedRecipe { name: String, what: String },
    #[error(
        "{} carries no recipe: {what}; choose a picture with its settings in it, a session, or a text of settings",
        path.display()
    )]
    NothingToImport { path: PathBuf, what: &'static str },
    #[error("the picture of {width}x{height} pixels cannot be made into a PNG ({what})")]
    NotEncoded { width: usize, height: usize, what: String },
}

/// The text on one line: errors are shown as one sentence.
pub(super) fn one_line(text: impl ToString) -> String {
    text.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
