//! Disks that are full, and folders that cannot be written.

use std::{fs, path::Path, process::Command};

use libtest_mimic::{Completion, Trial};
use sextant::{
    recipe::Recipe,
    session::{Document, Recovery},
};

use crate::{Checked, require};

fn document(letters: usize) -> Document {
    Document::new(Recipe { prompt: "a".repeat(letters), seed: letters as u64, ..Recipe::default() })
}

fn names(folder: &Path) -> Result<Vec<String>, std::io::Error> {
    let mut names: Vec<_> =
        fs::read_dir(folder)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// So many letters do not fit on the small disk.
const TOO_MANY: usize = 300_000;

/// A session that cannot be written: a sentence, and the old one stays whole.
fn check_session(folder: &Path, fail: impl FnOnce() -> Result<(), std::io::Error>) -> Checked {
    let path = folder.join("a.sextant.ron");
    document(10).save(&path).map_err(|error| error.to_string())?;
    let before = names(folder)?;
    fail()?;
    let said = document(TOO_MANY).save(&path).err().ok_or("it was written all the same")?.to_string();
    require(said.contains("a.sextant.ron") && !said.contains('\n'), format!("it says: {said}"))?;
    let read = Document::load(&path).map_err(|error| error.to_string())?;
    require(read.recipe.seed == 10, "the old session is there")?;
    require(names(folder)? == before, format!("left behind: {:?}", names(folder)?))
}

/// The same for a recovery file.
fn check_recovery(folder: &Path) -> Checked {
    let state = folder.join("state");
    let (window, _) = Recovery::open(&state, None)?;
    window.keep(&document(10)).map_err(|error| error.to_string())?;
    require(window.keep(&document(TOO_MANY)).is_err(), "the recovery file was written all the same")?;
    drop(window);
    let (_, left) = Recovery::open(&state, None)?;
    require(left.is_some_and(|left| left.recipe.seed == 10), "the old recovery file is whole")
}

pub fn removed_folder() -> Checked {
    let outer = tempfile::tempdir()?;
    let folder = outer.path().join("gone");
    fs::create_dir(&folder)?;
    let path = folder.join("a.sextant.ron");
    let (window, _) = Recovery::open(&folder.join("state"), None)?;
    document(10).save(&path).map_err(|error| error.to_string())?;
    fs::remove_dir_all(&folder)?;
    let said = document(11).save(&path).err().ok_or("it was written into nothing")?.to_string();
    require(said.contains("a.sextant.ron") && said.contains("cannot write"), format!("it says: {said}"))?;
    require(window.keep(&document(11)).is_err(), "a recovery file in a folder that is gone")
}

/// A small file system in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The folder cannot be removed otherwise.
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// A test on a small disk; where none can be mounted it is reported as ignored.
fn on_small_disk(name: &'static str, test: fn(&Path) -> Checked) -> Trial {
    Trial::ignorable_test(name, move || {
        let Some(disk) = SmallDisk::mount() else {
            return Ok(Completion::ignored_with("no file system can be mounted here: it takes root and mount"));
        };
        test(disk.0.path()).map(|()| Completion::Completed)
    })
}

pub fn full_disk() -> Trial {
    on_small_disk("a_full_disk_is_said_and_costs_nothing_that_was_there", |folder| {
        check_session(folder, || Ok(()))?;
        check_recovery(folder)
    })
}

pub fn read_only_folder() -> Trial {
    on_small_disk("a_folder_that_is_read_only_is_said_and_costs_nothing_that_was_there", |folder| {
        check_session(folder, || Command::new("mount").args(["-o", "remount,ro"]).arg(folder).status().map(drop))
    })
}
