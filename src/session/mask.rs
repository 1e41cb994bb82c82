//! Mask pictures: white where the expert of a fusion draws.
//!
//! Apart from other pictures because a mask becomes part of a recipe.

use std::path::Path;

use super::error::{SessionError, one_line};
use crate::recipe::Paint;

/// The longest side of a mask in a recipe: as fine as the latents of a large picture, and short as text.
const MAX_SIDE: usize = 128;
/// Brightness 0..=255 above which an element is inside.
const THRESHOLD: u32 = 127;

/// Reads a mask from a picture: the expert draws where it is brighter than mid-grey. Transparent pixels count as black.
///
/// # Errors
/// [`SessionError::Read`] and [`SessionError::NotAPicture`].
pub fn read_mask(path: &Path) -> Result<Paint, SessionError> {
    let bytes = std::fs::read(path).map_err(|source| SessionError::Read { path: path.to_owned(), source })?;
    let name = path.display().to_string();
    let decoded = image::load_from_memory(&bytes)
        .map_err(|error| SessionError::NotAPicture { name, what: one_line(error) })?
        .to_luma_alpha8();
    let light = |pixel: &image::LumaA<u8>| u32::from(pixel.0[0]) * u32::from(pixel.0[1]) / 255;
    let values: Vec<u32> = decoded.pixels().map(light).collect();
    Ok(downscale(&values, decoded.height() as usize, decoded.width() as usize))
}

/// The mask of brightnesses 0..=255, `height` rows: each cell from the mean of the pixels that it covers.
fn downscale(values: &[u32], height: usize, width: usize) -> Paint {
    let longest = height.max(width).max(1);
    let side = |n: usize| if longest <= MAX_SIDE { n } else { (n * MAX_SIDE / longest).max(1) };
    let (rows, columns) = (side(height), side(width));
    let mut mask = Paint::blank(rows, columns);
    for y in 0..rows {
        for x in 0..columns {
            let (down, across) = (covered(y, height, rows), covered(x, width, columns));
            let count = (down.len() * across.len()) as u32;
            let sum: u32 = down.map(|row| values[row * width..][across.clone()].iter().sum::<u32>()).sum();
            mask.set(y, x, i16::from(sum > THRESHOLD * count));
        }
    }
    mask
}

/// The pixels of `from` that cell `i` of `to` covers.
fn covered(i: usize, from: usize, to: usize) -> std::ops::Range<usize> {
    i * from / to..((i + 1) * from / to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_read_from_brightness_and_transparency() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mask.png");
        let pixels = [[255, 255], [255, 0], [0, 255], [130, 255]];
        let picture = image::GrayAlphaImage::from_fn(4, 1, |x, _| image::LumaA(pixels[x as usize]));
        picture.save(&path).expect("a file");
        assert_eq!(read_mask(&path).map(|m| m.to_string()).ok().as_deref(), Some("1x4: 1*1 0*2 1*1"));
        let missing = read_mask(&folder.path().join("none.png")).map_err(|e| e.to_string());
        assert!(missing.is_err_and(|e| e.starts_with("cannot read ")));
    }

    #[test]
    fn a_large_mask_becomes_small() {
        let values: Vec<u32> = (0..512 * 256).map(|i| if i % 256 < 128 { 255 } else { 0 }).collect();
        let mask = downscale(&values, 512, 256);
        assert_eq!(mask.size(), [128, 64]);
        assert_eq!((mask.at(5, 31), mask.at(5, 32)), (1, 0));
    }
}
