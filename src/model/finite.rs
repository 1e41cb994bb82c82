//! Values that are not numbers, found where they first appear.
//!
//! Apart because every output of every network is checked in the same way: a NaN of one part would otherwise be told of
//! another one, or end as a black picture.

use super::{codec::Codec, conditioning::Conditioning, error::ModelError};
use crate::tensor::{Latents, Pixels};

/// Checks the output of `part`.
///
/// # Errors
/// [`ModelError::NotFinite`].
pub fn check_finite(part: &'static str, values: &[f32]) -> Result<(), ModelError> {
    let finite = values.iter().all(|value| value.is_finite());
    if finite { Ok(()) } else { Err(ModelError::NotFinite { part }) }
}

/// An encoded text, checked.
///
/// # Errors
/// [`ModelError::NotFinite`].
pub fn checked_text(text: Conditioning) -> Result<Conditioning, ModelError> {
    let embeddings = std::iter::once(&text.hidden).chain(text.others.iter().map(|(_, embedding)| embedding));
    for embedding in embeddings {
        check_finite("text encoder", &embedding.values)?;
    }
    Ok(text)
}

/// The picture of latents, checked; see [`Codec::decode`].
///
/// # Errors
/// As [`Codec::decode`], and [`ModelError::NotFinite`].
pub fn decode(codec: &dyn Codec, latents: &Latents, is_current: &dyn Fn() -> bool) -> Result<Pixels, ModelError> {
    let pixels = codec.decode(latents, is_current)?;
    check_finite(codec.name(), &pixels.values)?;
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_that_is_no_number_is_found() {
        let mut values = vec![f32::MAX; 1000];
        assert!(check_finite("VAE", &values).is_ok());
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            values[777] = wrong;
            let said = check_finite("VAE", &values).expect_err("not finite").to_string();
            assert!(said.starts_with("the VAE gave values that are not numbers"), "{said}");
        }
        assert!(check_finite("VAE", &[]).is_ok());
    }
}
