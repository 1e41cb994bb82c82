//! Where files are to be written, checked before the work that they are to hold.
//!
//! Apart from the writer: a render takes minutes, and is not to be lost over a name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::atomic::{remove_stale, temporary_file};

/// A file cannot be written where it is wanted.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("the folder of {flag} {path} does not exist: create it first", path = path.display())]
    NoFolder { flag: &'static str, path: PathBuf },
    #[error("{flag} {path} is a folder, a pipe or a device: give the name of a file", path = path.display())]
    NotAFile { flag: &'static str, path: PathBuf },
    #[error("{flag} {path} is write-protected: give another name", path = path.display())]
    Protected { flag: &'static str, path: PathBuf },
    #[error("nothing can be written into the folder of {flag} {path}: {source}", path = path.display())]
    Folder { flag: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{flag} and {other} both name {path}, and one would replace the other: give different names", path = path.display())]
    Same { flag: &'static str, other: &'static str, path: PathBuf },
}

/// A path that a flag names.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    pub flag: &'static str,
    pub path: &'a Path,
}

/// Checks that each of `written` can be written, and is none of the others nor of `read`.
///
/// # Errors
/// The first that cannot.
pub fn check_outputs(written: &[Named<'_>], read: &[Named<'_>]) -> Result<(), OutputError> {
    for (i, output) in written.iter().enumerate() {
        check(*output)?;
        let others = written[..i].iter().chain(read);
        if let Some(other) = others.into_iter().find(|other| same_file(output.path, other.path)) {
            let path = output.path.to_owned();
            return Err(OutputError::Same { flag: other.flag, other: output.flag, path });
        }
    }
    Ok(())
}

fn check(Named { flag, path }: Named<'_>) -> Result<(), OutputError> {
    let owned = || path.to_owned();
    if let Ok(existing) = fs::metadata(path) {
        if !existing.is_file() {
            return Err(OutputError::NotAFile { flag, path: owned() });
        }
        if existing.permissions().readonly() {
            return Err(OutputError::Protected { flag, path: owned() });
        }
    }
    // `..` and nothing at all are no names of files.
    if path.file_name().is_none() {
        return Err(OutputError::NotAFile { flag, path: owned() });
    }
    // A link is followed, and what is written stands beside its target.
    let target = fs::canonicalize(path).unwrap_or_else(|_| owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(OutputError::NoFolder { flag, path: owned() });
    }
    // Of earlier writes into it that were killed.
    remove_stale(folder);
    match temporary_file(folder) {
        Ok(_) => Ok(()),
        Err(source) => Err(OutputError::Folder { flag, path: owned(), source }),
    }
}

/// Whether two paths are one file, however they are written; files that are not there yet are told by their folders.
pub fn same_file(a: &Path, b: &Path) -> bool {
    a == b || whole(a).zip(whole(b)).is_some_and(|(a, b)| a == b) || same_content_of_disk(a, b)
}

fn whole(path: &Path) -> Option<PathBuf> {
    if let Ok(whole) = fs::canonicalize(path) {
        return Some(whole);
    }
    let absolute = std::path::absolute(path).ok()?;
    let folder = fs::canonicalize(absolute.parent()?).unwrap_or_else(|_| absolute.parent().unwrap_or(path).to_owned());
    Some(folder.join(absolute.file_name()?))
}

/// Two names of one file on disk (hard links).
#[cfg(unix)]
fn same_content_of_disk(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    place(a).is_some_and(|own| Some(own) == place(b))
}

#[cfg(not(unix))]
fn same_content_of_disk(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(written: &[(&'static str, &Path)], read: &[(&'static str, &Path)]) -> String {
        let of = |list: &[(&'static str, &'_ Path)]| -> Vec<(&'static str, PathBuf)> {
            list.iter().map(|&(flag, path)| (flag, path.to_owned())).collect()
        };
        let (written, read) = (of(written), of(read));
        let written: Vec<_> = written.iter().map(|(flag, path)| Named { flag, path }).collect();
        let read: Vec<_> = read.iter().map(|(flag, path)| Named { flag, path }).collect();
        check_outputs(&written, &read).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn names_are_checked_before_the_work() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        assert_eq!(said(&[("--out", &at("a.png")), ("--trace", &at("a.safetensors"))], &[]), "");
        assert!(said(&[("--out", &at("no/a.png"))], &[]).contains("does not exist: create it first"));
        assert!(said(&[("--out", folder.path())], &[]).contains("is a folder, a pipe or a device"));
        #[cfg(unix)]
        assert!(said(&[("--out", Path::new("/dev/null"))], &[]).contains("is a folder, a pipe or a device"));
        assert_eq!(fs::read_dir(folder.path())?.count(), 0, "the check leaves nothing");
        Ok(())
    }

    #[test]
    fn two_outputs_never_name_one_file() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("sub"))?;
        let (a, again) = (folder.path().join("a.png"), folder.path().join("sub/../a.png"));
        assert!(said(&[("--out", &a), ("--trace", &again)], &[]).starts_with("--out and --trace both name"));
        assert!(said(&[("--out", &a)], &[("--session", &again)]).starts_with("--session and --out both name"));
        fs::write(&a, "x")?;
        fs::hard_link(&a, folder.path().join("b.png"))?;
        assert!(same_file(&a, &folder.path().join("b.png")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&a, folder.path().join("link.png"))?;
            assert!(same_file(&a, &folder.path().join("link.png")));
        }
        Ok(())
    }
}
