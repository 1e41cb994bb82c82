//! The vocabulary of OpenAI's CLIP, which every Stable Diffusion model shares and no checkpoint carries.
//!
//! Separate from the bundled models: it belongs to none of them. `assets/README.md` says where it comes from.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

/// The pairs that are merged, in the order of their ranks, compressed.
const MERGES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/clip/merges.txt.gz"));

/// Number of tokens.
pub(super) const SIZE: usize = 49_408;

pub(super) const START: &str = "<|startoftext|>";
pub(super) const END: &str = "<|endoftext|>";

/// `merges.txt`: a pair a line.
pub(super) fn merges() -> String {
    let mut text = String::new();
    // The asset is inside the program and tested, so that it is whole.
    let read = GzDecoder::new(MERGES).read_to_string(&mut text);
    debug_assert!(read.is_ok(), "{read:?}");
    text
}

/// `vocab.json`: the bytes, the bytes at a word's end, the merged pairs, start and end (Radford et al., 2021).
pub(super) fn vocabulary() -> Value {
    let bytes: Vec<String> = byte_letters().map(String::from).collect();
    let ends = bytes.iter().map(|letter| format!("{letter}</w>"));
    let merges = merges();
    let pairs = merges.lines().map(|pair| pair.replace(' ', ""));
    let special = [START, END].map(str::to_owned);
    let tokens = bytes.iter().cloned().chain(ends).chain(pairs).chain(special);
    let numbered: Map<String, Value> = tokens.enumerate().map(|(id, token)| (token, Value::from(id))).collect();
    Value::Object(numbered)
}

/// The letter for each byte, in the order of ids: bytes that print stand for themselves, and come first; the others are
/// moved beyond 255.
fn byte_letters() -> impl Iterator<Item = char> {
    let prints = |byte: &u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let shown = (0..256).filter(prints);
    let moved = (0..256).filter(move |byte| !prints(byte)).zip(256..).map(|(_, letter)| letter);
    shown.chain(moved).filter_map(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_is_complete() {
        let vocabulary = vocabulary();
        let id = |token: &str| vocabulary[token].as_u64();
        assert_eq!(vocabulary.as_object().map(Map::len), Some(SIZE));
        // The ids that every Stable Diffusion prompt has.
        for (token, want) in
            [("!", 0), ("a</w>", 320), ("cat</w>", 2368), ("photo</w>", 1125), (START, 49_406), (END, 49_407)]
        {
            assert_eq!(id(token), Some(want), "{token}");
        }
    }
}
