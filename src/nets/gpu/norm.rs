//! Group and layer normalisation. Variances are means of squared distances from the mean, as PyTorch has them, never
//! differences of squares.
//!
//! Apart from the functions of single values because the units of a workgroup share sums.

#![expect(unsafe_code, reason = "kernels do not check bounds")]

use burn::tensor::Tensor;
use cubecl::prelude::*;

use super::tensors::{UNITS, empty_like, float_values, to_tensor};

/// Parts that a group is cut into at most, so that large ones keep a whole GPU busy.
const PARTS: usize = 64;
/// Elements of a part, unless that makes more than [`PARTS`].
const PART: usize = 4096;
/// Positions that a workgroup of [`layer_norm`] normalises, next to each other in memory.
const POSITIONS: u32 = 32;
/// Units that share the channels of each.
const LANES: u32 = UNITS / POSITIONS;

/// What follows normalising: a weight and a bias for each channel.
pub(in super::super) struct Affine<'a> {
    pub(in super::super) weight: &'a Tensor<1>,
    pub(in super::super) bias: &'a Tensor<1>,
    pub(in super::super) epsilon: f64,
}

/// Normalises `groups` groups of the channels of `[batch, channels, ..]` over all their elements, then silu if `silu`.
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
pub(in super::super) fn group_norm<const D: usize>(
    x: Tensor<D>,
    groups: usize,
    affine: &Affine,
    silu: bool,
) -> Result<Tensor<D>, Tensor<D>> {
    let dims = x.dims();
    let x = float_values(x)?;
    let [Ok(weight), Ok(bias)] = [affine.weight, affine.bias].map(|t| float_values(t.clone())) else {
        return Err(to_tensor(x));
    };
    let channels = dims[1];
    assert!([&weight, &bias].iter().all(|t| t.meta.shape().num_elements() == channels), "a value for each channel");
    let plane: usize = dims[2..].iter().product();
    let (all, size) = (dims[0] * groups, dims[1] / groups * plane);
    let part = PART.max(size.div_ceil(PARTS));
    let parts = size.div_ceil(part);
    let (moments, y) = (empty_like(&x, [all, parts, 2]), empty_like(&x, dims));
    let client = x.client.clone();
    let cubes = || CubeCount::Static(parts as u32, all as u32, 1);
    // SAFETY: every part ends at `size`, so within its group; `moments` has two values for each part.
    unsafe {
        measure_parts::launch_unchecked(
            &client,
            cubes(),
            CubeDim::new_1d(UNITS),
            x.clone().into_buffer_arg(),
            moments.clone().into_buffer_arg(),
            size as u32,
            part as u32,
            UNITS,
        );
    }
    // SAFETY: as above; weight and bias have a value for each channel, which is checked.
    unsafe {
        normalise_parts::launch_unchecked(
            &client,
            cubes(),
            CubeDim::new_1d(UNITS),
            x.into_buffer_arg(),
            moments.into_buffer_arg(),
            weight.into_buffer_arg(),
            bias.into_buffer_arg(),
            y.clone().into_buffer_arg(),
            size as u32,
            part as u32,
            groups as u32,
            plane as u32,
            affine.epsilon as f32,
            UNITS,
            silu,
        );
    }
    Ok(to_tensor(y))
}

/// Normalises the channels of each position of `[batch, width, n]`.
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
pub(in super::super) fn layer_norm(x: Tensor<3>, affine: &Affine) -> Result<Tensor<3>, Tensor<3>> {
    let [batch, width, n] = x.dims();
    let x = float_values(x)?;
    let [Ok(weight), Ok(bias)] = [affine.weight, affine.bias].map(|t| float_values(t.clone())) else {
        return Err(to_tensor(x));
    };
    assert!([&weight, &bias].iter().all(|t| t.meta.shape().num_elements() == width), "a value for each channel");
    let y = empty_like(&x, [batch, width, n]);
    // SAFETY: units stay below `n` and `width`; weight and bias have `width` values, which is checked.
    unsafe {
        normalise_positions::launch_unchecked(
            &x.client.clone(),
            CubeCount::Static(n.div_ceil(POSITIONS as usize) as u32, batch as u32, 1),
            CubeDim::new_2d(POSITIONS, LANES),
            x.into_buffer_arg(),
            weight.into_buffer_arg(),
            bias.into_buffer_arg(),
            y.clone().into_buffer_arg(),
            width as u32,
            n as u32,
            affine.epsilon as f32,
        );
    }
    Ok(to_tensor(y))
}

