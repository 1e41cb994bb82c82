//! Steps 1 to 6 of S-CFG's segmentation (algorithms.md §1.2): token maps refined by self-attention, on the finest grid,
//! blurred, each divided by its own spatial mean, averaged over layers.
//!
//! Apart because the order here is not the paper's. Refinement is linear in the map, and resizing and blurring are
//! linear and the same for all layers of one grid. So the mean of a finished map is a weighted sum over the unfinished
//! one, the layers of a grid are added up first, and each map is resized once a grid and blurred once.
//! `oracle_tests` has the paper's order; tests compare the two.

use std::{cmp::Reverse, ops::Range};

use super::maps::{Layer, MapsOf};
use crate::{
    guidance::{
        blur,
        resample::{bilinear, source},
        tasks::{self, Tasks},
    },
    recipe::Profile,
    tensor::{AttentionError, Plane},
};

/// Maps that one task finishes.
const FINISHED: usize = 8;

/// Layers whose maps are refined together, each to the finest of their grids.
struct Requested<'a> {
    layers: &'a [Layer],
    of: MapsOf<'a>,
    finest: [usize; 2],
}

/// For each of `requested` the maps that it names of all its layers, refined and averaged, on the finest of their grids.
pub(super) fn refine(
    profile: Profile,
    requested: &[(&[Layer], MapsOf<'_>)],
    tasks: Tasks<'_>,
) -> Result<Vec<Vec<Plane>>, AttentionError> {
    let requested: Vec<Requested> = requested
        .iter()
        .map(|&(layers, of)| {
            let finest = layers.iter().map(|l| l.grid()).max().unwrap_or([1, 1]);
            Requested { layers, of, finest }
        })
        .collect();
    let mut parts = Vec::new();
    for (i, requested) in requested.iter().enumerate() {
        for layer in requested.layers {
            parts.extend(requested.parts(layer).into_iter().map(|maps| (i, layer, maps)));
        }
    }
    // The longest first, so that threads end at about the same time.
    parts.sort_by_key(|(_, layer, maps)| Reverse(maps.len() * layer.grid()[0] * layer.grid()[1]));
    let refined = tasks::map(tasks, parts.len(), |part| {
        let (i, layer, maps) = &parts[part];
        requested[*i].refined(profile, layer, maps.clone())
    });

    let mut sums: Vec<Sums> = requested.iter().map(Sums::new).collect();
    for ((i, layer, maps), refined) in parts.iter().zip(refined) {
        sums[*i].add(layer.grid(), maps.start, &refined?);
    }
    let mut finished = finish(&sums, tasks).into_iter();
    Ok(sums.iter().map(|sums| finished.by_ref().take(sums.count).collect()).collect())
}

impl Requested<'_> {
    /// The maps of a layer, as many at a time as one task refines.
    fn parts(&self, layer: &Layer) -> Vec<Range<usize>> {
        let (count, at_once) = (self.of.count(layer), layer.maps_per_call());
        (0..count).step_by(at_once).map(|first| first..first.saturating_add(at_once).min(count)).collect()
    }

    /// Maps `range` of a layer, refined, each divided by the mean that it will have, times the layer's share.
    fn refined(&self, profile: Profile, layer: &Layer, range: Range<usize>) -> Result<Vec<f32>, AttentionError> {
        let ([h, w], [height, width]) = (layer.grid(), self.finest);
        let (down, across) = (line_weights(h, height), line_weights(w, width));
        // What each position adds to the mean of the finished map.
        let weights: Vec<f32> = down.iter().flat_map(|y| across.iter().map(move |x| (y * x) as f32)).collect();
        let share = 1.0 / self.layers.len() as f32;
        let n = weights.len();
        let maps = self.of.read(layer)?;
        let mut maps = layer.spread(&maps[range.start * n..range.end * n], powers(profile))?;
        for map in maps.chunks_exact_mut(n) {
            let factor = share / (dot(map, &weights) + 1e-8);
            map.iter_mut().for_each(|value| *value *= factor);
        }
        Ok(maps)
    }
}

/// The mean over layers before maps are resized and blurred: a sum a grid.
struct Sums {
    count: usize,
    finest: [usize; 2],
    /// All maps one after another.
    grids: Vec<([usize; 2], Vec<f32>)>,
}

impl Sums {
    fn new(requested: &Requested) -> Self {
        let count = requested.layers.iter().map(|l| requested.of.count(l)).min().unwrap_or(0);
        Self { count, finest: requested.finest, grids: Vec::new() }
    }

    /// Adds maps of a layer, from map `first` on.
    fn add(&mut self, grid: [usize; 2], first: usize, maps: &[f32]) {
        let n = grid[0] * grid[1];
        let at = self.grids.iter().position(|(known, _)| *known == grid).unwrap_or_else(|| {
            self.grids.push((grid, vec![0.0; self.count * n]));
            self.grids.len() - 1
        });
        self.grids[at].1[first * n..].iter_mut().zip(maps).for_each(|(sum, value)| *sum += value);
    }

    /// Map `k`, resized and blurred.
    fn finished(&self, k: usize) -> Plane {
        let [h, w] = self.finest;
        let mut whole = Plane::filled(h, w, 0.0);
        for ([gh, gw], sum) in &self.grids {
            let n = gh * gw;
            let resized = bilinear(&Plane::new(*gh, *gw, sum[k * n..(k + 1) * n].to_vec()), h, w);
            whole.values.iter_mut().zip(&resized.values).for_each(|(whole, value)| *whole += value);
        }
        blur::smooth(&whole)
    }
}

/// All maps of all `sums`, one after another.
fn finish(sums: &[Sums], tasks: Tasks<'_>) -> Vec<Plane> {
    let maps: Vec<(&Sums, usize)> = sums.iter().flat_map(|sums| (0..sums.count).map(move |k| (sums, k))).collect();
    let parts: Vec<_> = maps.chunks(FINISHED).collect();
    let finished = |part: usize| parts[part].iter().map(|(sums, k)| sums.finished(*k)).collect::<Vec<_>>();
    tasks::map(tasks, parts.len(), finished).into_iter().flatten().collect()
}

/// Step 1: the weights of S, S^2, .. in the refinement.
pub(super) fn powers(profile: Profile) -> &'static [f32] {
    match profile {
        // The loop of the reference multiplies S by S anew each time, so that it adds S^2 three times.
        Profile::Reference => &[0.25, 0.75],
        Profile::Fixed => &[0.25; 4],
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
    fn the_mean_of_a_finished_map_is_known_beforehand() {
        for (from, to) in [([6, 6], [12, 12]), ([12, 12], [12, 12]), ([3, 5], [7, 9]), ([1, 2], [1, 3])] {
            let values: Vec<f32> = (0..from[0] * from[1]).map(|i| ((i * 7919) % 101) as f32).collect();
            let (down, across) = (line_weights(from[0], to[0]), line_weights(from[1], to[1]));
            let weights: Vec<f32> = down.iter().flat_map(|y| across.iter().map(move |x| (y * x) as f32)).collect();
            let found = dot(&values, &weights);
            let expected = blur::smooth(&bilinear(&Plane::new(from[0], from[1], values), to[0], to[1])).mean();
            assert!((found - expected).abs() < 1e-4 * expected.abs(), "{from:?} to {to:?}: {found} for {expected}");
        }
    }
}
