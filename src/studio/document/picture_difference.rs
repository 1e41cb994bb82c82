//! How far two pictures are apart, in numbers.
//!
//! Apart from the difference of recipes because it looks at pixels alone.

use std::fmt;

use crate::tensor::Picture;

/// How far two pictures are apart, in values of 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureDifference {
    /// Of all values of all colours.
    pub mean: f32,
    pub most: u8,
    /// Peak signal-to-noise ratio in dB; infinite for equal pictures.
    pub psnr: f32,
    /// Share of the pixels of which a colour differs by more than 1.
    pub changed: f32,
}

impl fmt::Display for PictureDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, most, psnr, changed } = self;
        if *most == 0 {
            return f.write_str("A and B are the same, pixel for pixel");
        }
        let changed = 100.0 * changed;
        write!(f, "mean |d| {mean:.2} of 255, most {most} · PSNR {psnr:.1} dB · {changed:.1} % of pixels changed")
    }
}

/// How far two pictures are apart; nothing for pictures of different sizes.
pub fn pictures(a: &Picture, b: &Picture) -> Option<PictureDifference> {
    if (a.width, a.height) != (b.width, b.height) || a.rgb.is_empty() {
        return None;
    }
    let (mut sum, mut squares, mut most, mut changed) = (0_u64, 0_u64, 0, 0_u64);
    for (x, y) in a.rgb.as_chunks::<3>().0.iter().zip(b.rgb.as_chunks::<3>().0) {
        let d = [x[0].abs_diff(y[0]), x[1].abs_diff(y[1]), x[2].abs_diff(y[2])];
        sum += d.iter().map(|&d| u64::from(d)).sum::<u64>();
        squares += d.iter().map(|&d| u64::from(d) * u64::from(d)).sum::<u64>();
        let largest = d[0].max(d[1]).max(d[2]);
        most = most.max(largest);
        changed += u64::from(largest > 1);
    }
    let count = a.rgb.len() as f64;
    let psnr = 10.0 * (255.0 * 255.0 * count / squares as f64).log10();
    Some(PictureDifference {
        mean: (sum as f64 / count) as f32,
        most,
        psnr: psnr as f32,
        changed: (3.0 * changed as f64 / count) as f32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_differ_by_numbers() {
        let picture = |rgb: [u8; 6]| Picture { width: 2, height: 1, rgb: rgb.to_vec() };
        let (a, b) = (picture([0, 0, 0, 10, 10, 10]), picture([6, 0, 0, 10, 10, 11]));
        let d = pictures(&a, &b).expect("of one size");
        assert_eq!((d.most, d.changed), (6, 0.5));
        assert!((d.mean - 7.0 / 6.0).abs() < 1e-6);
        // 37 squared values in 6: 10 log10(255^2 * 6 / 37).
        assert!((d.psnr - 40.2301).abs() < 1e-3, "{}", d.psnr);
        assert_eq!(d.to_string(), "mean |d| 1.17 of 255, most 6 · PSNR 40.2 dB · 50.0 % of pixels changed");
        assert_eq!(pictures(&a, &a).map(|d| d.to_string()).as_deref(), Some("A and B are the same, pixel for pixel"));
        assert_eq!(pictures(&a, &Picture { width: 1, height: 1, rgb: vec![0; 3] }), None);
    }
}
