//! Pictures in the format of networks.
//!
//! Separate from the 8-bit pictures of files and windows, and from the autoencoder that makes them.

use super::picture::Picture;

/// A picture in the format of networks: `[3, height, width]`, nominally in -1..1; decoders exceed it slightly.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    pub height: usize,
    pub width: usize,
    /// Row-major, one plane per channel (red, green, blue), `3 * height * width` values.
    pub values: Vec<f32>,
}

impl Pixels {
    /// Clamped to -1..1 and rounded to 8 bits per channel, ties to even.
    pub fn to_picture(&self) -> Picture {
        let area = self.height * self.width;
        let mut rgb = vec![0; 3 * area];
        for (channel, plane) in self.values.chunks_exact(area.max(1)).enumerate() {
            for (pixel, &value) in plane.iter().enumerate() {
                let level = (value * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0;
                rgb[3 * pixel + channel] = level.round_ties_even() as u8;
            }
        }
        Picture { width: self.width, height: self.height, rgb }
    }

    /// From 8 bits per channel: the inverse of [`Pixels::to_picture`], up to rounding.
    pub fn from_picture(picture: &Picture) -> Self {
        let area = picture.height * picture.width;
        let mut values = vec![0.0; 3 * area];
        for (pixel, rgb) in picture.rgb.chunks_exact(3).enumerate() {
            for (channel, &level) in rgb.iter().enumerate() {
                values[channel * area + pixel] = f32::from(level) / 127.5 - 1.0;
            }
        }
        Self { height: picture.height, width: picture.width, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_the_same_after_conversion_and_back() {
        let rgb = (0..=255).chain([7, 8]).collect();
        let picture = Picture { width: 43, height: 2, rgb };
        assert_eq!(Pixels::from_picture(&picture).to_picture(), picture);
    }

    #[test]
    fn overshoot_is_clamped() {
        let pixels = Pixels { height: 1, width: 1, values: vec![-1.4, 0.0, 1.2] };
        assert_eq!(pixels.to_picture().rgb, [0, 128, 255]);
    }
}