/// The sum of `value` over a workgroup of `units` (a power of two), known to every unit.
#[cube]
fn sum(value: f32, #[comptime] units: u32) -> f32 {
    let mut sums = Shared::new_slice(units as usize);
    let unit = UNIT_POS as usize;
    sums[unit] = value;
    let mut half = (units as usize / 2).runtime();
    while half > 0 {
        sync_cube();
        if unit < half {
            sums[unit] += sums[unit + half];
        }
        half /= 2;
    }
    sync_cube();
    let all = sums[0];
    // No unit may begin the next sum before all have read this one.
    sync_cube();
    all
}

/// Mean, and sum of squared distances from it, of each part of each group.
#[cube(launch_unchecked)]
fn measure_parts(x: &[f32], moments: &mut [f32], size: u32, part: u32, #[comptime] units: u32) {
    let first = CUBE_POS_X * part;
    let last = min(first + part, size);
    let start = (CUBE_POS_Y * size) as usize;
    let count = (last - first) as f32;

    let mut total = 0.0f32;
    let mut i = first + UNIT_POS;
    while i < last {
        total += x[start + i as usize];
        i += units;
    }
    let mean = sum(total, units) / count;

    let mut squares = 0.0f32;
    let mut i = first + UNIT_POS;
    while i < last {
        let off = x[start + i as usize] - mean;
        squares += off * off;
        i += units;
    }
    let squares = sum(squares, units);
    if UNIT_POS == 0 {
        let slot = 2 * (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) as usize;
        moments[slot] = mean;
        moments[slot + 1] = squares;
    }
}

/// Puts the parts' moments together (Chan et al., 1979) and normalises one part.
#[cube(launch_unchecked)]
fn normalise_parts(
    x: &[f32],
    moments: &[f32],
    weight: &[f32],
    bias: &[f32],
    y: &mut [f32],
    size: u32,
    part: u32,
    groups: u32,
    plane: u32,
    epsilon: f32,
    #[comptime] units: u32,
    #[comptime] silu: bool,
) {
    let parts = CUBE_COUNT_X;
    // A group has fewer parts than a workgroup has units.
    let mut count = 0.0f32;
    let mut mean_here = 0.0f32;
    let mut squares_here = 0.0f32;
    if UNIT_POS < parts {
        let slot = 2 * (CUBE_POS_Y * parts + UNIT_POS) as usize;
        count = (min((UNIT_POS + 1) * part, size) - UNIT_POS * part) as f32;
        mean_here = moments[slot];
        squares_here = moments[slot + 1];
    }
    let mean = sum(count * mean_here, units) / size as f32;
    let off = mean_here - mean;
    let variance = sum(squares_here + count * off * off, units) / size as f32;
    let scale = 1.0 / f32::sqrt(variance + epsilon);

    let first = CUBE_POS_X * part;
    let last = min(first + part, size);
    let start = (CUBE_POS_Y * size) as usize;
    let channel = (CUBE_POS_Y % groups) * (size / plane);
    let mut i = first + UNIT_POS;
    while i < last {
        let c = (channel + i / plane) as usize;
        let normal = (x[start + i as usize] - mean) * scale * weight[c] + bias[c];
        if silu {
            y[start + i as usize] = normal / (1.0 + f32::exp(-normal));
        } else {
            y[start + i as usize] = normal;
        }
        i += units;
    }
}

/// Sums over the channels of each of a workgroup's positions.
#[cube]
fn sum_lanes(value: f32) -> f32 {
    let mut sums = Shared::new_slice(comptime!(UNITS as usize));
    sums[UNIT_POS as usize] = value;
    sync_cube();
    let mut all = 0.0f32;
    #[unroll]
    for lane in 0..comptime!(LANES) {
        all += sums[(lane * comptime!(POSITIONS) + UNIT_POS_X) as usize];
    }
    sync_cube();
    all
}

#[cube(launch_unchecked)]
fn normalise_positions(x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32], width: u32, n: u32, epsilon: f32) {
    let position = CUBE_POS_X * comptime!(POSITIONS) + UNIT_POS_X;
    // Units behind the last position stay to the end and add nothing: all units of a workgroup wait for each other.
    let here = position < n;
    let start = CUBE_POS_Y * width * n + position;

    let mut total = 0.0f32;
    let mut c = UNIT_POS_Y;
    while here && c < width {
        total += x[(start + c * n) as usize];
        c += comptime!(LANES);
    }
    let mean = sum_lanes(total) / width as f32;

    let mut squares = 0.0f32;
    let mut c = UNIT_POS_Y;
    while here && c < width {
        let off = x[(start + c * n) as usize] - mean;
        squares += off * off;
        c += comptime!(LANES);
    }
    let scale = 1.0 / f32::sqrt(sum_lanes(squares) / width as f32 + epsilon);

    let mut c = UNIT_POS_Y;
    while here && c < width {
        let i = (start + c * n) as usize;
        y[i] = (x[i] - mean) * scale * weight[c as usize] + bias[c as usize];
        c += comptime!(LANES);
    }
}
