//! Steps 1 to 6 of S-CFG's segmentation in the paper's order (algorithms.md §1.2), for tests alone.
//!
//! Apart as the oracle of `refine`, which does the same in another order: every power of S is written out as a matrix,
//! every layer is finished by itself, and the mean over layers comes last.

use super::{
    maps::{Layer, MapsOf},
    refine::{powers, refine},
};
use crate::{
    guidance::{blur, resample::bilinear, tasks::sequential},
    recipe::Profile,
    tensor::{HostAttention, Plane},
};

/// One layer as plain matrices.
#[derive(Clone)]
struct Matrices {
    grid: [usize; 2],
    /// S, `[N, N]`.
    own: Vec<f32>,
    /// C, `[L, N]`.
    cross: Vec<f32>,
}

/// The product of row-major matrices of `n` columns each; `b` is square.
fn product(a: &[f32], b: &[f32], n: usize) -> Vec<f32> {
    let row = |row: &[f32]| (0..n).map(|j| (0..n).map(|i| row[i] * b[i * n + j]).sum()).collect::<Vec<f32>>();
    a.chunks_exact(n).flat_map(row).collect()
}

/// 1. `A = sum_r w_r S^r`.
fn refinement(own: &[f32], n: usize, weights: &[f32]) -> Vec<f32> {
    let mut power = own.to_vec();
    let mut sum = vec![0.0; n * n];
    for (r, weight) in weights.iter().enumerate() {
        if r > 0 {
            power = product(&power, own, n);
        }
        sum.iter_mut().zip(&power).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

/// 2 to 4 of one layer, and the normalisation of 5 or 6: its finished maps on the finest grid.
fn finished(profile: Profile, layer: &Matrices, start: Option<usize>, [height, width]: [usize; 2]) -> Vec<Plane> {
    let [h, w] = layer.grid;
    let n = h * w;
    let refined = product(&layer.cross, &refinement(&layer.own, n, powers(profile)), n);
    let maps: Vec<Vec<f32>> = refined.chunks_exact(n).map(<[f32]>::to_vec).collect();
    let maps = match start {
        None => maps,
        Some(start) => {
            let others = || maps.iter().enumerate().filter(|(k, _)| *k != start);
            let rest = (0..n).map(|p| others().map(|(_, map)| map[p]).sum()).collect();
            vec![maps[start].clone(), rest]
        }
    };
    let finish = |map: Vec<f32>| {
        let smooth = blur::smooth(&bilinear(&Plane::new(h, w, map), height, width));
        let mean = smooth.mean() + 1e-8;
        smooth.map(|value| value / mean)
    };
    maps.into_iter().map(finish).collect()
}

/// The mean over layers.
fn plain(profile: Profile, layers: &[Matrices], start: Option<usize>) -> Vec<Plane> {
    let finest = layers.iter().map(|l| l.grid).max().expect("layers");
    let all: Vec<Vec<Plane>> = layers.iter().map(|l| finished(profile, l, start, finest)).collect();
    let mean = |k: usize| {
        let at = |p: usize| all.iter().map(|maps| maps[k].values[p]).sum::<f32>() / all.len() as f32;
        Plane::new(finest[0], finest[1], (0..finest[0] * finest[1]).map(at).collect())
    };
    (0..all[0].len()).map(mean).collect()
}

/// Attention of `tokens` positions on a grid, its columns probabilities.
fn layer(grid: [usize; 2], tokens: usize, seed: usize) -> Matrices {
    let n = grid[0] * grid[1];
    let matrix = |rows: usize, salt: usize| {
        let value = |i: usize| ((i * 7919 + seed * 104_729 + salt) % 1013) as f32 / 1013.0;
        let raw: Vec<f32> = (0..rows * n).map(|i| value(i).powi(6) + 0.01).collect();
        let sums: Vec<f32> = (0..n).map(|p| (0..rows).map(|r| raw[r * n + p]).sum()).collect();
        raw.iter().enumerate().map(|(i, value)| value / sums[i % n]).collect::<Vec<f32>>()
    };
    Matrices { grid, own: matrix(n, 1), cross: matrix(tokens, 2) }
}

#[test]
fn refinement_in_one_go_is_the_papers_step_by_step() {
    let layers = [layer([6, 4], 7, 1), layer([3, 2], 7, 2), layer([6, 4], 7, 3)];
    let boxed = |l: &Matrices| -> Layer { Box::new(HostAttention::new(l.grid, l.own.clone(), l.cross.clone())) };
    let fast: Vec<Layer> = layers.iter().map(boxed).collect();
    for profile in [Profile::Reference, Profile::Fixed] {
        let requested = [(&fast[..], MapsOf::EveryToken), (&fast[..], MapsOf::StartAndRest { starts: &[2] })];
        let found = refine(profile, &requested, &sequential).expect("maps on the host");
        for (found, start) in found.iter().zip([None, Some(2)]) {
            let expected = plain(profile, &layers, start);
            assert_eq!(found.len(), expected.len());
            for (f, e) in found.iter().zip(&expected) {
                let off = f.values.iter().zip(&e.values).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
                assert!(off < 1e-4 * e.max(), "{profile} {start:?}: {off:.1e} off");
            }
        }
    }
}
