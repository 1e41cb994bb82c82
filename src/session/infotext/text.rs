//! The `parameters` text in its three parts: prompt, negative prompt, settings.
//!
//! Apart from the settings line, which has a grammar of its own.

use std::fmt;

use super::{
    line,
    piece::{Piece, quoted},
};

/// The text in its three parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Infotext {
    pub prompt: String,
    pub negative: String,
    /// The settings line.
    pub settings: Vec<Piece>,
}

const NEGATIVE: &str = "Negative prompt:";

/// The fewest pairs of a settings line.
const MIN_PAIRS: usize = 3;

impl Infotext {
    /// Splits a text into its parts; `None` if it is blank. The last line is the settings line if it has three pairs or
    /// more. Otherwise it belongs to the text, unless a line above it is certainly a settings line.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
        let (last, above) = lines.split_last().filter(|_| !text.trim().is_empty())?;
        let pieces = line::pieces(last);
        let (words, settings) = if pairs(&pieces).count() >= MIN_PAIRS {
            (above, pieces)
        } else if let Some(at) = above.iter().rposition(|line| is_settings(line)) {
            (&above[..at], lines[at..].iter().flat_map(|line| line::pieces(line)).collect())
        } else {
            (&lines[..], Vec::new())
        };
        let (mut prompt, mut negative) = (Vec::new(), Vec::new());
        let mut is_negative = false;
        for line in words {
            let after = line.strip_prefix(NEGATIVE);
            is_negative |= after.is_some();
            let part = if is_negative { &mut negative } else { &mut prompt };
            part.push(after.map_or(*line, str::trim));
        }
        let joined = |lines: Vec<&str>| lines.join("\n").trim().to_owned();
        Some(Self { prompt: joined(prompt), negative: joined(negative), settings })
    }

    /// The value of a key; the last one of a repeated key.
    pub fn get(&self, key: &str) -> Option<&str> {
        pairs(&self.settings).filter(|(k, _)| *k == key).last().map(|(_, value)| value)
    }
}

/// The form of other tools: empty parts are left out, and so are pairs without a value, which readers drop.
impl fmt::Display for Infotext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings: Vec<String> = self
            .settings
            .iter()
            .filter_map(|piece| match piece {
                Piece::Pair(_, value) if value.is_empty() => None,
                Piece::Pair(key, value) => Some(format!("{key}: {}", quoted(value))),
                Piece::Stray(text) => Some(text.clone()),
            })
            .collect();
        let negative = format!("{NEGATIVE} {}", self.negative);
        let negative = if self.negative.is_empty() { String::new() } else { negative };
        let parts = [self.prompt.clone(), negative, settings.join(", ")];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join("\n"))
    }
}

/// Whether a line that is not the last is certainly a settings line: it begins as A1111 and related tools write it.
fn is_settings(line: &str) -> bool {
    let pieces = if line.starts_with("Steps: ") { line::pieces(line) } else { Vec::new() };
    let begins = pairs(&pieces).next().is_some_and(|(_, steps)| steps.parse::<usize>().is_ok());
    let names = |key| pairs(&pieces).any(|(k, _)| k == key);
    begins && pairs(&pieces).count() >= MIN_PAIRS && (names("Sampler") || names("Seed"))
}

fn pairs(pieces: &[Piece]) -> impl Iterator<Item = (&str, &str)> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Pair(key, value) => Some((key.as_str(), value.as_str())),
        Piece::Stray(_) => None,
    })
}
