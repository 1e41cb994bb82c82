//! Files that are whole at any moment, whatever stops the program.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::SessionError;

/// Replaces the file at `path` by `bytes`: written beside it, brought to disk, then renamed over it. A symbolic link
/// is followed, and the permissions of the file that was there are kept.
///
/// # Errors
/// [`SessionError::Write`]; the file that was there is then as it was, and nothing is left beside it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SessionError> {
    replace(path, bytes).map_err(|source| SessionError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&target).ok();
    if before.as_ref().is_some_and(|file| file.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is write-protected"));
    }
    let folder = target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (draft, mut file) = open_draft(folder)?;
    let written = (|| {
        file.write_all(bytes)?;
        if let Some(before) = before {
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&draft, &target)
    })();
    if written.is_err() {
        // The first failure is the one to tell; a draft that cannot be removed harms nobody.
        let _ = fs::remove_file(&draft);
        return written;
    }
    sync_folder(folder);
    Ok(())
}

/// A new empty file in `folder` under a name that nobody uses.
fn open_draft(folder: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!(".sextant-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&draft) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (draft, file)),
        }
    }
}

/// Brings the rename itself to disk. The new content stands either way, and not every file system can do this, so a
/// failure is no failure to save.
fn sync_folder(folder: &Path) {
    if let Err(error) = File::open(folder).and_then(|f| f.sync_all()) {
        log::debug!("cannot sync {}: {error}", folder.display());
    }
}
