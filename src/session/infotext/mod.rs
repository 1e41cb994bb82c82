//! The `parameters` text of A1111 and the many tools that write it too: its form, both ways. What its settings mean is
//! not said here.
//!
//! ```text
//! prompt, over any number of lines
//! Negative prompt: likewise, and left out where it is empty
//! Steps: 20, Sampler: Euler a, Lora hashes: "a: 0a1b, b: 2c3d", Version: v1.10.1
//! ```

mod line;

use std::fmt;

use serde_json::Value;

/// The text in its three parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Infotext {
    pub prompt: String,
    pub negative: String,
    /// The settings line.
    pub settings: Vec<Piece>,
}

/// A part of the settings line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A key and its value, out of its quotes.
    Pair(String, String),
    /// What stands between pairs and is none.
    Stray(String),
}

const NEGATIVE: &str = "Negative prompt:";

/// A line of fewer pairs is none of settings.
const LEAST_PAIRS: usize = 3;

impl Infotext {
    /// Takes a text apart; `None` if it is blank. The last line is the settings line if it holds three pairs or more;
    /// else it belongs to the text, unless a line above it is a settings line beyond doubt.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
        let (last, above) = lines.split_last().filter(|_| !text.trim().is_empty())?;
        let pieces = line::pieces(last);
        let (words, settings) = if pairs(&pieces).count() >= LEAST_PAIRS {
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

    /// The value of a key; of one that is given several times, the last.
    pub fn get(&self, key: &str) -> Option<&str> {
        pairs(&self.settings).filter(|(k, _)| *k == key).last().map(|(_, value)| value)
    }
}

/// As other tools write it: parts that are empty are left out, and so are pairs without a value, which readers drop.
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

/// Whether a line that is not the last can only be one of settings: that is how A1111 and its kin begin it.
fn is_settings(line: &str) -> bool {
    let pieces = if line.starts_with("Steps: ") { line::pieces(line) } else { Vec::new() };
    let begins = pairs(&pieces).next().is_some_and(|(_, steps)| steps.parse::<usize>().is_ok());
    let names = |key| pairs(&pieces).any(|(k, _)| k == key);
    begins && pairs(&pieces).count() >= LEAST_PAIRS && (names("Sampler") || names("Seed"))
}

fn pairs(pieces: &[Piece]) -> impl Iterator<Item = (&str, &str)> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Pair(key, value) => Some((key.as_str(), value.as_str())),
        Piece::Stray(_) => None,
    })
}

/// A value that holds a comma, a colon or a line break is written as a JSON string, all others as they are.
fn quoted(value: &str) -> String {
    if value.contains([',', ':', '\n']) { Value::from(value).to_string() } else { value.to_owned() }
}

/// A value in quotes is a JSON string; one that is none is kept as it is.
fn unquoted(value: &str) -> String {
    let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    if is_quoted && let Ok(Value::String(text)) = serde_json::from_str(value) {
        return text;
    }
    value.to_owned()
}
