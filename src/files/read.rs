//! How every file is read: regular files only, and no more of one than its kind may weigh.
//!
//! Apart from what is read: a pipe would wait for ever, a device never end, and a folder is no file.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

/// The most that is read of a small text: configurations, settings, notes beside a file.
pub const TEXT: u64 = 64 << 20;
/// The most that is read of a picture or a session.
pub const PICTURE: u64 = 512 << 20;

/// Opens a regular file to be read; links are followed.
///
/// # Errors
/// What the operating system reports, and [`io::ErrorKind::InvalidInput`] for a folder, a pipe, a socket or a device, which is
/// not opened at all.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Before it is opened: opening a pipe waits for its other end.
    check(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    // And after, if another has taken its place.
    check(&file.metadata()?)?;
    Ok(file)
}

/// The whole content of a regular file of at most `most` bytes.
///
/// # Errors
/// As [`open_regular`], and [`io::ErrorKind::FileTooLarge`].
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    let too_large = || {
        let what = format!("it is larger than {} MiB, which no file of its kind is", most >> 20);
        io::Error::new(io::ErrorKind::FileTooLarge, what)
    };
    if length > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // A file may grow while it is read, and those of /proc say that they are empty.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

fn check(file: &fs::Metadata) -> io::Result<()> {
    if file.is_file() {
        return Ok(());
    }
    let what = if file.is_dir() { "it is a folder, not a file" } else { "it is a pipe or a device, not a file" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_files_are_read_up_to_their_limit() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a");
        fs::write(&path, b"12345")?;
        assert_eq!(read_regular(&path, 5)?, b"12345");
        assert!(read_regular(&path, 4).is_err_and(|error| error.kind() == io::ErrorKind::FileTooLarge));
        Ok(())
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let refused = |path: &Path| read_regular(path, TEXT).expect_err("no file").to_string();
        assert!(refused(folder.path()).contains("folder"));
        #[cfg(unix)]
        {
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status()?.success());
            assert!(refused(&pipe).contains("pipe or a device"));
            assert!(refused(Path::new("/dev/zero")).contains("pipe or a device"));
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(folder.path().join("nowhere"), &link)?;
            assert_eq!(read_regular(&link, TEXT).expect_err("dangling").kind(), io::ErrorKind::NotFound);
            std::os::unix::fs::symlink(&pipe, folder.path().join("to the pipe"))?;
            assert!(refused(&folder.path().join("to the pipe")).contains("pipe or a device"));
        }
        Ok(())
    }
}
