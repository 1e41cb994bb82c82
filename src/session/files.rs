//! Writing a file for the window and the command line, with the session's error sentence.
//!
//! It stands apart from [`crate::files`], which does not depend on sessions and their errors.

use std::path::Path;

use super::SessionError;
use crate::files::write_atomically;

/// Replaces the file at `path` by `bytes`, whole or not at all; see [`write_atomically`].
///
/// # Errors
/// [`SessionError::Write`]; the file that existed is then as it was, and nothing is left beside it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), SessionError> {
    write_atomically(path, bytes).map_err(|source| SessionError::Write { path: path.to_owned(), source })
}
