//! The steps of takes inside a session, compressed.
//!
//! Apart from the document because they are bytes, not readable text. They stand at the end of the session's text:
//! compressed with zlib and encoded in base64, one line a take. A second file beside the session would keep the text
//! shorter, but two files cannot be written atomically together, and one of them is easily left behind when a session is
//! sent to someone. zlib's checksum detects a changed bit and every take is compressed by itself, so damage to steps
//! costs the steps of one take, never a recipe, a picture or another take.

use std::{io::Read as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde::{Deserialize, Serialize};

use super::{error::one_line, take::TakeId};

/// How many bytes a packed byte may become. Steps of real runs become about nine.
const EXPANSION: u64 = 24;
/// So much may always be unpacked, so that short steps of flat pictures are read too.
const LEAST_BYTES: u64 = 1 << 24;
/// The largest uncompressed size of all steps of a file, in bytes.
const MAX_BYTES: u64 = 1 << 32;

/// How many bytes the steps of one file may still unpack to, all takes together: a few bytes can expand to gigabytes.
#[derive(Debug)]
pub struct UnpackBudget {
    left: u64,
}

impl UnpackBudget {
    /// For all of a file's steps.
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a Packed>) -> Self {
        let packed: u64 = steps.into_iter().map(|packed| packed.len() as u64).sum();
        Self { left: (EXPANSION * packed).clamp(LEAST_BYTES, MAX_BYTES) }
    }
}

/// The steps of one take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptSteps {
    pub take: TakeId,
    pub steps: Packed,
}

/// Bytes compressed into text. Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Packed(Arc<str>);

impl Packed {
    /// Compresses `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use std::io::Write as _;
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail.
        let packed = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default();
        Self(BASE64.encode(packed).into())
    }

    /// Its size in a session, in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The uncompressed bytes, which are taken off the budget.
    ///
    /// # Errors
    /// A few words that say what is damaged, or that it is more than the budget has left.
    pub fn unpack(&self, budget: &mut UnpackBudget) -> Result<Vec<u8>, String> {
        let packed = BASE64.decode(self.0.as_bytes()).map_err(one_line)?;
        let (most, mut bytes) = (budget.left, Vec::new());
        let read = ZlibDecoder::new(packed.as_slice()).take(most + 1).read_to_end(&mut bytes).map_err(one_line)?;
        budget.left = most.saturating_sub(read as u64);
        if read as u64 > most { Err("they unpack to far more than the file has".into()) } else { Ok(bytes) }
    }
}

impl From<String> for Packed {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Packed> for String {
    fn from(packed: Packed) -> Self {
        packed.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_damage_is_found() {
        let bytes: Vec<u8> = (0..5000_u32).map(|i| (i / 9 % 40) as u8).collect();
        let packed = Packed::of(&bytes);
        let unpack = |packed: &Packed| packed.unpack(&mut UnpackBudget::of([packed]));
        assert_eq!(unpack(&packed).expect("whole"), bytes);
        assert!(packed.len() < bytes.len());
        let text = String::from(packed);
        for at in (8..text.len()).step_by(211) {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = Packed::from(String::from_utf8(damaged).expect("ASCII"));
            assert_ne!(unpack(&damaged).ok(), Some(bytes.clone()), "changed at {at}");
        }
        assert!(unpack(&Packed::from(text[..text.len() / 2].to_owned())).is_err());
        assert!(unpack(&Packed::from("%%%".to_owned())).is_err());
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = Packed::of(&vec![0; LEAST_BYTES as usize / 2 + 1]);
        let mut budget = UnpackBudget::of([&bomb, &bomb]);
        assert!(bomb.unpack(&mut budget).is_ok(), "one is small");
        assert!(bomb.unpack(&mut budget).expect_err("both are too much").contains("far more"));
        assert!(bomb.unpack(&mut budget).is_err(), "nothing is left");
    }
}
