//! The three transforms of minimal filtering: of inputs, of kernels, and of the sums of their products.
//!
//! Apart from the task because each is a formula of the papers on its own part of scratch memory.
#![allow(unsafe_code, reason = "vector loads through pointers whose range is checked once per piece")]

use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};

use super::{
    super::{
        disjoint::WriteTarget,
        element::Element,
        grid::Grid,
        instruction_set::{InstructionSet, MAX_LANES},
        matrix::ROWS,
    },
    blocks::{Blocks, Piece},
    filtering::{Filtering, PLACES, padded},
};

/// The channel that stands at place `k` of a sum over channels, and the other way round: of two planes side by side the
/// first values come before the second.
#[inline(always)]
fn swapped<E: Element>(k: usize) -> usize {
    let (group, value, plane) = (k / (2 * E::SPAN), k / 2 % E::SPAN, k % 2);
    (group * 2 + plane) * E::SPAN + value
}

/// Writes `B' d B` of all tiles of these channels to `to`: per block of columns, per place, `[channels][width of the block]`,
/// and slack.
#[inline(always)]
pub(super) fn transform_inputs<I: InstructionSet, E: Element>(
    isa: I,
    filtering: &Filtering<E>,
    (blocks, pieces): (Blocks, &[Piece]),
    channels: Range<usize>,
    to: &mut [f32],
) {
    let ops = isa.f32();
    let count = padded::<E>(channels.len());
    let Grid { row, phase, plane, .. } = *filtering.layout;
    let step = blocks.inputs(0, 1, count);
    // Where the values of a tile's row y and column x lie, behind those of its first.
    let offset = |y: usize, x: usize| (y % 2 * 2 + x % 2) * phase + y / 2 * row + x / 2;
    for k in 0..count {
        let channel = channels.start + swapped::<E>(k);
        for piece in pieces {
            let width = blocks.vectors_of(piece.block) * blocks.lanes;
            let first = blocks.inputs(piece.block, 0, count) + k * width + piece.place;
            if channel >= channels.end {
                for place in 0..PLACES {
                    to[first + place * step..][..piece.len].fill(0.0);
                }
                continue;
            }
            let from = channel * plane + piece.down * row + piece.right;
            // The last vector begins before the end of the piece. It reads behind the piece's tiles: later planes, or slack.
            let inputs = &filtering.inputs[from..][..piece.len + offset(3, 3) + blocks.lanes - 1];
            for at in (0..piece.len).step_by(blocks.lanes) {
                let mut columns = [[ops.zero(); 4]; 4];
                for (x, column) in columns.iter_mut().enumerate() {
                    for (y, value) in column.iter_mut().enumerate() {
                        // SAFETY: `at < piece.len`, and no offset is larger than that of (3, 3): the phases of earlier rows
                        // and columns lie before the last. So the vector ends inside `inputs`.
                        *value = unsafe { ops.load_ptr(inputs.as_ptr().add(at + offset(y, x))) };
                    }
                    *column = differences(isa, *column);
                }
                for (y, line) in transposed(columns).into_iter().enumerate() {
                    for (x, value) in differences(isa, line).into_iter().enumerate() {
                        // Behind the end of the piece stands what later pieces and channels write, or slack.
                        ops.store(value, &mut to[first + at + (4 * y + x) * step..]);
                    }
                }
            }
        }
    }
}

/// Writes `G g G'` of a panel for these channels to `to`, per place `[channels][8]`: vectors hold rows and, where they are
/// that long, two planes.
#[inline(always)]
pub(super) fn transform_kernels<I: InstructionSet, E: Element>(
    isa: I,
    filtering: &Filtering<E>,
    panel: usize,
    channels: Range<usize>,
    to: &mut [f32],
) {
    let lanes = isa.f32().len();
    let step = padded::<E>(channels.len()) * ROWS;
    for (i, group) in channels.step_by(2 * E::SPAN).enumerate() {
        let taps = &filtering.matrix.from(panel, group / E::SPAN * 9)[..9 * 2 * ROWS];
        for half in 0..E::SPAN {
            for at in (0..2 * ROWS).step_by(lanes) {
                let tap = |tap: usize| E::values(isa, &taps[tap * 2 * ROWS + at..], half);
                let lines = [
                    halves(isa, [tap(0), tap(1), tap(2)]),
                    halves(isa, [tap(3), tap(4), tap(5)]),
                    halves(isa, [tap(6), tap(7), tap(8)]),
                ];
                for (x, column) in transposed(lines).into_iter().enumerate() {
                    for (y, value) in halves(isa, column).into_iter().enumerate() {
                        let place = (4 * y + x) * step + (i * E::SPAN + half) * 2 * ROWS + at;
                        isa.f32().store(value, &mut to[place..place + lanes]);
                    }
                }
            }
        }
    }
}

