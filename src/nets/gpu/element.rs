//! Functions of single values.
//!
//! Apart from the norms because no unit needs what another computes.

use burn::tensor::Tensor;
use cubecl::prelude::*;

use super::tensors::{UNITS, empty_like, float_values, to_tensor};

/// Workgroups on one axis at most: every device that wgpu knows takes as many.
const CUBES: usize = 65535;

/// The first half of the channels times gelu (with the error function) of the second: `[batch, 2 * width, n]` to
/// `[batch, width, n]`.
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
pub(in super::super) fn geglu(x: Tensor<3>) -> Result<Tensor<3>, Tensor<3>> {
    let [batch, channels, n] = x.dims();
    let x = float_values(x)?;
    let y = empty_like(&x, [batch, channels / 2, n]);
    let half = channels / 2 * n;
    gate::launch(
        &x.client.clone(),
        cubes(half, batch),
        CubeDim::new_1d(UNITS),
        x.into_buffer_arg(),
        y.clone().into_buffer_arg(),
        half as u32,
    );
    Ok(to_tensor(y))
}

/// x * sigmoid(x).
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
pub(in super::super) fn silu<const D: usize>(x: Tensor<D>) -> Result<Tensor<D>, Tensor<D>> {
    let dims = x.dims();
    let x = float_values(x)?;
    let y = empty_like(&x, dims);
    let count = dims.iter().product();
    each_silu::launch(
        &x.client.clone(),
        cubes(count, 1),
        CubeDim::new_1d(UNITS),
        x.into_buffer_arg(),
        y.clone().into_buffer_arg(),
        count as u32,
    );
    Ok(to_tensor(y))
}

/// The channels of `first` `[batch, c1, h, w]`, then those of `second` `[batch, c2, h, w]`. `None` where they are on no GPU.
pub(in super::super) fn join_channels(first: &Tensor<4>, second: &Tensor<4>) -> Option<Tensor<4>> {
    let ([batch, c1, h, w], [_, c2, ..]) = (first.dims(), second.dims());
    let (first, second) = (float_values(first.clone()).ok()?, float_values(second.clone()).ok()?);
    let joined = empty_like(&first, [batch, c1 + c2, h, w]);
    let (size, all) = (h * w, (c1 + c2) * h * w);
    for (part, channels, start) in [(first, c1, 0), (second, c2, c1 * size)] {
        copy_rows::launch(
            &joined.client,
            cubes(channels * size, batch),
            CubeDim::new_1d(UNITS),
            part.into_buffer_arg(),
            joined.clone().into_buffer_arg(),
            (channels * size) as u32,
            all as u32,
            start as u32,
        );
    }
    Some(to_tensor(joined))
}

/// One unit per element, `rows` times. Where there are more elements than there may be units, units take several.
fn cubes(elements: usize, rows: usize) -> CubeCount {
    CubeCount::Static(elements.div_ceil(UNITS as usize).min(CUBES) as u32, rows as u32, 1)
}

#[cube(launch)]
fn gate(x: &[f32], y: &mut [f32], half: u32) {
    let (from, to) = (CUBE_POS_Y * 2 * half, CUBE_POS_Y * half);
    let mut i = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    while i < half {
        let gate = x[(from + half + i) as usize];
        let gelu = 0.5 * gate * (1.0 + Erf::erf(gate * comptime!(std::f32::consts::FRAC_1_SQRT_2)));
        y[(to + i) as usize] = x[(from + i) as usize] * gelu;
        i += CUBE_COUNT_X * CUBE_DIM_X;
    }
}

/// Copies rows of `size` values to `start` in rows of `row` values.
#[cube(launch)]
fn copy_rows(from: &[f32], to: &mut [f32], size: u32, row: u32, start: u32) {
    let mut i = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    while i < size {
        to[(CUBE_POS_Y * row + start + i) as usize] = from[(CUBE_POS_Y * size + i) as usize];
        i += CUBE_COUNT_X * CUBE_DIM_X;
    }
}

#[cube(launch)]
fn each_silu(x: &[f32], y: &mut [f32], count: u32) {
    let mut i = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    while i < count {
        let value = x[i as usize];
        y[i as usize] = value / (1.0 + f32::exp(-value));
        i += CUBE_COUNT_X * CUBE_DIM_X;
    }
}
