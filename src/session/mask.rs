//! Mask pictures: white where the expert of a fusion draws.
//!
//! Apart from other pictures because a mask becomes part of a recipe.

use std::path::Path;

use image::{GrayAlphaImage, GrayImage, Luma, LumaA};

use super::{error::SessionError, png};
use crate::{
    files::{read, read_regular, within_budget},
    recipe::Paint,
    tensor::shrink,
};

/// The longest side of a mask in a recipe: as fine as the latents of a large picture, and short as text.
const MAX_SIDE: usize = 128;
/// Brightness 0..=255 above which an element is inside.
const THRESHOLD: u8 = 127;
/// Of a pixel: brightness and alpha, and the two of them as one.
const BYTES: usize = 3;

/// Reads a mask from a picture: the expert draws where it is brighter than mid-grey. Transparent pixels count as black.
///
/// # Errors
/// [`SessionError::Read`] and [`SessionError::NotAPicture`].
pub fn read_mask(path: &Path) -> Result<Paint, SessionError> {
    let bytes =
        read_regular(path, read::PICTURE).map_err(|source| SessionError::Read { path: path.to_owned(), source })?;
    let name = path.display().to_string();
    let decoded = within_budget(bytes.len(), || png::decode(&bytes, png::MOST_SIDE, BYTES));
    let decoded = decoded.map_err(|what| SessionError::NotAPicture { name, what })?;
    Ok(mask_of(&decoded.into_luma_alpha8()))
}

/// The mask of a picture's brightness, with transparent pixels as black.
fn mask_of(picture: &GrayAlphaImage) -> Paint {
    let brightness = |pixel: &LumaA<u8>| (u32::from(pixel.0[0]) * u32::from(pixel.0[1]) / 255) as u8;
    let values = picture.pixels().map(brightness).collect();
    let grey = GrayImage::from_raw(picture.width(), picture.height(), values);
    // One value per pixel always fits.
    let grey = grey.unwrap_or_default();
    let small = shrink(&grey, MAX_SIDE).unwrap_or(grey);
    let mut mask = Paint::blank(small.height() as usize, small.width() as usize);
    for (x, y, Luma([value])) in small.enumerate_pixels() {
        mask.set(y as usize, x as usize, i16::from(*value > THRESHOLD));
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_read_from_brightness_and_transparency() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mask.png");
        let pixels = [[255, 255], [255, 0], [0, 255], [130, 255]];
        let picture = GrayAlphaImage::from_fn(4, 1, |x, _| LumaA(pixels[x as usize]));
        picture.save(&path).expect("a file");
        assert_eq!(read_mask(&path).map(|m| m.to_string()).ok().as_deref(), Some("1x4: 1*1 0*2 1*1"));
        let missing = read_mask(&folder.path().join("none.png")).map_err(|e| e.to_string());
        assert!(missing.is_err_and(|e| e.starts_with("cannot read ")));
    }

    #[test]
    fn a_few_bytes_of_a_vast_picture_are_refused() {
        let side = 9000;
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, side, side);
        encoder.set_color(::png::ColorType::Grayscale);
        encoder.set_depth(::png::BitDepth::One);
        let black = vec![0; side as usize * (side as usize).div_ceil(8)];
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&black)).expect("memory");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mask.png");
        std::fs::write(&path, &bytes).expect("a file");
        for refused in [read_mask(&path).map(drop), png::decode_picture(&bytes, "it").map(drop)] {
            let said = refused.expect_err("a picture of 243 MB in a few KB").to_string();
            assert!(said.contains("far more memory"), "{said}");
        }
    }

    #[test]
    fn a_large_mask_becomes_small() {
        let picture = GrayAlphaImage::from_fn(256, 512, |x, _| LumaA([if x < 128 { 255 } else { 0 }, 255]));
        let mask = mask_of(&picture);
        assert_eq!(mask.size(), [128, 64]);
        assert_eq!((mask.at(5, 31), mask.at(5, 32)), (1, 0));
    }
}
