//! What a picture remembers of its making, so that a later run can be held against it step by step.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::field::Latents;

/// Values of the latents that are kept of each step.
const PROBES: usize = 8;

/// Bytes of the hash that are kept of each step.
const HASH_BYTES: usize = 8;

/// The course of a run in a few hundred bytes. Other words than these change no picture: two fingerprints of the same
/// run on the same machine are equal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fingerprint {
    /// The program version.
    pub app: String,
    /// Name of the device that computed.
    pub device: String,
    /// The CPU's kind, and the extensions that arithmetic may use.
    pub cpu: String,
    /// The precision of products, where it is not f32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// SHA-256 of the general model's weights in hex.
    pub model_hash: String,
    /// SHA-256 of the expert's weights in hex.
    pub expert_hash: Option<String>,
    /// The noise that the run started from.
    pub start: Mark,
    /// The latents after each step.
    pub steps: Vec<Mark>,
}

/// What is kept of latents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// The first bytes of the SHA-256 of all values, little-endian f32, in hex.
    pub hash: String,
    /// Values at even distances.
    pub probes: Vec<f32>,
}

impl Mark {
    /// The mark of latents.
    pub fn of(latents: &Latents) -> Self {
        let mut hasher = Sha256::new();
        for value in &latents.values {
            hasher.update(value.to_le_bytes());
        }
        let hash = hasher.finalize().iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let count = latents.values.len();
        let places = (0..PROBES).map(|i| (2 * i + 1) * count / (2 * PROBES));
        Self { hash, probes: places.filter_map(|at| latents.values.get(at).copied()).collect() }
    }

    /// How far `other` is from this one: the norm of the probes' difference over the norm of these probes.
    pub fn distance(&self, other: &Self) -> f64 {
        let square = |v: f64| v * v;
        let pairs = self.probes.iter().zip(&other.probes);
        let off: f64 = pairs.map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
        let norm: f64 = self.probes.iter().map(|a| square(f64::from(*a))).sum();
        if off == 0.0 { 0.0 } else { (off / norm).sqrt() }
    }
}

/// Where two runs part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parting {
    /// Index of the first step that differs; `None` if the noise they started from does.
    pub step: Option<usize>,
    /// [`Mark::distance`] there.
    pub distance: f64,
}

impl Fingerprint {
    /// The first place where `again` differs; `None` if the runs are the same to the last bit.
    pub fn parting(&self, again: &Self) -> Option<Parting> {
        if self.start != again.start {
            return Some(Parting { step: None, distance: self.start.distance(&again.start) });
        }
        let count = self.steps.len().max(again.steps.len());
        (0..count).find_map(|i| match (self.steps.get(i), again.steps.get(i)) {
            (Some(a), Some(b)) if a == b => None,
            (Some(a), Some(b)) => Some(Parting { step: Some(i), distance: a.distance(b) }),
            _ => Some(Parting { step: Some(i), distance: f64::INFINITY }),
        })
    }
}
