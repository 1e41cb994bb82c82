//! What a picture remembers of its making, so that a later run can be held against it step by step.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::tensor::Latents;

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
    /// What the device makes of a few fixed operations, in short: [`canary`]. Not known of older pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<String>,
    /// SHA-256 of the general model's weights in hex.
    pub model_hash: String,
    /// SHA-256 of the expert's weights in hex.
    pub expert_hash: Option<String>,
    /// The noise that the run started from.
    pub start: LatentDigest,
    /// The latents after each step.
    pub steps: Vec<LatentDigest>,
}

/// What is kept of latents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatentDigest {
    /// The first bytes of the SHA-256 of all values, little-endian f32, in hex.
    pub hash: String,
    /// Values at even distances.
    pub probes: Vec<f32>,
}

/// The first bytes of the SHA-256 of values, little-endian f32, in hex.
fn short_hash(values: &[f32]) -> String {
    let mut hasher = Sha256::new();
    for value in values {
        hasher.update(value.to_le_bytes());
    }
    hasher.finalize().iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// The short name of what a device makes of fixed operations (`device`), together with what this machine's own
/// mathematical functions make of some numbers: samplers and guidance are computed with those.
pub fn canary(device: &[f32]) -> String {
    let functions: [fn(f32) -> f32; 8] =
        [f32::exp, f32::exp_m1, f32::ln, f32::ln_1p, f32::sin, f32::cos, f32::sqrt, |x| x.powf(1.7)];
    let numbers = (1..64).map(|i| i as f32 * 0.137);
    let host = numbers.flat_map(|x| functions.map(|f| f(std::hint::black_box(x))));
    short_hash(&device.iter().copied().chain(host).collect::<Vec<_>>())
}

impl LatentDigest {
    /// The mark of latents.
    pub fn of(latents: &Latents) -> Self {
        let hash = short_hash(&latents.values);
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

/// How close a run made again can be expected to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// To the last bit: the same weights and precision, and fixed operations give the same bits.
    Identity,
    /// As far as other rounding leads: fixed operations give other bits, or weights or precision are others.
    Closeness,
    /// One of the two does not say.
    Unknown,
}

/// Where two runs part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parting {
    /// Index of the first step that differs; `None` if the noise they started from does.
    pub step: Option<usize>,
    /// [`LatentDigest::distance`] there.
    pub distance: f64,
}

impl Fingerprint {
    /// What a run like `again`, on its machine, can be expected to be to this one.
    pub fn expected(&self, again: &Self) -> Expected {
        let made_of = |run: &Self| (run.model_hash.clone(), run.expert_hash.clone(), run.precision.clone());
        if made_of(self) != made_of(again) {
            return Expected::Closeness;
        }
        match (&self.canary, &again.canary) {
            (Some(a), Some(b)) if a == b => Expected::Identity,
            (Some(_), Some(_)) => Expected::Closeness,
            _ => Expected::Unknown,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_the_same_every_time_and_hears_one_bit() {
        let song: Vec<f32> = (0..100).map(|i| i as f32 * 0.01).collect();
        let mut other = song.clone();
        other[57] = f32::from_bits(other[57].to_bits() ^ 1);
        assert_eq!(canary(&song), canary(&song));
        assert_ne!(canary(&song), canary(&other));
        assert_eq!(canary(&song).len(), 2 * HASH_BYTES);
    }

    #[test]
    fn identity_is_expected_of_the_same_bits_and_weights_alone() {
        let with = |canary: Option<&str>, model: &str| Fingerprint {
            canary: canary.map(str::to_owned),
            model_hash: model.to_owned(),
            ..Fingerprint::default()
        };
        let here = with(Some("aa"), "pocket");
        assert_eq!(with(Some("aa"), "pocket").expected(&here), Expected::Identity);
        assert_eq!(with(Some("bb"), "pocket").expected(&here), Expected::Closeness);
        assert_eq!(with(Some("aa"), "other").expected(&here), Expected::Closeness);
        assert_eq!(with(None, "pocket").expected(&here), Expected::Unknown, "an old picture does not say");
    }

    #[test]
    fn a_fingerprint_without_a_canary_is_read() {
        let old = r#"(app: "0.1.0", device: "CPU", cpu: "x", model_hash: "ab", expert_hash: None, start: (hash: "01", probes: []), steps: [])"#;
        let read: Fingerprint = ron::from_str(old).expect("an old fingerprint");
        assert_eq!((read.canary.clone(), read.device.as_str()), (None, "CPU"));
        assert!(!ron::to_string(&read).expect("text").contains("canary"));
    }
}
