//! Which cards have passed their check, kept from one start to the next.
//!
//! Apart from the check: a file in the user's cache folder, which may be missing, damaged, or written by another window at the
//! same time. Kernels themselves are kept by the card's driver.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::files::{decode_text, folders::cache_folder, read, read_regular, write_atomically};

const FILE: &str = "cards-passed.ron";
/// More are those of another program's file.
const MOST: usize = 64;

/// The cards that have passed.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    passed: BTreeSet<String>,
}

/// Names one card with its driver and this build of the program: what was found is true for nothing else.
pub fn key(card: &wgpu::AdapterInfo) -> String {
    let wgpu::AdapterInfo { name, vendor, device, driver, driver_info, backend, .. } = card;
    format!("{name} {vendor:04x}:{device:04x} {driver} {driver_info} {backend} / {}", build())
}

/// This build: its version, and the length and time of its file.
fn build() -> String {
    let file = std::env::current_exe().and_then(fs::metadata);
    let seconds = |file: &fs::Metadata| file.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok();
    let file = file.ok().map(|file| (file.len(), seconds(&file).unwrap_or_default().as_secs()));
    format!("{} {file:?}", env!("CARGO_PKG_VERSION"))
}

/// Where they are kept; `None` where the system names no home folder.
pub fn path() -> Option<PathBuf> {
    Some(cache_folder()?.join(FILE))
}

impl Verdicts {
    /// None where there is no such file, or one that cannot be read.
    pub fn load(path: &Path) -> Self {
        let Ok(bytes) = read_regular(path, read::TEXT) else { return Self::default() };
        let text = decode_text(&bytes).ok();
        let read: Option<Self> = text.and_then(|text| ron::from_str(&text).ok());
        read.filter(|verdicts| verdicts.passed.len() <= MOST).unwrap_or_default()
    }

    pub fn has(&self, key: &str) -> bool {
        self.passed.contains(key)
    }
}

/// Keeps or takes back that a card has passed. Read anew before it is written, as another window may have written since.
///
/// # Errors
/// Those of writing the file.
pub fn note(path: &Path, key: &str, has_passed: bool) -> io::Result<()> {
    let mut verdicts = Verdicts::load(path);
    let is_new = if has_passed { verdicts.passed.insert(key.to_owned()) } else { verdicts.passed.remove(key) };
    if !is_new {
        return Ok(());
    }
    while verdicts.passed.len() > MOST {
        verdicts.passed.pop_first();
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write_atomically(path, ron::to_string(&verdicts).map_err(io::Error::other)?.as_bytes())
}

/// Takes back every verdict: a card has failed after it had passed.
pub fn forget_all(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => log::warn!("{}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_passed_is_known_until_it_fails() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("not there yet").join(FILE);
        assert!(!Verdicts::load(&path).has("a"));
        note(&path, "a", true)?;
        note(&path, "b", true)?;
        note(&path, "a", false)?;
        let kept = Verdicts::load(&path);
        assert!(kept.has("b") && !kept.has("a"));
        forget_all(&path);
        forget_all(&path);
        assert_eq!(Verdicts::load(&path), Verdicts::default());
        Ok(())
    }

    #[test]
    fn a_damaged_file_says_nothing_and_is_replaced() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(FILE);
        for damaged in [&b"(passed: [\"a\", "[..], b"\xff\xfe\x00", b"", &[0x28; 3000]] {
            fs::write(&path, damaged)?;
            assert_eq!(Verdicts::load(&path), Verdicts::default());
        }
        note(&path, "a", true)?;
        assert!(Verdicts::load(&path).has("a"));
        Ok(())
    }

    #[test]
    fn it_does_not_grow_without_end() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(FILE);
        for i in 0..MOST + 3 {
            note(&path, &format!("{i:03}"), true)?;
        }
        assert_eq!(Verdicts::load(&path).passed.len(), MOST);
        Ok(())
    }
}
