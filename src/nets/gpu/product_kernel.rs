//! The kernel of every product: linear layers, convolutions as implicit products, and both products of attention.
//!
//! Apart from the rules that choose its tiles and launch it.

use cubecl::prelude::*;

/// Units on each axis of a workgroup's tile.
pub(super) const SIDE: u32 = 16;
/// Elements of each factor that a unit loads for a tile: `SIDE * outputs * depth / (SIDE * SIDE)` for both sorts of tile.
const LOADS: u32 = 4;

/// Flags of [`Sizes::terms`].
pub(super) const BIAS: u32 = 1;
pub(super) const SHIFT: u32 = 2;
pub(super) const RESIDUAL: u32 = 4;

/// Sizes, all in elements. A "tap" is one position of a convolution's kernel; a plain product has one.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Sizes {
    /// Rows of the left factor and of the result.
    pub rows: u32,
    /// Columns of the right factor and of the result, the positions of a picture row by row.
    pub columns: u32,
    /// The length of the sums at one tap.
    pub inputs: u32,
    /// Between samples of the left factor; 0 where all have the same.
    pub left_batch: u32,
    /// Between its rows.
    pub left_row: u32,
    /// Between the elements of a row, of which there are `taps * inputs`.
    pub left_column: u32,
    /// Between samples of the right factor.
    pub right_batch: u32,
    /// Between its channels.
    pub right_channel: u32,
    /// Its first column.
    pub right_first: u32,
    /// Between samples of the result.
    pub out_batch: u32,
    /// Between its rows.
    pub out_row: u32,
    /// Its first column.
    pub out_first: u32,
    /// Samples.
    pub batch: u32,
    /// Parts that every sum is cut into; each is stored after the other, `out_part` apart.
    pub parts: u32,
    pub out_part: u32,
    /// Which of [`BIAS`], [`SHIFT`], [`RESIDUAL`] are added.
    pub terms: u32,
}

/// How the columns of the right factor lie on a picture.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Window {
    /// Side of the convolution's kernel.
    pub kernel: u32,
    pub stride: u32,
    /// Rows and columns of zeros before the picture.
    pub padding: u32,
    /// The picture as it is stored.
    pub height: u32,
    pub width: u32,
    /// The picture as it is convolved, resized to by nearest neighbours.
    pub resized_height: u32,
    pub resized_width: u32,
    /// Of the result.
    pub out_width: u32,
}

