//! The kernel of every product: linear layers, convolutions as implicit products, and both products of attention.
//!
//! Apart from the rules that choose its tiles and launch it.

use cubecl::prelude::*;

/// Units on each axis of a workgroup's tile.
pub(super) const SIDE: u32 = 16;

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

/// Four numbers that are read and written at once.
type Four = Vector<f32, Const<4>>;

/// What a unit loads of the right factor: four columns next to each other, at one tap.
#[derive(CubeType)]
struct Columns {
    /// Where each lies in a channel of the picture.
    pixel: Array<u32>,
    /// Whether it does.
    inside: Array<bool>,
}

/// `result[m, n] = sum over taps t and inputs c of left[m, (t, c)] * right[c, position of n at t]`, plus the terms.
///
/// A workgroup of 16 x 16 units computes a tile of `64 * groups` by `64 * groups`, in slices of `depth` along the sums: a unit
/// computes `groups * groups` squares of 4 x 4, each 64 rows or columns from the next. Each slice is summed by itself before it
/// is added, so that rounding grows with the number of slices.
#[cube(launch_unchecked)]
pub(super) fn multiply<W: Float>(
    left: &[W],
    right: &[f32],
    bias: &[f32],
    shift: &[f32],
    residual: &[f32],
    result: &mut [f32],
    sizes: Sizes,
    window: Window,
    #[comptime] groups: u32,
    #[comptime] depth: u32,
    #[comptime] left_by_rows: bool,
) {
    let side = comptime!(4 * SIDE * groups);
    // In fours. One more than a row of the left tile has, so that units that write a column use different banks.
    let (pitch, fours) = (comptime!(SIDE * groups + 1), comptime!(SIDE * groups));
    let mut left_tile = Shared::<[Four]>::new_slice(comptime!((depth * (SIDE * groups + 1)) as usize));
    let mut right_tile = Shared::<[Four]>::new_slice(comptime!((depth * SIDE * groups) as usize));

    let unit = UNIT_POS;
    let (unit_row, unit_column) = (unit / SIDE, unit % SIDE);
    let (first_row, first_column) = (CUBE_POS_Y * side, CUBE_POS_X * side);
    let (sample, part) = (CUBE_POS_Z / sizes.parts, CUBE_POS_Z % sizes.parts);

    // A unit loads four columns of the right factor at one input, and four rows of the left one at one input.
    let (right_four, right_input) = (unit % fours, unit / fours);
    let mut left_four = unit % fours;
    let mut left_input = unit / fours;
    if left_by_rows {
        left_four = unit / depth;
        left_input = unit % depth;
    }
    let right_start = sample * sizes.right_batch + sizes.right_first;

    let slices_per_tap = sizes.inputs.div_ceil(depth);
    let slices = slices_per_tap * window.kernel * window.kernel;
    let per_part = slices.div_ceil(sizes.parts);
    let first = part * per_part;
    let mut columns = Columns { pixel: Array::new(4usize), inside: Array::new(4usize) };

    let mut total = zeros(groups);
    for slice in first..min(first + per_part, slices) {
        let (tap, first_input) = (slice / slices_per_tap, (slice % slices_per_tap) * depth);
        if slice == first || first_input == 0 {
            place(&mut columns, first_column + 4 * right_four, tap, sizes.columns, &window);
        }
        right_tile[(right_input * fours + right_four) as usize] =
            load_right(right, &columns, right_start, first_input + right_input, sizes.right_channel, sizes.inputs);
        left_tile[(left_input * pitch + left_four) as usize] =
            load_left(left, sample, first_row + 4 * left_four, tap, first_input + left_input, &sizes);
        sync_cube();
        add_slice(&mut total, &left_tile, &right_tile, unit_row, unit_column, groups, depth);
        // No unit may load the next slice before all have used this one.
        sync_cube();
    }
    let start = part * sizes.out_part + sample * sizes.out_batch + sizes.out_first;
    let (row, column) = (first_row + 4 * unit_row, first_column + 4 * unit_column);
    store(&total, result, start, row, column, sample, bias, shift, residual, &sizes, groups);
}

