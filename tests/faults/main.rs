//! What goes wrong from outside: processes that are killed at any moment, disks that are full, folders that are gone. The old
//! file or the new one is there, whole; and what failed is said.
//!
//! `SEXTANT_KILLS=1000 cargo test --release --test faults` is the long run; by itself each test kills a few dozen times.

mod disks;
mod kills;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(work) = std::env::var_os(kills::WORK) {
        kills::write_until_killed(&work.to_string_lossy());
    }
    let trials = vec![
        Trial::test("sessions_are_whole_whenever_their_writer_is_killed", kills::sessions),
        Trial::test("recovery_files_are_whole_whenever_their_window_is_killed", kills::recovery),
        Trial::test("pictures_are_whole_whenever_a_render_is_killed", kills::renders),
        Trial::test("a_render_that_is_told_to_end_leaves_nothing_half", kills::signals).with_ignored_flag(!cfg!(unix)),
        Trial::test("a_folder_that_is_gone_is_said", disks::removed_folder),
        disks::full_disk(),
        disks::read_only_folder(),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A check that failed, as a sentence.
type Checked = Result<(), libtest_mimic::Failed>;

fn require(ok: bool, what: impl Into<String>) -> Checked {
    if ok { Ok(()) } else { Err(what.into().into()) }
}
