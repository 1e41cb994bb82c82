//! The session files that this window has read or written: what another program changes in them is noticed before it is
//! overwritten, and another window that has one open before both have worked in it.
//!
//! Apart from reading and writing because it is about who else does.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use crate::files::{create_private_folder, read, read_regular};

type Content = [u8; 32];

/// What is known of session files. Only ever used from threads that may wait for a disk.
#[derive(Default)]
pub struct SessionFiles {
    /// The content of each file when this window last read or wrote it.
    seen: Mutex<HashMap<PathBuf, Content>>,
    /// The folder of locks; none where windows do not tell each other.
    locks: Option<PathBuf>,
    /// The file that this window has open, with its lock.
    held: Mutex<Option<(PathBuf, File)>>,
}

impl SessionFiles {
    /// With locks in `folder`, one a session file.
    pub fn with_locks(folder: PathBuf) -> Self {
        Self { locks: Some(folder), ..Self::default() }
    }

    /// Notes what a file holds now.
    pub fn note(&self, path: &Path) {
        if let Some(content) = content(path) {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(whole(path), content);
        }
    }

    /// Whether a file that this window has read or written holds something else now. One that is gone is not changed.
    pub fn is_changed(&self, path: &Path) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&whole(path)).copied();
        seen.is_some_and(|seen| content(path).is_some_and(|now| now != seen))
    }

    /// Takes the lock of a session file in the place of the one before. Returns whether another window has it.
    pub fn is_open_elsewhere(&self, path: &Path) -> bool {
        let Some(folder) = &self.locks else { return false };
        let whole = whole(path);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|(own, _)| *own == whole) {
            return false;
        }
        *held = None;
        match lock(folder, &whole) {
            Ok(Some(file)) => {
                *held = Some((whole, file));
                false
            }
            Ok(None) => true,
            Err(error) => {
                log::warn!("whether another window has {} open is not known: {error}", path.display());
                false
            }
        }
    }
}

/// The lock of a file; none while another window holds it.
fn lock(folder: &Path, path: &Path) -> io::Result<Option<File>> {
    create_private_folder(folder)?;
    let name: String = Sha256::digest(path.as_os_str().as_encoded_bytes()).iter().take(16).map(hex).collect();
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(name))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn hex(byte: &u8) -> String {
    format!("{byte:02x}")
}

fn content(path: &Path) -> Option<Content> {
    Some(Sha256::digest(read_regular(path, read::PICTURE).ok()?).into())
}

fn whole(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_another_program_is_noticed_by_content() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.sextant.ron");
        let files = SessionFiles::default();
        assert!(!files.is_changed(&path), "it is not there");
        fs::write(&path, "one")?;
        assert!(!files.is_changed(&path), "it was never read");
        files.note(&path);
        fs::write(&path, "one")?;
        assert!(!files.is_changed(&path), "written anew, but the same");
        fs::write(&path, "two")?;
        assert!(files.is_changed(&path));
        files.note(&path);
        assert!(!files.is_changed(&path));
        fs::remove_file(&path)?;
        assert!(!files.is_changed(&path), "nothing is overwritten");
        Ok(())
    }

    #[test]
    fn a_second_window_is_told() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (a, b) = (folder.path().join("a.ron"), folder.path().join("b.ron"));
        fs::write(&a, "")?;
        fs::write(&b, "")?;
        let window = || SessionFiles::with_locks(folder.path().join("open"));
        let (first, second) = (window(), window());
        assert!(!first.is_open_elsewhere(&a) && !first.is_open_elsewhere(&a));
        assert!(second.is_open_elsewhere(
            &folder.path().join("../").join(folder.path().file_name().unwrap_or_default()).join("a.ron")
        ));
        assert!(!first.is_open_elsewhere(&b), "it has another one open now");
        assert!(!second.is_open_elsewhere(&a));
        drop(first);
        assert!(!second.is_open_elsewhere(&b));
        Ok(())
    }
}
