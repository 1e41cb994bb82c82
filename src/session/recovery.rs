//! Recovery files: unsaved work of a running program, kept where the next start finds it.
//!
//! Apart from sessions that the user saves because their names, locks and lifetime differ. Every running window owns one
//! name in a folder of the user's: a lock file, which the system releases when the program ends for any reason, and
//! beside it the session while there is unsaved work. A session whose lock is free was left behind by a crash.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{document::Document, error::SessionError};

const LOCK: &str = "lock";
const SESSION: &str = "sextant.ron";

/// One window's recovery file. Dropping it leaves the files, as a crash would.
#[derive(Debug)]
pub struct Recovery {
    stem: PathBuf,
    /// Held while the window is open.
    lock: File,
}

/// Whether this is the program's first start with this `folder`, and records the start.
pub fn first_start(folder: &Path) -> bool {
    let mark = folder.join("welcomed");
    let made = fs::create_dir_all(folder).and_then(|()| OpenOptions::new().write(true).create_new(true).open(mark));
    made.is_ok()
}

impl Recovery {
    /// Claims a name in `folder`. If an earlier window left a session behind, its name and the session are taken over:
    /// the newest one, or, if `original` names a session file, the newest one of that file.
    ///
    /// # Errors
    /// The folder cannot be created, or no file can be created in it.
    pub fn open(folder: &Path, original: Option<&Path>) -> io::Result<(Self, Option<Document>)> {
        fs::create_dir_all(folder)?;
        for stem in left_behind(folder)? {
            let Some(lock) = claim(&stem)? else { continue };
            let document = match Document::load(&session_at(&stem)) {
                Ok(document) => document,
                Err(error) => {
                    log::warn!("a session left behind cannot be recovered: {error}");
                    continue;
                }
            };
            if original.is_none_or(|own| document.original.as_deref().is_some_and(|path| same_file(path, own))) {
                return Ok((Self { stem, lock }, Some(document)));
            }
        }
        let mut number = 0;
        loop {
            let stem = folder.join(format!("window-{}-{number}", std::process::id()));
            if !session_at(&stem).exists()
                && let Some(lock) = claim(&stem)?
            {
                return Ok((Self { stem, lock }, None));
            }
            number += 1;
        }
    }

    /// Writes `document` atomically, in place of what was kept before.
    ///
    /// # Errors
    /// [`SessionError::Write`]; what was kept before is then unchanged.
    pub fn keep(&self, document: &Document) -> Result<(), SessionError> {
        document.save(&session_at(&self.stem))
    }

    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        self.stem.parent().unwrap_or(Path::new(""))
    }

    /// Removes the kept session: everything is saved or discarded.
    pub fn clear(&self) {
        remove(&session_at(&self.stem));
    }

    /// Ends regularly: removes session and lock file.
    pub fn finish(self) {
        self.clear();
        drop(self.lock);
        remove(&lock_at(&self.stem));
    }
}

/// Names in `folder` that have a session, the newest first. Lock files of ended windows without a session are removed.
fn left_behind(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(&format!(".{SESSION}")).filter(|stem| !stem.starts_with('.')) {
            let written = entry.metadata().and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            found.push((written, folder.join(stem)));
        } else if let Some(stem) = name.strip_suffix(&format!(".{LOCK}")).map(|stem| folder.join(stem))
            && !session_at(&stem).exists()
            && let Ok(Some(lock)) = claim(&stem)
        {
            drop(lock);
            remove(&lock_at(&stem));
        }
    }
    found.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    Ok(found.into_iter().map(|(_, stem)| stem).collect())
}

/// The lock of a name; `None` while a running window holds it.
fn claim(stem: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(lock_at(stem))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn with_suffix(stem: &Path, suffix: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn session_at(stem: &Path) -> PathBuf {
    with_suffix(stem, SESSION)
}

fn lock_at(stem: &Path) -> PathBuf {
    with_suffix(stem, LOCK)
}

fn same_file(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    a == b || whole(a).ok().zip(whole(b).ok()).is_some_and(|(a, b)| a == b)
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn!("cannot remove {}: {error}", path.display());
    }
}
