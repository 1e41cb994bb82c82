//! Recovery files: unsaved work of a running program, kept where the next start finds it.
//!
//! Apart from sessions that the user saves because their names, locks and lifetime differ. Every running window owns one
//! name in a folder of the user's: a lock file, which the system releases when the program ends for any reason, and
//! beside it the session while there is unsaved work. A session whose lock is free was left behind by a crash.
//!
//! One that cannot be read, or with which the program has failed before, is set aside: it would end every start. A third file
//! counts the starts with it; it goes once the window has run for a while ([`Recovery::settled`]).

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{document::Document, error::SessionError};
use crate::files::{create_private_folder, read, read_regular, remove_stale, same_file, write_private};

const LOCK: &str = "lock";
const SESSION: &str = "sextant.ron";
const STARTS: &str = "starts";
/// The folder for what is set aside.
const ASIDE: &str = "set-aside";
/// So many starts with a session may end early before it is set aside, where no panic was recorded: whoever ends the
/// program at its start loses nothing.
const MOST_STARTS: u32 = 2;

/// One window's recovery file. Dropping it leaves the files, as a crash would.
#[derive(Debug)]
pub struct Recovery {
    stem: PathBuf,
    /// Held while the window is open.
    lock: File,
    /// A sentence for each session that was set aside or left where it is.
    notes: Vec<String>,
}

/// Whether this is the program's first start with this `folder`, and records the start.
pub fn first_start(folder: &Path) -> bool {
    let mark = folder.join("welcomed");
    let made = create_private_folder(folder).and_then(|()| OpenOptions::new().write(true).create_new(true).open(mark));
    made.is_ok()
}

impl Recovery {
    /// Claims a name in `folder`. If an earlier window left a session behind, its name and the session are taken over:
    /// the newest one, or, if `original` names a session file, the newest one of that file.
    ///
    /// # Errors
    /// The folder cannot be created, or no file can be created in it.
    pub fn open(folder: &Path, original: Option<&Path>) -> io::Result<(Self, Option<Document>)> {
        create_private_folder(folder)?;
        remove_stale(folder);
        let mut notes = Vec::new();
        for stem in left_behind(folder)? {
            let Some(lock) = claim(&stem)? else { continue };
            let starts = starts(&stem);
            if starts >= MOST_STARTS || starts > 0 && crashed_since(folder, &with_suffix(&stem, STARTS)) {
                notes.push(set_aside(&stem, "Sextant has failed with it before"));
                continue;
            }
            let document = match Document::load(&session_at(&stem)) {
                Ok(document) => document,
                Err(error @ SessionError::Newer { .. }) => {
                    notes.push(format!("Unsaved work of an earlier window is left where it is: {error}."));
                    continue;
                }
                Err(error) => {
                    notes.push(set_aside(&stem, &error.to_string()));
                    continue;
                }
            };
            if original.is_none_or(|own| document.original.as_deref().is_some_and(|path| same_file(path, own))) {
                if let Err(error) = write_private(&with_suffix(&stem, STARTS), (starts + 1).to_string().as_bytes()) {
                    log::warn!("the start with a recovered session could not be noted: {error}");
                }
                return Ok((Self { stem, lock, notes }, Some(document)));
            }
        }
        let mut number = 0;
        loop {
            let stem = folder.join(format!("window-{}-{number}", std::process::id()));
            if !session_at(&stem).exists()
                && let Some(lock) = claim(&stem)?
            {
                return Ok((Self { stem, lock, notes }, None));
            }
            number += 1;
        }
    }

    /// What was left behind and could not be recovered: a sentence each, with the place where it is now.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The window has run for a while: what was recovered does not end it.
    pub fn settled(&self) {
        remove(&with_suffix(&self.stem, STARTS));
    }

    /// Writes `document` atomically, in place of what was kept before.
    ///
    /// # Errors
    /// [`SessionError::Write`]; what was kept before is then unchanged.
    pub fn keep(&self, document: &Document) -> Result<(), SessionError> {
        let path = session_at(&self.stem);
        let text = document.to_text()?;
        write_private(&path, text.as_bytes()).map_err(|source| SessionError::Write { path, source })
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
        self.settled();
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

/// How many starts with a session have ended before the window had settled.
fn starts(stem: &Path) -> u32 {
    let noted = read_regular(&with_suffix(stem, STARTS), read::TEXT).unwrap_or_default();
    String::from_utf8_lossy(&noted).trim().parse().unwrap_or(0)
}

/// Whether a report of a crash in `folder` is newer than `noted`.
fn crashed_since(folder: &Path, noted: &Path) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let newest = super::crash::reports(folder).iter().filter_map(|report| written(report)).max();
    newest.zip(written(noted)).is_some_and(|(crash, noted)| crash >= noted)
}

/// Moves a session into a folder of its own, where no start looks. Returns a sentence that says so.
fn set_aside(stem: &Path, why: &str) -> String {
    let session = session_at(stem);
    let folder = stem.parent().unwrap_or(Path::new("")).join(ASIDE);
    let name = stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = |n: u32| folder.join(if n == 0 { format!("{name}.{SESSION}") } else { format!("{name}-{n}.{SESSION}") });
    let target = (0..1000).map(free).find(|path| !path.exists()).unwrap_or_else(|| free(0));
    let moved = create_private_folder(&folder).and_then(|()| fs::rename(&session, &target));
    match moved {
        Ok(()) => {
            remove(&with_suffix(stem, STARTS));
            format!("Unsaved work of an earlier window was set aside ({why}): it is kept as {}.", target.display())
        }
        Err(error) => {
            format!(
                "Unsaved work of an earlier window is passed over ({why}), and it stays as {}: {error}.",
                session.display()
            )
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn!("cannot remove {}: {error}", path.display());
    }
}
