//! How latents and pictures of a model relate in size.
//!
//! Apart as plain numbers that need no model at hand.

/// Sizes of a model's latents and pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Channels of the latents.
    pub channels: usize,
    /// Picture side / latent side; 1 where latents are pixels.
    pub factor: usize,
    /// Both sides of a picture, in pixels, must be multiples of this.
    pub multiple_of: usize,
    /// Side of the pictures that the model was trained on, in pixels, where that is known.
    pub native_side: Option<usize>,
}

impl Geometry {
    /// Channels, height and width of the latents of a picture of `width` × `height` pixels; `None` where the model does
    /// not draw that size.
    pub fn latent_shape(&self, width: usize, height: usize) -> Option<[usize; 3]> {
        let fits = [width, height].iter().all(|side| *side > 0 && side.is_multiple_of(self.multiple_of));
        fits.then(|| [self.channels, height / self.factor, width / self.factor])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_that_the_model_draws() {
        let pixels = Geometry { channels: 3, factor: 1, multiple_of: 4, native_side: Some(64) };
        assert_eq!(pixels.latent_shape(20, 64), Some([3, 64, 20]));
        assert_eq!(pixels.latent_shape(22, 64), None);
        let latents = Geometry { channels: 16, factor: 8, multiple_of: 16, native_side: None };
        assert_eq!(latents.latent_shape(64, 32), Some([16, 4, 8]));
        assert_eq!((latents.latent_shape(64, 40), latents.latent_shape(0, 16)), (None, None));
    }
}
