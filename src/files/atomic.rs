//! Files that are complete at any moment, even if the program is killed.
//!
//! Every file that the program writes goes through here: sessions, pictures, traces, settings.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use tempfile::{Builder, NamedTempFile};

/// Replaces the file at `path` by `bytes`: writes a temporary file beside it, brings it to disk and renames it. A symbolic
/// link is followed, and the permissions of a file that exists are kept.
///
/// # Errors
/// What the operating system reports, and [`io::ErrorKind::PermissionDenied`] for a write-protected file. The file that
/// existed is then as it was, and no temporary file is left.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
    let mut file = temporary_file(folder)?;
    file.write_all(bytes)?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(())
}

fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".sextant-").suffix(".tmp");
    // Temporary files are private by default, but this one becomes an ordinary file: the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
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