/// `result[m, n] = sum over taps t and inputs c of left[m, (t, c)] * right[c, position of n at t]`, plus the terms.
///
/// A workgroup of 16 x 16 units computes a tile of `16 * outputs` by `16 * outputs`, in slices of `depth` along the sums.
/// Each slice is summed by itself before it is added, so that rounding grows with the number of slices.
#[cube(launch)]
pub(super) fn multiply<W: Float>(
    left: &[W],
    right: &[f32],
    bias: &[f32],
    shift: &[f32],
    residual: &[f32],
    result: &mut [f32],
    sizes: Sizes,
    window: Window,
    #[comptime] outputs: u32,
    #[comptime] depth: u32,
    #[comptime] left_by_rows: bool,
) {
    let side = comptime!(SIDE * outputs);
    // One more than a row, so that a column's elements lie in different banks.
    let pitch = comptime!(SIDE * outputs + 1);
    let mut left_tile = Shared::<[f32]>::new_slice(comptime!((depth * (SIDE * outputs + 1)) as usize));
    let mut right_tile = Shared::<[f32]>::new_slice(comptime!((depth * SIDE * outputs) as usize));

    let unit = UNIT_POS;
    let (unit_row, unit_column) = (unit / SIDE, unit % SIDE);
    let (first_row, first_column) = (CUBE_POS_Y * side, CUBE_POS_X * side);
    let (sample, part) = (CUBE_POS_Z / sizes.parts, CUBE_POS_Z % sizes.parts);

    // What this unit loads: one column of the right factor, and one row or one column of the left.
    let column = unit % side;
    let n = first_column + column;
    let (out_y, out_x) = (n / window.out_width, n % window.out_width);
    let right_start = sample * sizes.right_batch + sizes.right_first;
    let left_start = sample * sizes.left_batch;

    let slices_per_tap = (sizes.inputs + depth - 1) / depth;
    let slices = slices_per_tap * window.kernel * window.kernel;
    let per_part = (slices + sizes.parts - 1) / sizes.parts;
    let mut slice = part * per_part;
    let last = min(slice + per_part, slices);
    let mut tap = slice / slices_per_tap;
    let mut first_input = (slice % slices_per_tap) * depth;
    let mut pixel = 0u32;
    let mut inside = false;
    let mut new_tap = true;

    let mut total = Array::<f32>::new(comptime!((outputs * outputs) as usize));
    #[unroll]
    for i in 0..comptime!((outputs * outputs) as usize) {
        total[i] = 0.0f32;
    }
    while slice < last {
        if new_tap {
            // A row before the first wraps around to a large number.
            let y = out_y * window.stride + tap / window.kernel - window.padding;
            let x = out_x * window.stride + tap % window.kernel - window.padding;
            inside = n < sizes.columns && y < window.resized_height && x < window.resized_width;
            pixel =
                (y * window.height / window.resized_height) * window.width + x * window.width / window.resized_width;
        }
        #[unroll]
        for i in 0..LOADS {
            let k = unit / side + i * comptime!(SIDE / outputs);
            let mut value = 0.0f32;
            if inside && first_input + k < sizes.inputs {
                value = right[(right_start + (first_input + k) * sizes.right_channel + pixel) as usize];
            }
            right_tile[(k * side + column) as usize] = value;
        }
        #[unroll]
        for i in 0..LOADS {
            let mut row = unit % side;
            let mut k = unit / side + i * comptime!(SIDE / outputs);
            if left_by_rows {
                row = unit / depth + i * comptime!(SIDE * SIDE / depth);
                k = unit % depth;
            }
            let mut value = 0.0f32;
            if first_row + row < sizes.rows && first_input + k < sizes.inputs {
                let along = tap * sizes.inputs + first_input + k;
                let at = left_start + (first_row + row) * sizes.left_row + along * sizes.left_column;
                value = f32::cast_from(left[at as usize]);
            }
            left_tile[(k * pitch + row) as usize] = value;
        }
        sync_cube();

        let mut sum = Array::<f32>::new(comptime!((outputs * outputs) as usize));
        #[unroll]
        for i in 0..comptime!((outputs * outputs) as usize) {
            sum[i] = 0.0f32;
        }
        for k in 0..depth {
            let mut factor = Array::<f32>::new(comptime!(outputs as usize));
            #[unroll]
            for j in 0..outputs {
                factor[j as usize] = right_tile[(k * side + unit_column + j * SIDE) as usize];
            }
            #[unroll]
            for i in 0..outputs {
                let weight = left_tile[(k * pitch + unit_row + i * SIDE) as usize];
                #[unroll]
                for j in 0..outputs {
                    sum[(i * outputs + j) as usize] += weight * factor[j as usize];
                }
            }
        }
        #[unroll]
        for i in 0..comptime!((outputs * outputs) as usize) {
            total[i] += sum[i];
        }
        // No unit may load the next slice before all have used this one.
        sync_cube();

        slice += 1;
        first_input += depth;
        new_tap = first_input >= sizes.inputs;
        if new_tap {
            first_input = 0;
            tap += 1;
        }
    }

    let start = part * sizes.out_part + sample * sizes.out_batch + sizes.out_first;
    #[unroll]
    for i in 0..outputs {
        let m = first_row + unit_row + i * SIDE;
        #[unroll]
        for j in 0..outputs {
            let n = first_column + unit_column + j * SIDE;
            if m < sizes.rows && n < sizes.columns {
                let value = total[(i * outputs + j) as usize];
                let with_terms = add_terms(value, sample, m, n, bias, shift, residual, sizes.rows, sizes.columns, sizes.terms);
                result[(start + m * sizes.out_row + n) as usize] = with_terms;
            }
        }
    }
}

/// Adds the parts of sums that [`multiply`] stored, `[parts, batch, rows, columns]`, and the terms.
#[cube(launch)]
pub(super) fn add_parts(
    stored: &[f32],
    bias: &[f32],
    shift: &[f32],
    residual: &[f32],
    result: &mut [f32],
    sizes: Sizes,
) {
    let plane = sizes.rows * sizes.columns;
    let mut i = CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X;
    while i < plane * sizes.batch {
        let mut value = 0.0f32;
        for part in 0..sizes.parts {
            value += stored[(part * sizes.out_part + i) as usize];
        }
        let (sample, at) = (i / plane, i % plane);
        let (m, n) = (at / sizes.columns, at % sizes.columns);
        result[i as usize] = add_terms(value, sample, m, n, bias, shift, residual, sizes.rows, sizes.columns, sizes.terms);
        i += CUBE_COUNT_X * CUBE_DIM_X;
    }
}

/// Adds `bias[m] + shift[sample, m] + residual[sample, m, n]`, as far as `terms` asks for them.
#[cube]
fn add_terms(
    value: f32,
    sample: u32,
    m: u32,
    n: u32,
    bias: &[f32],
    shift: &[f32],
    residual: &[f32],
    rows: u32,
    columns: u32,
    terms: u32,
) -> f32 {
    let mut value = value;
    if terms & BIAS != 0 {
        value += bias[m as usize];
    }
    if terms & SHIFT != 0 {
        value += shift[(sample * rows + m) as usize];
    }
    if terms & RESIDUAL != 0 {
        value += residual[((sample * rows + m) * columns + n) as usize];
    }
    value
}
