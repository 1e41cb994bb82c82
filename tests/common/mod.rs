//! What several test targets share: recorded runs of the reference implementations, and small helpers.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

mod case;
mod seeded;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

pub use case::{Case, relative_l2};

/// The folders of recorded cases to run: those named in `SEXTANT_FIXTURES`, else `../shared/fixtures*` beside the checkout and
/// the cases that travel with the repository.
pub fn folders() -> Vec<PathBuf> {
    if let Some(named) = env::var_os("SEXTANT_FIXTURES") {
        let is_stored = |path: &Path| fs::canonicalize(path).ok() == fs::canonicalize(stored()).ok();
        return env::split_paths(&named).map(|path| if is_stored(&path) { travelling() } else { path }).collect();
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut found: Vec<PathBuf> =
        fs::read_dir(beside).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default();
    found.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("fixtures") && path.join("cases.json").is_file()
    });
    found.sort();
    found.push(travelling());
    found
}

/// The cases that travel with the repository, with whole weights.
pub fn travelling() -> PathBuf {
    seeded::expanded(&stored())
}

/// The cases that travel with the repository, as they are stored.
pub fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A tiny model of random weights.
pub fn model(name: &str) -> PathBuf {
    travelling().join("models").join(name)
}

/// A folder with all below it, so that a test can change what it holds.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // Not `fs::copy`: it would make a copy of a read-only file read-only too.
            fs::write(&target, fs::read(entry.path()).expect("a file")).expect("a write");
        }
    }
}
