//! The system's own file dialog, and whether there is one.
//!
//! Apart from the tasks because a system without a dialog answers as if the user had cancelled: on Linux the dialog is that
//! of a desktop portal, which a session may lack, or else zenity, which may not be installed.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use log::Level;

use crate::studio::{
    log as lines,
    view::file_dialog::{Question, Wanted},
};

/// Nobody reads a dialog and cancels it in a shorter time: it was never there.
const TOO_QUICK: Duration = Duration::from_millis(400);

#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Path(PathBuf),
    Cancelled,
    /// There is no dialog here.
    Missing,
}

/// Shows the dialog and waits for its answer.
pub fn ask(question: &Question) -> Answer {
    if !may_exist() {
        return Answer::Missing;
    }
    let (begun, before) = (Instant::now(), failures());
    let answer = show(question);
    judge(answer, begun.elapsed(), failures() != before)
}

/// `failed` is whether the library has logged a failure meanwhile.
fn judge(answer: Option<PathBuf>, waited: Duration, failed: bool) -> Answer {
    match answer {
        Some(path) => Answer::Path(path),
        None if failed || waited < TOO_QUICK => Answer::Missing,
        None => Answer::Cancelled,
    }
}

/// Whether there can be a dialog at all: on Linux a session bus for a portal, or zenity.
fn may_exist() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    let socket = std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| PathBuf::from(folder).join("bus").exists());
    let folders = std::env::var_os("PATH").unwrap_or_default();
    bus || socket || std::env::split_paths(&folders).any(|folder| folder.join("zenity").is_file())
}

/// How many failures the library has logged.
fn failures() -> usize {
    lines::lines().iter().filter(|line| line.level == Level::Error && line.target.starts_with("rfd")).count()
}

fn show(question: &Question) -> Option<PathBuf> {
    let mut dialog = rfd::FileDialog::new().set_title(&question.title).set_directory(&question.folder);
    if !question.endings.is_empty() {
        dialog = dialog.add_filter(question.kind, &question.endings);
    }
    match question.wanted {
        Wanted::File => dialog.add_filter("All files", &["*"]).pick_file(),
        Wanted::Folder => dialog.pick_folder(),
        Wanted::Name => dialog.set_file_name(&question.name).save_file(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_that_was_never_there_is_not_a_cancelled_one() {
        let (quick, slow) = (Duration::from_millis(20), Duration::from_secs(5));
        assert_eq!(judge(Some("a".into()), quick, false), Answer::Path("a".into()));
        assert_eq!(judge(None, quick, false), Answer::Missing);
        assert_eq!(judge(None, slow, true), Answer::Missing, "a portal that gives up late");
        assert_eq!(judge(None, slow, false), Answer::Cancelled);
    }
}
