//! Steps 1 to 6 of S-CFG's segmentation (algorithms.md §1.2): token maps refined by self-attention, on the finest grid,
//! blurred, each divided by its own spatial mean, averaged over layers.
//!
//! Refinement is linear in the map, and resizing and blurring are linear and the same for all layers of one grid. So
//! the mean of a finished map is a weighted sum over the unfinished one, the layers of a grid are added up first, and
//! each map is resized once a grid and blurred once.

use std::ops::Range;

use super::{
    blur,
    scfg::{Attention, MapsOf},
    snb::{resize_bilinear, source},
};
use crate::{
    field::Plane,
    nets::{self, NetError, SelfAttention},
    recipe::Profile,
};

/// Maps that one task refines: as many as the product takes at a time.
const MAPS: usize = 8;

/// One layer, ready to be refined.
struct Layer {
    grid: [usize; 2],
    attention: SelfAttention,
    /// The maps before refinement, one after another.
    maps: Vec<f32>,
    /// What each position adds to the mean of the finished map.
    weights: Vec<f32>,
}

/// Layers whose maps are refined together, each to the finest of their grids.
struct Asked {
    layers: Vec<Layer>,
    finest: [usize; 2],
}

/// For each of `asked` the maps that it says of all its layers, refined and averaged, on the finest of their grids.
pub(super) fn refine<const N: usize>(
    profile: Profile,
    asked: [(&[Attention], MapsOf); N],
) -> Result<[Vec<Plane>; N], NetError> {
    let asked: Vec<Asked> = asked.map(|(layers, of)| Asked::new(layers, of)).into_iter().collect::<Result<_, _>>()?;
    // Another device's work is one call: it divides it by itself.
    let at_once = if asked.iter().all(Asked::is_here) { MAPS } else { usize::MAX };
    let parts = |(i, asked): (usize, &Asked)| {
        let count = asked.count();
        (0..count).step_by(at_once).map(move |first| (i, first..first.saturating_add(at_once).min(count)))
    };
    let parts: Vec<(usize, Range<usize>)> = asked.iter().enumerate().flat_map(parts).collect();
    let found = nets::side_by_side(parts.len(), |i| asked[parts[i].0].finished(profile, parts[i].1.clone()));
    let mut maps = [const { Vec::new() }; N];
    for ((i, _), found) in parts.iter().zip(found) {
        maps[*i].extend(found?);
    }
    Ok(maps)
}

impl Asked {
    fn new(layers: &[Attention], of: MapsOf) -> Result<Self, NetError> {
        let finest = layers.iter().map(|l| l.grid).max().unwrap_or([1, 1]);
        let layers = layers.iter().map(|l| Layer::new(l, finest, of)).collect::<Result<_, _>>()?;
        Ok(Self { layers, finest })
    }

    fn is_here(&self) -> bool {
        self.layers.iter().all(|layer| layer.attention.is_here())
    }

    fn count(&self) -> usize {
        self.layers.iter().map(Layer::count).min().unwrap_or(0)
    }

    /// Maps `range` of all layers, through all steps.
    fn finished(&self, profile: Profile, range: Range<usize>) -> Result<Vec<Plane>, NetError> {
        // A sum a grid, all maps of the range one after another.
        let mut sums: Vec<([usize; 2], Vec<f32>)> = Vec::new();
        let share = 1.0 / self.layers.len() as f32;
        for layer in &self.layers {
            let n = layer.weights.len();
            let refined = layer.attention.spread(&layer.maps[range.start * n..range.end * n], powers(profile))?;
            let at = sums.iter().position(|(grid, _)| *grid == layer.grid).unwrap_or_else(|| {
                sums.push((layer.grid, vec![0.0; refined.len()]));
                sums.len() - 1
            });
            for (sum, map) in sums[at].1.chunks_exact_mut(n).zip(refined.chunks_exact(n)) {
                let factor = share / (dot(map, &layer.weights) + 1e-8);
                sum.iter_mut().zip(map).for_each(|(sum, value)| *sum += value * factor);
            }
        }
        let [h, w] = self.finest;
        let finish = |k: usize| {
            let mut whole = Plane::filled(h, w, 0.0);
            for ([gh, gw], sum) in &sums {
                let n = gh * gw;
                let resized = resize_bilinear(&Plane::new(*gh, *gw, sum[k * n..(k + 1) * n].to_vec()), h, w);
                whole.values.iter_mut().zip(&resized.values).for_each(|(whole, value)| *whole += value);
            }
            blur::smooth(&whole)
        };
        Ok((0..range.len()).map(finish).collect())
    }
}

/// The weights of S, S^2, .. in the refinement.
fn powers(profile: Profile) -> &'static [f32] {
    match profile {
        // The loop of the reference multiplies S by S anew each time, so that it adds S^2 three times.
        Profile::Reference => &[0.25, 0.75],
        Profile::Fixed => &[0.25; 4],
    }
}

impl Layer {
    fn new(layer: &Attention, finest: [usize; 2], of: MapsOf) -> Result<Self, NetError> {
        let [h, w] = layer.grid;
        let (down, across) = (line_weights(h, finest[0]), line_weights(w, finest[1]));
        let weights = down.iter().flat_map(|y| across.iter().map(move |x| (y * x) as f32)).collect();
        let maps = of.maps(layer)?;
        Ok(Self { grid: layer.grid, attention: SelfAttention::new(layer.self_map.clone()), maps, weights })
    }

    fn count(&self) -> usize {
        self.maps.len() / self.weights.len().max(1)
    }
}

/// What each of `from` values in a line adds to the mean over the line resized to `to` and blurred; on a grid, the
/// factors of rows and columns.
fn line_weights(from: usize, to: usize) -> Vec<f64> {
    let mut resized = vec![0.0; to];
    for i in 0..to {
        for (j, weight) in blur::taps(i, to) {
            resized[j] += f64::from(weight) / to as f64;
        }
    }
    if from == to {
        return resized;
    }
    let mut weights = vec![0.0; from];
    for (i, &weight) in resized.iter().enumerate() {
        let (low, high, share) = source(i, from, to);
        weights[low] += weight * f64::from(1.0 - share);
        weights[high] += weight * f64::from(share);
    }
    weights
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let (a, b) = (a.chunks(16), b.chunks(16));
    for (a, b) in a.zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_finished_map_is_foretold() {
        for (from, to) in [([6, 6], [12, 12]), ([12, 12], [12, 12]), ([3, 5], [7, 9]), ([1, 2], [1, 3])] {
            let values: Vec<f32> = (0..from[0] * from[1]).map(|i| ((i * 7919) % 101) as f32).collect();
            let (down, across) = (line_weights(from[0], to[0]), line_weights(from[1], to[1]));
            let weights: Vec<f32> = down.iter().flat_map(|y| across.iter().map(move |x| (y * x) as f32)).collect();
            let found = dot(&values, &weights);
            let expected = blur::smooth(&resize_bilinear(&Plane::new(from[0], from[1], values), to[0], to[1])).mean();
            assert!((found - expected).abs() < 1e-4 * expected.abs(), "{from:?} to {to:?}: {found} for {expected}");
        }
    }
}
