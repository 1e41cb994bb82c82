//! Files that are nobody else's business: what is not saved yet, settings, reports of crashes.
//!
//! Apart from the writer because only the program's own folders hold such files.

use std::{
    fs::{self, DirBuilder},
    io,
    path::Path,
};

use super::atomic::{Mode, write_with_mode};

/// Replaces the file at `path` as [`write_atomically`](super::write_atomically) does; only the user may read it.
///
/// # Errors
/// As [`write_atomically`](super::write_atomically).
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with_mode(path, bytes, Mode::Private)
}

/// Makes a folder that only the user may look into, with those above it. One of the program's that others could look into
/// is closed to them.
///
/// # Errors
/// What the operating system reports.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = fs::metadata(folder)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(permissions.mode() & 0o700))?;
        }
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> io::Result<u32> {
        Ok(fs::metadata(path)?.permissions().mode() & 0o777)
    }

    #[test]
    fn nobody_else_may_read() -> io::Result<()> {
        let outer = tempfile::tempdir()?;
        let folder = outer.path().join("a/b");
        create_private_folder(&folder)?;
        let path = folder.join("kept");
        write_private(&path, b"x")?;
        assert_eq!((mode(&folder)?, mode(&path)?), (0o700, 0o600));
        // As an earlier version left them.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        create_private_folder(&folder)?;
        write_private(&path, b"y")?;
        assert_eq!((mode(&folder)?, mode(&path)?), (0o700, 0o600));
        Ok(())
    }
}
