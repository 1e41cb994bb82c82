//! The softmax of attention, and the mean of its probabilities over heads.
//!
//! Apart from the products on both sides of it.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::tensors::UNITS;

/// Queries of a workgroup, next to each other in memory.
const QUERIES: u32 = 32;
/// Units that share the keys of each.
const LANES: u32 = UNITS / QUERIES;

/// Softmax over the keys of each query, in place, of `scale` times scores `[heads, keys, queries]`. With `causal`, the
/// position of the first query, no query sees keys behind its own position.
pub(super) fn softmax_of_keys(
    scores: &CubeTensor,
    [heads, keys, queries]: [usize; 3],
    scale: f32,
    causal: Option<usize>,
) {
    softmax_columns::launch(
        &scores.client,
        CubeCount::Static((queries as u32).div_ceil(QUERIES), heads as u32, 1),
        CubeDim::new_2d(QUERIES, LANES),
        scores.clone().into_buffer_arg(),
        keys as u32,
        queries as u32,
        scale,
        u32::from(causal.is_some()),
        causal.unwrap_or(0) as u32,
    );
}

/// The mean over heads of `[heads, keys, queries]`, into the columns from `first` on of a map `[keys, row]`.
pub(super) fn mean_over_heads(
    probabilities: &CubeTensor,
    map: &CubeTensor,
    [heads, keys, queries]: [usize; 3],
    [row, first]: [usize; 2],
) {
    mean_planes::launch(
        &probabilities.client,
        CubeCount::Static((keys * queries).div_ceil(UNITS as usize).min(65_535) as u32, 1, 1),
        CubeDim::new_1d(UNITS),
        probabilities.clone().into_buffer_arg(),
        map.clone().into_buffer_arg(),
        heads as u32,
        keys as u32,
        queries as u32,
        row as u32,
        first as u32,
    );
}

#[cube(launch)]
fn softmax_columns(scores: &mut [f32], keys: u32, queries: u32, scale: f32, is_causal: u32, first: u32) {
    let query = CUBE_POS_X * QUERIES + UNIT_POS_X;
    // Units behind the last query stay to the end: all units of a workgroup wait for each other.
    let here = query < queries;
    let start = CUBE_POS_Y * keys * queries + query;
    let mut seen = keys;
    if is_causal != 0 {
        seen = min(keys, first + query + 1);
    }

    let mut largest = f32::new(-3.0e38);
    let mut key = UNIT_POS_Y;
    while here && key < seen {
        largest = max(largest, scores[(start + key * queries) as usize]);
        key += LANES;
    }
    let largest = over_lanes(largest, true);

    let mut total = 0.0f32;
    let mut key = UNIT_POS_Y;
    while here && key < seen {
        total += f32::exp(scale * (scores[(start + key * queries) as usize] - largest));
        key += LANES;
    }
    let total = over_lanes(total, false);

    let mut key = UNIT_POS_Y;
    while here && key < keys {
        let at = (start + key * queries) as usize;
        if key < seen {
            scores[at] = f32::exp(scale * (scores[at] - largest)) / total;
        } else {
            scores[at] = 0.0f32;
        }
        key += LANES;
    }
}

/// The largest value, or the sum, over the lanes of each query.
#[cube]
fn over_lanes(value: f32, #[comptime] largest: bool) -> f32 {
    let mut values = Shared::<[f32]>::new_slice(comptime!(UNITS as usize));
    values[UNIT_POS as usize] = value;
    sync_cube();
    let mut all = values[UNIT_POS_X as usize];
    #[unroll]
    for lane in 1..LANES {
        let other = values[(lane * QUERIES + UNIT_POS_X) as usize];
        if largest {
            all = max(all, other);
        } else {
            all += other;
        }
    }
    sync_cube();
    all
}

#[cube(launch)]
fn mean_planes(planes: &[f32], mean: &mut [f32], heads: u32, keys: u32, queries: u32, row: u32, first: u32) {
    let plane = keys * queries;
    let mut i = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    while i < plane {
        let mut total = 0.0f32;
        for head in 0..heads {
            total += planes[(head * plane + i) as usize];
        }
        mean[(i / queries * row + first + i % queries) as usize] = total / heads as f32;
        i += CUBE_COUNT_X * CUBE_DIM_X;
    }
}
