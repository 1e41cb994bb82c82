//! Keys of the prediction cache: which network was applied to which input.
//!
//! They stand apart from the cache because equality is what makes it exact: two keys are equal only if every input is,
//! bit for bit. The digest only speeds up the search.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use crate::{recipe::TextRules, tensor::Latents};

/// Names an encoded text: the encoder's model, and the text as that encoder was given it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextKey(Arc<str>);

impl TextKey {
    /// `encoder` is the content hash of the encoder's model. Some models encode `negative` texts in another way.
    pub fn new(encoder: &str, text: &str, negative: bool) -> Self {
        Self(format!("{encoder}\u{0}{negative}\u{0}{text}").into())
    }

    /// For a text that is read by `rules`.
    pub fn by(encoder: &str, text: &str, negative: bool, rules: TextRules) -> Self {
        if rules == TextRules::default() {
            return Self::new(encoder, text, negative);
        }
        Self(format!("{encoder}\u{0}{negative}\u{0}{text}\u{0}{rules:?}").into())
    }

    /// Memory of the text itself.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// A network's input without the text: the model, the latents and, for a denoiser, the timestep.
#[derive(Clone, Debug)]
pub struct CacheKey {
    /// Content hash of the network's model.
    model: Arc<str>,
    /// Absent for a decoder.
    timestep: Option<f32>,
    /// Clones of a key share them.
    latents: Arc<Latents>,
    /// Of all of the above; equality compares the values themselves.
    digest: u64,
}

impl CacheKey {
    /// Latents as scaled for the denoiser of `model` (a content hash), at a timestep.
    pub fn new(model: Arc<str>, timestep: f32, model_input: Latents) -> Self {
        Self::of(model, Some(timestep), model_input)
    }

    /// Latents that the decoder of `model` (a content hash) turns into a picture.
    pub(super) fn of_picture(model: Arc<str>, latents: Latents) -> Self {
        Self::of(model, None, latents)
    }

    fn of(model: Arc<str>, timestep: Option<f32>, latents: Latents) -> Self {
        let mut hasher = DefaultHasher::new();
        model.hash(&mut hasher);
        timestep.map(f32::to_bits).hash(&mut hasher);
        (latents.channels, latents.height, latents.width).hash(&mut hasher);
        hash_values(&latents.values, &mut hasher);
        Self { digest: hasher.finish(), model, timestep, latents: latents.into() }
    }

    /// The timestep of a denoiser's key, 0..1000; 0 for a decoder's.
    pub fn timestep(&self) -> f32 {
        self.timestep.unwrap_or_default()
    }

    /// The latents, as the network gets them.
    pub fn model_input(&self) -> &Latents {
        &self.latents
    }

    /// Memory of the latents.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.latents.values.as_slice())
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        let bits = |key: &Self| key.timestep.map(f32::to_bits);
        self.digest == other.digest
            && self.model == other.model
            && bits(self) == bits(other)
            && (Arc::ptr_eq(&self.latents, &other.latents) || same_bits(&self.latents, &other.latents))
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

/// Feeds the bits of `values` to `hasher` block by block: a call for each value costs several times as much.
fn hash_values(values: &[f32], hasher: &mut impl Hasher) {
    let mut bytes = [0; 1024];
    for block in values.chunks(bytes.len() / size_of::<f32>()) {
        let (places, _) = bytes.as_chunks_mut();
        places.iter_mut().zip(block).for_each(|(place, value)| *place = value.to_ne_bytes());
        hasher.write(&bytes[..size_of_val(block)]);
    }
}

/// Equality by bits, unlike that of floats, holds for NaN too and tells -0 from 0.
fn same_bits(a: &Latents, b: &Latents) -> bool {
    // Without an early end, so that it runs in vectors: digests were equal, and then the values nearly always are.
    let differences = || a.values.iter().zip(&b.values).fold(0, |all, (x, y)| all | (x.to_bits() ^ y.to_bits()));
    (a.channels, a.height, a.width) == (b.channels, b.height, b.width) && differences() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(model: &str, timestep: f32, values: [f32; 2]) -> CacheKey {
        CacheKey::new(model.into(), timestep, Latents::new(1, 1, 2, values.to_vec()))
    }

    #[test]
    fn keys_are_equal_only_bit_for_bit() {
        let own = key("m", 5.0, [0.0, 1.0]);
        assert_eq!(own, key("m", 5.0, [0.0, 1.0]));
        for other in [
            key("n", 5.0, [0.0, 1.0]),
            key("m", 6.0, [0.0, 1.0]),
            key("m", 5.0, [0.0, 1.000_000_1]),
            key("m", 5.0, [-0.0, 1.0]),
            CacheKey::of_picture("m".into(), own.model_input().clone()),
            CacheKey::new("m".into(), 5.0, Latents::new(2, 1, 1, vec![0.0, 1.0])),
        ] {
            assert_ne!(own, other);
            // Equal digests alone do not make keys equal.
            assert_ne!(own, CacheKey { digest: own.digest, ..other });
        }
        let odd = || key("m", 5.0, [f32::NAN, 1.0]);
        assert_eq!(odd(), odd());
    }
}
