//! Reports of crashes, kept beside the recovery files until the user has been told.
//!
//! Apart from recovery because a report is about the program and holds nothing of the user's work.

use std::{
    backtrace::Backtrace,
    cell::Cell,
    fs,
    panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::files::{create_private_folder, write_private};

const PREFIX: &str = "crash-";
const SUFFIX: &str = ".txt";
/// Added to the name of a report that the user was told of.
const TOLD: &str = ".told";
/// So many reports are kept.
const MOST: usize = 5;

/// Has every panic of the window's thread leave a report in `folder`. Panics of other threads are caught where they happen.
pub fn keep_reports(folder: PathBuf) {
    let (before, own) = (panic::take_hook(), thread::current().id());
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == own && !GUARDED.get() {
            write_report(&folder, &text(info));
        }
        if !GUARDED.get() {
            before(info);
        }
    }));
}

thread_local! {
    /// Whether a panic of this thread is caught where it happens.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs code of others that may panic on damaged input: no report is written, and nothing ends.
///
/// # Errors
/// The message of the panic.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
    })
}

/// What is known of a panic. Its message is left out where it may quote what the user has typed.
fn text(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    format!(
        "Sextant {} ended unexpectedly.\nSystem: {} {}\nPlace: {place}\nMessage: {}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        without_quotes(info.payload_as_str().unwrap_or("none")),
        Backtrace::force_capture(),
    )
}

/// A message without what stands in quotes.
fn without_quotes(message: &str) -> String {
    let first = message.find(['"', '\'', '`', '“', '«']);
    match first {
        Some(at) => format!("{} (what it quotes is left out)", message[..at].trim_end()),
        None => message.to_owned(),
    }
}

fn write_report(folder: &Path, text: &str) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let path = folder.join(format!("{PREFIX}{seconds}{SUFFIX}"));
    let written = create_private_folder(folder).and_then(|()| write_private(&path, text.as_bytes()));
    if let Err(error) = written {
        log::warn!("a report of the crash could not be written: {error}");
    }
}

/// The reports in `folder`, the oldest first.
pub fn reports(folder: &Path) -> Vec<PathBuf> {
    let is_report = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(PREFIX) && (name.ends_with(SUFFIX) || name.ends_with(TOLD))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_report).collect();
    found.sort();
    found
}

/// The newest report that the user was not told of, under the name that it has from now on. Old reports are removed.
pub fn take_report(folder: &Path) -> Option<PathBuf> {
    let all = reports(folder);
    let (old, kept) = all.split_at(all.len().saturating_sub(MOST));
    for report in old {
        // It stays, where it cannot be removed.
        let _ = fs::remove_file(report);
    }
    let untold = |path: &&PathBuf| path.to_string_lossy().ends_with(SUFFIX);
    let newest = kept.iter().rev().find(untold)?;
    let mut told = newest.as_os_str().to_owned();
    told.push(TOLD);
    for report in kept.iter().filter(untold) {
        let mut name = report.as_os_str().to_owned();
        name.push(TOLD);
        if let Err(error) = fs::rename(report, &name) {
            log::warn!("{}: {error}", report.display());
        }
    }
    Some(told.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_offered_once_and_a_few_are_kept() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        assert_eq!(take_report(folder.path()), None);
        for second in 100..110 {
            fs::write(folder.path().join(format!("crash-{second}.txt")), "x")?;
        }
        let told = take_report(folder.path()).expect("a report");
        assert!(told.ends_with("crash-109.txt.told") && told.is_file());
        assert_eq!(take_report(folder.path()), None);
        assert_eq!(reports(folder.path()).len(), MOST);
        Ok(())
    }

    #[test]
    fn a_panic_leaves_a_report_without_what_was_typed() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().to_owned();
        // The hook belongs to the thread that installs it; other tests' panics are not written.
        let ended = thread::spawn(move || {
            keep_reports(place);
            let prompt = "a secret wish é";
            let _ = std::hint::black_box(&prompt[..prompt.len() - 1]);
        });
        assert!(ended.join().is_err());
        let report = take_report(folder.path()).expect("a report");
        let text = fs::read_to_string(report)?;
        assert!(text.contains(env!("CARGO_PKG_VERSION")) && text.contains("crash.rs"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        Ok(())
    }
}