/// Writes a unit's squares, whose first element is `[row, column]`, with the terms added.
#[cube]
fn store(
    total: &Array<Four>,
    result: &mut [f32],
    start: u32,
    row: u32,
    column: u32,
    sample: u32,
    bias: &[f32],
    shift: &[f32],
    residual: &[f32],
    sizes: &Sizes,
    #[comptime] groups: u32,
) {
    #[unroll]
    for i in 0..comptime!(4 * groups) {
        let m = row + comptime!(i / 4 * 4 * SIDE + i % 4);
        #[unroll]
        for j in 0..comptime!(4 * groups) {
            let n = column + comptime!(j / 4 * 4 * SIDE + j % 4);
            if m < sizes.rows && n < sizes.columns {
                let value = total[comptime!((i * groups + j / 4) as usize)].extract(comptime!((j % 4) as usize));
                let (rows, columns) = (sizes.rows, sizes.columns);
                result[(start + m * sizes.out_row + n) as usize] =
                    add_terms(value, sample, m, n, bias, shift, residual, rows, columns, sizes.terms);
            }
        }
    }
}

/// The squares of a unit, all 0.
#[cube]
fn zeros(#[comptime] groups: u32) -> Array<Four> {
    let mut squares = Array::<Four>::new(comptime!((4 * groups * groups) as usize));
    #[unroll]
    for i in 0..comptime!((4 * groups * groups) as usize) {
        squares[i] = Four::new(0.0f32);
    }
    squares
}

/// Finds the pixels of four columns from `first` on at a tap.
#[cube]
fn place(at: &mut Columns, first: u32, tap: u32, columns: u32, window: &Window) {
    #[unroll]
    for i in 0..4u32 {
        let n = first + i;
        // A row before the first wraps around to a large number.
        let y = n / window.out_width * window.stride + tap / window.kernel - window.padding;
        let x = n % window.out_width * window.stride + tap % window.kernel - window.padding;
        at.inside[i as usize] = n < columns && y < window.resized_height && x < window.resized_width;
        at.pixel[i as usize] =
            y * window.height / window.resized_height * window.width + x * window.width / window.resized_width;
    }
}

/// Four columns of the right factor at `input`; 0 outside of it.
#[cube]
fn load_right(right: &[f32], at: &Columns, start: u32, input: u32, channel: u32, inputs: u32) -> Four {
    let mut four = Four::new(0.0f32);
    if input < inputs {
        let from = start + input * channel;
        #[unroll]
        for i in 0..4usize {
            if at.inside[i] {
                four.insert(i, right[(from + at.pixel[i]) as usize]);
            }
        }
    }
    four
}

/// Four rows of the left factor from `row` on, at `input` of a tap; 0 outside of it.
#[cube]
fn load_left<W: Float>(left: &[W], sample: u32, row: u32, tap: u32, input: u32, sizes: &Sizes) -> Four {
    let mut four = Four::new(0.0f32);
    if input < sizes.inputs {
        let start = sample * sizes.left_batch + (tap * sizes.inputs + input) * sizes.left_column;
        #[unroll]
        for i in 0..4usize {
            let m = row + comptime!(i as u32);
            if m < sizes.rows {
                four.insert(i, f32::cast_from(left[(start + m * sizes.left_row) as usize]));
            }
        }
    }
    four
}

/// Adds a slice's product to the squares of a unit.
#[cube]
fn add_slice(
    total: &mut Array<Four>,
    left: &[Four],
    right: &[Four],
    unit_row: u32,
    unit_column: u32,
    #[comptime] groups: u32,
    #[comptime] depth: u32,
) {
    let mut sum = zeros(groups);
    for k in 0..depth {
        #[unroll]
        for a in 0..groups {
            let weights = left[(k * comptime!(SIDE * groups + 1) + comptime!(a * SIDE) + unit_row) as usize];
            #[unroll]
            for b in 0..groups {
                let factors = right[(k * comptime!(SIDE * groups) + comptime!(b * SIDE) + unit_column) as usize];
                #[unroll]
                for i in 0..4u32 {
                    let at = comptime!(((4 * a + i) * groups + b) as usize);
                    sum[at] += Four::new(weights.extract(comptime!(i as usize))) * factors;
                }
            }
        }
    }
    #[unroll]
    for i in 0..comptime!((4 * groups * groups) as usize) {
        total[i] += sum[i];
    }
}

/// Adds the parts of sums that [`multiply`] stored, `[parts, batch, rows, columns]`, and the terms.
#[cube(launch_unchecked)]
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
        result[i as usize] =
            add_terms(value, sample, m, n, bias, shift, residual, sizes.rows, sizes.columns, sizes.terms);
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
