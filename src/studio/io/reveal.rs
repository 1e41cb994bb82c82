//! Shows a file where it lies, in the system's own file manager.
//!
//! Apart from the dialogs because another program draws it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A program that has not failed after this time shows something.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the system could show the file.
pub fn reveal(path: &Path) -> bool {
    let mut command = manager(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok_and(succeeds)
}

#[cfg(target_os = "macos")]
fn manager(path: &Path) -> Command {
    let mut command = Command::new("open");
    command.arg("-R").arg(path);
    command
}

#[cfg(windows)]
fn manager(path: &Path) -> Command {
    let mut command = Command::new("explorer");
    command.arg("/select,").arg(path);
    command
}

#[cfg(not(any(target_os = "macos", windows)))]
fn manager(path: &Path) -> Command {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let mut command = Command::new("xdg-open");
    command.arg(folder);
    command
}

/// Waits until the program has ended, or has run for a while.
fn succeeds(mut child: Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match child.try_wait() {
            // The Explorer's status says nothing.
            Ok(Some(status)) => return status.success() || cfg!(windows),
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Err(_) => return false,
        }
    }
    // Someone has to wait for its end.
    thread::spawn(move || child.wait());
    true
}