/// Writes `A' m A` of a panel, with bias and residual, to where outputs go. `sums` are those of the panel's slot.
///
/// # Safety
/// Nothing else uses the outputs of this panel and of these pieces meanwhile.
#[inline(always)]
pub(super) unsafe fn transform_outputs<I: InstructionSet, E: Element>(
    isa: I,
    filtering: &Filtering<E>,
    (blocks, pieces): (Blocks, &[Piece]),
    (panel, slot): (usize, usize),
    sums: &[f32],
    out: WriteTarget,
) {
    let ops = isa.f32();
    let Filtering { matrix, height, width, bias, residual, .. } = *filtering;
    let step = blocks.sums(0, 1, 0);
    for piece in pieces {
        let wide = blocks.vectors_of(piece.block) * blocks.lanes;
        for row in 0..(matrix.rows() - panel * ROWS).min(ROWS) {
            let channel = panel * ROWS + row;
            let bias = ops.splat(bias.map_or(0.0, |b| b[channel]));
            let first = blocks.sums(slot, 0, piece.block) + row * wide + piece.place;
            for at in (0..piece.len).step_by(blocks.lanes) {
                let mut columns = [[ops.zero(); 2]; 4];
                for (x, column) in columns.iter_mut().enumerate() {
                    let mut values = [ops.zero(); 4];
                    for (y, value) in values.iter_mut().enumerate() {
                        *value = ops.load(&sums[first + at + (4 * y + x) * step..]);
                    }
                    *column = totals(isa, values);
                }
                let x = 2 * (piece.right + at);
                let count = (2 * (piece.len - at).min(blocks.lanes)).min(width - x);
                for (y, line) in transposed(columns).into_iter().enumerate() {
                    let [even, odd] = totals(isa, line);
                    let line = 2 * piece.down + y;
                    if line < height {
                        let mut pair = [0.0; 2 * MAX_LANES];
                        interleave(isa, ops.add(even, bias), ops.add(odd, bias), &mut pair);
                        let place = channel * height * width + line * width + x;
                        let values = &mut pair[..count];
                        if let Some(residual) = residual {
                            let more = &residual[place..place + count];
                            values.iter_mut().zip(more).for_each(|(value, more)| *value += more);
                        }
                        // SAFETY: x + count <= width and line < height, so these are outputs of this channel and of this
                        // piece's tiles. The slice ends here.
                        unsafe { out.slice(place..place + count) }.write_copy_of_slice(values);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn transposed<T: Copy, const M: usize, const N: usize>(from: [[T; M]; N]) -> [[T; N]; M] {
    let mut to = [[from[0][0]; N]; M];
    for (y, line) in to.iter_mut().enumerate() {
        for (x, value) in line.iter_mut().enumerate() {
            *value = from[x][y];
        }
    }
    to
}

/// `B'` times four values.
#[inline(always)]
fn differences<I: InstructionSet>(isa: I, [a, b, c, d]: [I::F32; 4]) -> [I::F32; 4] {
    let ops = isa.f32();
    [ops.sub(a, c), ops.add(b, c), ops.sub(c, b), ops.sub(b, d)]
}

/// `A'` times four values.
#[inline(always)]
fn totals<I: InstructionSet>(isa: I, [a, b, c, d]: [I::F32; 4]) -> [I::F32; 2] {
    let ops = isa.f32();
    [ops.add(ops.add(a, b), c), ops.sub(ops.sub(b, c), d)]
}

/// `G` times three values.
#[inline(always)]
fn halves<I: InstructionSet>(isa: I, [a, b, c]: [I::F32; 3]) -> [I::F32; 4] {
    let ops = isa.f32();
    let half = ops.splat(0.5);
    let (ends, middle) = (ops.mul(half, ops.add(a, c)), ops.mul(half, b));
    [a, ops.add(ends, middle), ops.sub(ends, middle), c]
}

/// `even[0], odd[0], even[1], ..`.
#[inline(always)]
fn interleave<I: InstructionSet>(isa: I, even: I::F32, odd: I::F32, to: &mut [f32; 2 * MAX_LANES]) {
    let ops = isa.f32();
    let (mut evens, mut odds) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
    ops.store(even, &mut evens);
    ops.store(odd, &mut odds);
    for i in 0..MAX_LANES {
        to[2 * i] = evens[i];
        to[2 * i + 1] = odds[i];
    }
}
