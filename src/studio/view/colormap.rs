//! Colour tables for maps.
//!
//! Apart from the theme because the canvas shader, the thumbnails and the exports read the same tables.

use egui::Color32;

use super::theme;
use crate::tensor::maps::Palette;

/// 256 colours, from the smallest value to the largest.
pub type Table = [Color32; 256];

/// Black through violet and rose to pale yellow: nine stops of matplotlib's magma (CC0), straight between them.
pub fn magma() -> Table {
    const STOPS: [[u8; 3]; 9] = [
        [0x00, 0x00, 0x04],
        [0x1d, 0x11, 0x47],
        [0x51, 0x12, 0x7c],
        [0x82, 0x26, 0x81],
        [0xb7, 0x37, 0x79],
        [0xe7, 0x52, 0x63],
        [0xfc, 0x89, 0x61],
        [0xfe, 0xc4, 0x88],
        [0xfc, 0xfd, 0xbf],
    ];
    let stop = |k: usize| Color32::from_rgb(STOPS[k][0], STOPS[k][1], STOPS[k][2]);
    std::array::from_fn(|i| {
        let place = i as f32 / 255.0 * (STOPS.len() - 1) as f32;
        let k = (place as usize).min(STOPS.len() - 2);
        theme::mix(stop(k), stop(k + 1), place - k as f32)
    })
}

/// Black to white.
pub fn grey() -> Table {
    std::array::from_fn(|i| Color32::from_gray(i as u8))
}

/// Blue below the middle, neutral at it, amber above: for values around 1.
pub fn around_one() -> Table {
    let (low, middle, high) = (theme::BELOW_ONE, theme::AT_ONE, theme::ABOVE_ONE);
    std::array::from_fn(|i| {
        let t = i as f32 / 255.0 * 2.0 - 1.0;
        theme::mix(middle, if t < 0.0 { low } else { high }, t.abs())
    })
}

/// The colours of a map's scale; maps of labels have none and get the usual ones.
pub fn table(palette: Palette) -> Table {
    match palette {
        Palette::AroundOne => around_one(),
        Palette::Magma | Palette::Regions | Palette::Models | Palette::None => magma(),
    }
}

/// Where a value lies between `low` and `high`, as an index into a [`Table`]; an empty range gives 0.
pub fn index(value: f32, low: f32, high: f32) -> usize {
    if high <= low || !value.is_finite() {
        return 0;
    }
    (((value - low) / (high - low)).clamp(0.0, 1.0) * 255.0).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magma_runs_from_black_to_pale_and_only_gets_lighter() {
        let table = magma();
        let light = |c: Color32| u32::from(c.r()) + u32::from(c.g()) + u32::from(c.b());
        assert!(light(table[0]) < 12);
        assert!(light(table[255]) > 600);
        assert!((1..256).all(|i| light(table[i]) + 3 >= light(table[i - 1])));
    }

    #[test]
    fn index_is_clamped_and_survives_empty_ranges_and_nan() {
        assert_eq!(index(0.5, 0.0, 1.0), 128);
        assert_eq!(index(7.0, 0.0, 1.0), 255);
        assert_eq!(index(1.0, 1.0, 1.0), 0);
        assert_eq!(index(f32::NAN, 0.0, 1.0), 0);
    }
}
