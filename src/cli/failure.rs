//! Errors of the command line, with their exit statuses.
//!
//! Separate from the subcommands, because all of them return it.

use std::{io::Write as _, process::ExitCode};

use crate::files::one_printable_line;

/// An error and the exit status that it asks for.
#[derive(Debug)]
pub struct Failure {
    pub status: Status,
    pub error: anyhow::Error,
}

/// Exit statuses other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The request was accepted, and failed.
    Failed = 1,
    /// The request cannot be met.
    Refused = 2,
}

impl Failure {
    /// Status 2: the request cannot be met.
    pub fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self { status: Status::Refused, error: error.into() }
    }

    /// Status 1: the request was accepted, and failed.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { status: Status::Failed, error: error.into() }
    }

    /// Writes the error to standard error, and gives the exit status of the process.
    pub fn report(&self) -> ExitCode {
        say(&format!("sextant: {}", self.error));
        ExitCode::from(self.status as u8)
    }
}

/// Writes a line to standard error. That nobody reads it any more is no error.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", one_printable_line(line));
}
