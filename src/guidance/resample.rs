//! Maps brought to another grid: bilinear for attention and saliency, nearest for what a user painted.
//!
//! Apart because S-CFG, SNB and the user's regions all resample.

use crate::{recipe::Paint, tensor::Plane};

/// Bilinear resize with half-pixel centres (torch, `align_corners=False`).
pub(super) fn bilinear(map: &Plane, height: usize, width: usize) -> Plane {
    if (map.height, map.width) == (height, width) {
        return map.clone();
    }
    let ys: Vec<_> = (0..height).map(|y| source(y, map.height, height)).collect();
    let xs: Vec<_> = (0..width).map(|x| source(x, map.width, width)).collect();
    let mut out = Vec::with_capacity(height * width);
    for &(y0, y1, ty) in &ys {
        for &(x0, x1, tx) in &xs {
            let top = map.at(y0, x0) * (1.0 - tx) + map.at(y0, x1) * tx;
            let bottom = map.at(y1, x0) * (1.0 - tx) + map.at(y1, x1) * tx;
            out.push(top * (1.0 - ty) + bottom * ty);
        }
    }
    Plane::new(height, width, out)
}

/// The two source indices and the weight of the second for target index `i`, along a line of `from` resized to `to`.
pub(super) fn source(i: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let position = ((i as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0);
    let low = (position as usize).min(from - 1);
    (low, (low + 1).min(from - 1), position - low as f32)
}

/// A painted map in its own unit, level / 100, on a grid of `[height, width]`; `None` where nothing is painted.
pub(super) fn painted(paint: &Paint, [height, width]: [usize; 2]) -> Option<Plane> {
    let levels = |paint: Paint| paint.levels().iter().map(|&level| f32::from(level) / 100.0).collect();
    (!paint.is_empty()).then(|| Plane::new(height, width, levels(paint.resized(height, width))))
}
