//! A picture is rendered again by another process of this program, and compared.
//!
//! Apart from other tasks: the process begins with nothing cached, so that what it says does not rest on this window.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Has `sextant verify` look at a picture; returns what it says, as a sentence.
///
/// # Errors
/// A sentence: the program cannot be started, or it could not look.
pub fn verify(program: &Path, picture: &Path) -> Result<String, String> {
    let started = Command::new(program).arg("verify").arg(picture).stdin(Stdio::null()).output();
    let done = started.map_err(|error| format!("{} cannot be started: {error}.", program.display()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match text(&done.stdout) {
        said if said.is_empty() => Err(format!("The picture could not be verified: {}", text(&done.stderr))),
        said => Ok(sentence(&said)),
    }
}

/// What the program prints, as the window says it.
fn sentence(said: &str) -> String {
    match said.split_once(": ") {
        Some(("identical", what)) => format!("Verified: rendered again, it is the same ({what})."),
        Some(("different", what)) => format!("Rendered again, it is different: {what}."),
        _ => format!("Verified: {said}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_becomes_a_sentence() {
        assert_eq!(
            sentence("identical: all 110592 values; every step agrees"),
            "Verified: rendered again, it is the same (all 110592 values; every step agrees)."
        );
        let other = sentence("different: 3 of 9 values, by 1 of 255 at most and 0.1 in the mean; step 4 parts");
        assert!(other.starts_with("Rendered again, it is different: 3 of 9"), "{other}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failed = verify(Path::new("/nowhere/sextant"), Path::new("a.png"));
        assert!(failed.is_err_and(|why| why.contains("/nowhere/sextant cannot be started")));
    }
}
