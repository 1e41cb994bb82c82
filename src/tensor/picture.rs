//! 8-bit RGB pictures, and the one way to make a picture smaller.
//!
//! They stand apart from maps because their values are colours, not quantities.

use image::{GenericImageView, ImageBuffer, Pixel, RgbImage, imageops};

/// An 8-bit RGB picture, row-major, three bytes a pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

impl Picture {
    /// The picture with its longer side at most `side` pixels; see [`shrink`]. One that fits is copied.
    pub fn shrunk_to(&self, side: usize) -> Self {
        let pixels = (self.width.try_into().ok()).zip(self.height.try_into().ok());
        let view = pixels.and_then(|(width, height)| {
            ImageBuffer::<image::Rgb<u8>, &[u8]>::from_raw(width, height, self.rgb.as_slice())
        });
        match view.and_then(|view| shrink(&view, side)) {
            Some(small) => Self::from(small),
            None => self.clone(),
        }
    }
}

impl From<RgbImage> for Picture {
    fn from(image: RgbImage) -> Self {
        Self { width: image.width() as usize, height: image.height() as usize, rgb: image.into_raw() }
    }
}

/// `image` with its longer side at most `side` pixels (at least 1) and its aspect kept, each pixel the mean of those it
/// covers; `None` where it fits already.
pub fn shrink<I, P>(image: &I, side: usize) -> Option<ImageBuffer<P, Vec<u8>>>
where
    I: GenericImageView<Pixel = P>,
    P: Pixel<Subpixel = u8> + 'static,
{
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    let side = u32::try_from(side).unwrap_or(u32::MAX).max(1);
    if longest <= side {
        return None;
    }
    // Both lengths fit 32 bits, so their product fits 64.
    let scaled = |length: u32| ((u64::from(length) * u64::from(side) / u64::from(longest)) as u32).max(1);
    Some(imageops::thumbnail(image, scaled(width), scaled(height)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_picture_is_made_of_means_and_keeps_the_aspect() {
        let picture = Picture { width: 4, height: 2, rgb: [0, 0, 0, 200, 100, 50].repeat(4) };
        let small = picture.shrunk_to(2);
        assert_eq!((small.width, small.height), (2, 1));
        assert_eq!(small.rgb, [100, 50, 25, 100, 50, 25]);
        assert_eq!(picture.shrunk_to(4), picture);
        let thin = Picture { width: 300, height: 1, rgb: vec![9; 900] }.shrunk_to(10);
        assert_eq!((thin.width, thin.height, thin.rgb), (10, 1, vec![9; 30]));
    }
}
