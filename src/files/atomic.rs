//! Files that are complete at any moment, even if the program is killed.
//!
//! Every file that the program writes goes through here: sessions, pictures, traces, settings.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use tempfile::{Builder, NamedTempFile};

/// Replaces the file at `path` by `bytes`: writes a temporary file beside it, brings it to disk and renames it. A symbolic
/// link is followed, and the permissions of a file that exists are kept.
///
/// # Errors
/// What the operating system reports, and [`io::ErrorKind::PermissionDenied`] for a write-protected file. The file that
/// existed is then as it was, and no temporary file is left.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with_mode(path, bytes, Mode::Ordinary)
}

/// Who may read a new file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// As the umask says.
    Ordinary,
    /// The user alone.
    Private,
}

pub(super) fn write_with_mode(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&target).ok();
    if existing.as_ref().is_some_and(|file| !file.is_file()) {
        let what = "there is something else of that name: a folder, a pipe or a device";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    if existing.as_ref().is_some_and(|file| file.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is write-protected"));
    }
    let folder = target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Dropping the temporary file removes it.
    let mut file = match mode {
        Mode::Ordinary => temporary_file(folder)?,
        Mode::Private => named().tempfile_in(folder)?,
    };
    // Whoever looks for files that were left behind leaves this one alone.
    let _ = file.as_file().try_lock();
    file.write_all(bytes)?;
    if let Some(existing) = existing.filter(|_| mode == Mode::Ordinary) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(())
}

const PREFIX: &str = ".sextant-";
const SUFFIX: &str = ".tmp";

fn named() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    builder
}

pub(super) fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = named();
    // Temporary files are private by default, but this one becomes an ordinary file: the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// How long a temporary file is left alone, in case that its writer has not locked it yet.
const YOUNG: Duration = Duration::from_secs(2);

/// Removes the temporary files in `folder` whose writer was ended before it was done. What cannot be removed is left.
pub fn remove_stale(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        if is_ours && is_left_behind(&entry.path()) && fs::remove_file(entry.path()).is_ok() {
            log::info!("{} was left behind by a write that did not end, and is removed", entry.path().display());
        }
    }
}

/// Whether a temporary file is a regular one that no process holds.
fn is_left_behind(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    let is_old = found.modified().is_ok_and(|written| written.elapsed().is_ok_and(|age| age > YOUNG));
    found.is_file() && is_old && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Brings the rename itself to disk. The new content stands either way, and not every file system can do this, so a
/// failure is no failure to write.
fn sync_folder(folder: &Path) {
    if let Err(error) = File::open(folder).and_then(|f| f.sync_all()) {
        log::debug!("cannot sync {}: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"one").expect("written");
        write_atomically(&path, b"two").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        let names: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["a.txt"]);
    }

    #[test]
    fn a_failed_write_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        // A folder cannot be replaced by a file.
        let path = folder.path().join("taken");
        fs::create_dir(&path).expect("a folder");
        fs::write(path.join("kept"), b"x").expect("written");
        assert!(write_atomically(&path, b"two").is_err());
        assert!(write_atomically(&folder.path().join("missing").join("a.txt"), b"two").is_err());
        assert!(path.join("kept").is_file());
        #[cfg(unix)]
        assert!(write_atomically(Path::new("/dev/null"), b"x").is_err(), "a device is not replaced");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_what_is_written_now_is_not() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let old = |name: &str| -> io::Result<File> {
            let file = File::create(folder.path().join(name))?;
            file.set_modified(std::time::SystemTime::now() - Duration::from_secs(60))?;
            Ok(file)
        };
        drop(old(".sextant-left.tmp")?);
        let busy = old(".sextant-busy.tmp")?;
        busy.try_lock()?;
        drop(old("mine.tmp")?);
        File::create(folder.path().join(".sextant-new.tmp"))?;
        remove_stale(folder.path());
        let mut names: Vec<_> = fs::read_dir(folder.path())?.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, [".sextant-busy.tmp", ".sextant-new.tmp", "mine.tmp"]);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let mode = |name: &str| fs::metadata(at(name)).expect("a file").permissions().mode() & 0o777;
        fs::write(at("plain"), b"x").expect("written");
        write_atomically(&at("new"), b"x").expect("written");
        assert_eq!(mode("new"), mode("plain"), "as any new file");
        fs::set_permissions(at("plain"), fs::Permissions::from_mode(0o640)).expect("changed");
        symlink(at("plain"), at("link")).expect("a link");
        write_atomically(&at("link"), b"y").expect("written");
        assert_eq!((mode("plain"), fs::read(at("plain")).expect("read")), (0o640, b"y".to_vec()));
        assert!(fs::symlink_metadata(at("link")).expect("a link").is_symlink());
        fs::set_permissions(at("plain"), fs::Permissions::from_mode(0o440)).expect("changed");
        let refused = write_atomically(&at("plain"), b"z").expect_err("write-protected");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
