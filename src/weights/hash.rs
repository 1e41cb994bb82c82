//! Content hashes as text.
//!
//! Separate, because models and LoRAs both carry one.

use sha2::{Digest as _, Sha256};

/// The finished hash in lower-case hexadecimal, 64 digits.
pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
