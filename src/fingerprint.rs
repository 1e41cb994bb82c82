//! What a picture records of its making, so that a later run can be compared with it step by step.
//!
//! It stands apart from the engine because sessions and pictures carry it, and neither must name the engine.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::tensor::Latents;

/// Values of the latents that are kept of each step.
const PROBES: usize = 8;

/// Bytes of the hash that are kept of each step.
const HASH_BYTES: usize = 8;

/// The course of a run in a few hundred bytes. Two fingerprints of the same run on the same machine are equal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fingerprint {
    /// The program version.
    pub app: String,
    /// Name of the device that computed.
    pub device: String,
    /// The CPU's kind, and the instruction sets that arithmetic may use.
    pub cpu: String,
    /// The precision of matrix products, where it is not f32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Digest of what the device computes for a few fixed operations; see [`probe_digest`]. Pictures of the first
    /// versions have none. Files call it `canary`.
    #[serde(rename = "canary", alias = "probe_digest", skip_serializing_if = "Option::is_none")]
    pub probe_digest: Option<String>,
    /// SHA-256 of the general model's weights in hex.
    pub model_hash: String,
    /// SHA-256 of the expert's weights in hex.
    pub expert_hash: Option<String>,
    /// The noise that the run started from.
    pub start: LatentDigest,
    /// The latents after each step.
    pub steps: Vec<LatentDigest>,
}

/// A short record of latents: enough to tell whether others are equal, and about how far away they are.
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

/// Digest of a device's results of fixed operations (`probe_output`) and of this machine's own mathematical functions,
/// which samplers and guidance use. Machines with equal digests can be expected to compute equal pictures.
pub fn probe_digest(probe_output: &[f32]) -> String {
    let functions: [fn(f32) -> f32; 8] =
        [f32::exp, f32::exp_m1, f32::ln, f32::ln_1p, f32::sin, f32::cos, f32::sqrt, |x| x.powf(1.7)];
    let numbers = (1..64).map(|i| i as f32 * 0.137);
    let host = numbers.flat_map(|x| functions.map(|f| f(std::hint::black_box(x))));
    short_hash(&probe_output.iter().copied().chain(host).collect::<Vec<_>>())
}

impl LatentDigest {
    /// The digest of latents.
    pub fn of(latents: &Latents) -> Self {
        let hash = short_hash(&latents.values);
        let count = latents.values.len();
        let places = (0..PROBES).map(|i| (2 * i + 1) * count / (2 * PROBES));
        Self { hash, probes: places.filter_map(|at| latents.values.get(at).copied()).collect() }
    }

    /// How far `other` is from this one: the norm of the probes' difference over the norm of these probes. An estimate,
    /// from `PROBES` values; 0 where they agree.
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
    /// Equal bits: the same weights and precision, and equal results of fixed operations.
    Identity,
    /// As far away as other rounding leads: weights, precision or the results of fixed operations differ.
    Closeness,
    /// One of the two has no record of fixed operations.
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
    /// How close `again`, a run on any machine, can be expected to come to this one.
    pub fn expected(&self, again: &Self) -> Expected {
        let made_of = |run: &Self| (run.model_hash.clone(), run.expert_hash.clone(), run.precision.clone());
        if made_of(self) != made_of(again) {
            return Expected::Closeness;
        }
        match (&self.probe_digest, &again.probe_digest) {
            (Some(a), Some(b)) if a == b => Expected::Identity,
            (Some(_), Some(_)) => Expected::Closeness,
            _ => Expected::Unknown,
        }
    }

    /// The first place where `again` differs; `None` if the runs are equal in every bit.
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
    fn a_probe_digest_is_the_same_every_time_and_changes_with_one_bit() {
        let output: Vec<f32> = (0..100).map(|i| i as f32 * 0.01).collect();
        let mut other = output.clone();
        other[57] = f32::from_bits(other[57].to_bits() ^ 1);
        assert_eq!(probe_digest(&output), probe_digest(&output));
        assert_ne!(probe_digest(&output), probe_digest(&other));
        assert_eq!(probe_digest(&output).len(), 2 * HASH_BYTES);
    }

    #[test]
    fn identity_is_expected_of_the_same_bits_and_weights_alone() {
        let with = |digest: Option<&str>, model: &str| Fingerprint {
            probe_digest: digest.map(str::to_owned),
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
    fn fingerprints_of_earlier_versions_are_read() {
        let old = r#"(app: "0.1.0", device: "CPU", cpu: "x", model_hash: "ab", expert_hash: None, start: (hash: "01", probes: []), steps: [])"#;
        let read: Fingerprint = ron::from_str(old).expect("an old fingerprint");
        assert_eq!((read.probe_digest.clone(), read.device.as_str()), (None, "CPU"));
        assert!(!ron::to_string(&read).expect("text").contains("canary"));
        let known = Fingerprint { probe_digest: Some("aa".into()), ..read };
        let text = ron::to_string(&known).expect("text");
        assert!(text.contains("canary:Some(\"aa\")"), "earlier versions read what this one writes: {text}");
        assert_eq!(ron::from_str(&text), Ok(known));
    }
}
