//! softmax(k^T q / sqrt(d)) and its product with v, by blocks of queries.
#![allow(unsafe_code, reason = "tasks on several threads write disjoint columns of one output")]

use burn::tensor::Tensor;
use rten_simd::{
    Isa, SimdOp, SimdUnaryOp,
    ops::{BitOps, FloatOps, NumOps},
};
use rten_vecmath::Exp;

use super::{
    element::{Element, Pair, Rows},
    memory::{filled, recycle, scratch},
    product::{Columns, Matrix, Places, Product, pack, packed_len},
    team,
    tile::Target,
    values::{self, Values},
};
use crate::nets::Precision;

/// Queries of a block: a multiple of all tile widths, so that only the last block has a ragged end.
const BLOCK: usize = 48;
/// Values of a map that are averaged over heads in one task.
const MEAN_PART: usize = 8 << 10;
/// Scores of a block that stay in a second-level cache: 512 KiB.
const SCORES: usize = 128 << 10;

/// Sizes of one attention.
#[derive(Clone, Copy)]
struct Sizes {
    heads: usize,
    /// Width of a head.
    d: usize,
    /// Queries.
    n: usize,
    /// Keys.
    l: usize,
    /// Queries of a block.
    block: usize,
    causal: bool,
}

/// Query `[batch, width, n]`, key and value `[batch, width, l]` to `[batch, width, n]`. `causal` hides keys after the
/// query's own position. With `map`, also the first sample's probabilities `[l, n]`, mean over heads.
pub(in super::super) fn attend(
    parts: [&Values; 3],
    dims: [usize; 4],
    heads: usize,
    causal: bool,
    map: bool,
    precision: Precision,
) -> (Tensor<3>, Option<Tensor<2>>) {
    let [_, width, n, l] = dims;
    let block = (SCORES / l.max(1) / BLOCK * BLOCK).clamp(BLOCK, 4 * BLOCK);
    let sizes = Sizes { heads, d: width / heads, n, l, block, causal };
    match precision {
        Precision::F32 => sizes.attend::<f32>(parts, dims[0], map),
        Precision::Bf16 => sizes.attend::<Pair>(parts, dims[0], map),
    }
}

/// Keys, scaled, as the matrix of the first product; values as that of the second.
struct Packed<E> {
    keys: Vec<E>,
    values: Vec<E>,
}

impl Sizes {
    fn attend<E: Element>(
        self,
        [query, key, value]: [&Values; 3],
        batch: usize,
        map: bool,
    ) -> (Tensor<3>, Option<Tensor<2>>) {
        let Self { heads, d, n, l, block, .. } = self;
        let packed = self.packed::<E>(key, value, batch * heads);
        let blocks = n.div_ceil(block);
        let tasks = batch * heads * blocks;
        let mut out = Vec::new();
        // SAFETY: each task writes all rows of its head for the queries of its block, in `out` and, of the first
        // sample, in `seen`; together that is everything.
        let seen = unsafe {
            filled(if map { heads * l * n } else { 0 }, |seen| {
                let kept = Target::of(seen);
                out = filled(batch * heads * d * n, |out| {
                    let out = Target::of(out);
                    team::each(tasks, |task| {
                        let (head, block) = (task / blocks, task % blocks);
                        let query = &query[head * d * n..][..d * n];
                        let probabilities = (map && head < heads).then(|| kept.at(head * l * n));
                        self.block_of(&packed[head], query, block, out.at(head * d * n), probabilities);
                    });
                });
            })
        };
        let map = map.then(|| mean_over_heads(&seen, self));
        recycle(seen);
        (values::tensor(out, [batch, heads * d, n]), map)
    }

    fn packed<E: Element>(self, key: &Values, value: &Values, heads: usize) -> Vec<Packed<E>> {
        let Self { d, l, .. } = self;
        let scale = 1.0 / (d as f32).sqrt();
        let [d_elements, l_elements] = [d, l].map(|depth| depth.div_ceil(E::SPAN));
        let mut packed: Vec<Packed<E>> = (0..heads).map(|_| Packed { keys: Vec::new(), values: Vec::new() }).collect();
        team::each_part(&mut packed, 1, |head, packed| {
            let (key, value) = (&key[head * d * l..][..d * l], &value[head * d * l..][..d * l]);
            let mut keys = vec![E::default(); packed_len(l, d_elements)];
            let mut values = vec![E::default(); packed_len(d, l_elements)];
            // What is missing for the last element is zero.
            let within = |k: usize, depth: usize, value: &dyn Fn(usize) -> f32| if k < depth { value(k) } else { 0.0 };
            pack(&mut keys, [l, d_elements, 1], |position, k| {
                E::of(|i| within(k * E::SPAN + i, d, &|k| key[k * l + position] * scale))
            });
            pack(&mut values, [d, l_elements, 1], |row, k| {
                E::of(|i| within(k * E::SPAN + i, l, &|position| value[row * l + position]))
            });
            packed[0] = Packed { keys, values };
        });
        packed
    }

    /// One head, one block of queries; `query` and `out` are `[d, n]`, `kept` `[l, n]`.
    ///
    /// # Safety
    /// `out` and `kept` are that large, and nobody else touches this block's columns meanwhile.
    unsafe fn block_of<E: Element>(
        &self,
        packed: &Packed<E>,
        query: &[f32],
        block: usize,
        out: Target,
        kept: Option<Target>,
    ) {
        let Self { d, n, l, .. } = *self;
        let first = block * self.block;
        let count = self.block.min(n - first);
        // Whole vectors also at a ragged end.
        let stride = count.next_multiple_of(16);
        scratch(l * stride, |scores: &mut [f32]| {
            let rows = Rows { data: query, depth: d, stride: n, first, count };
            // SAFETY: `scores` is this task's own, l rows of `stride` floats.
            unsafe { product(&packed.keys, l, rows, Target::of_values(scores), stride) };
            Softmax { scores, stride, visible: self.causal.then_some(first) }.dispatch();
            if let Some(kept) = kept {
                for (j, row) in scores.chunks_exact(stride).enumerate() {
                    // SAFETY: row j < l of `[l, n]`, columns of this block, which are this task's own.
                    unsafe { kept.at(j * n + first).write(&row[..count]) };
                }
            }
            let rows = Rows { data: scores, depth: l, stride, first: 0, count };
            // SAFETY: d rows of n floats are the caller's promise; columns first..first + count are this block's.
            unsafe { product(&packed.values, d, rows, out.at(first), n) };
        });
    }
}

/// `panels`, of `height` rows, times `rows` to rows of `out` that are `channel` apart.
///
/// # Safety
/// `out` has such rows, and nobody else reads or writes them meanwhile.
unsafe fn product<E: Element>(panels: &[E], height: usize, rows: Rows, out: Target, channel: usize) {
    let count = rows.count;
    E::lend(rows, |data, starts| {
        let columns = Columns { data, starts, height: 1, width: count, stride: count };
        let matrix = Matrix { panels, rows: height, depth: starts.len(), taps: 1 };
        let product = Product { matrix, columns, bias: None, residual: None, places: Places::dense(channel, count) };
        // SAFETY: the caller's promise.
        unsafe { product.fill_here(out) };
    });
}

/// Makes each column of scores, `[keys, stride]`, a distribution.
pub(super) struct Softmax<'a> {
    pub(super) scores: &'a mut [f32],
    pub(super) stride: usize,
    /// Column c sees keys up to this plus c.
    pub(super) visible: Option<usize>,
}

impl SimdOp for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { scores, stride, visible } = self;
        let ops = isa.f32();
        let lanes = ops.len();
        if let Some(first) = visible {
            for (j, row) in scores.chunks_exact_mut(stride).enumerate() {
                let hidden = j.saturating_sub(first).min(stride);
                row[..hidden].fill(f32::NEG_INFINITY);
            }
        }
        for column in (0..stride).step_by(lanes) {
            let column = column..column + lanes;
            let mut highest = ops.splat(f32::NEG_INFINITY);
            for row in scores.chunks_exact(stride) {
                highest = ops.max(highest, ops.load(&row[column.clone()]));
            }
            let mut sum = ops.zero();
            for row in scores.chunks_exact_mut(stride) {
                let row = &mut row[column.clone()];
                let value = Exp::apply(isa, ops.sub(ops.load(row), highest));
                sum = ops.add(sum, value);
                ops.store(value, row);
            }
            let share = ops.div(ops.one(), sum);
            for row in scores.chunks_exact_mut(stride) {
                let row = &mut row[column.clone()];
                ops.store(ops.mul(ops.load(row), share), row);
            }
        }
    }
}

/// `[heads, l, n]` to `[l, n]`.
fn mean_over_heads(seen: &[f32], Sizes { heads, n, l, .. }: Sizes) -> Tensor<2> {
    let mut map = seen[..l * n].to_vec();
    let share = 1.0 / heads as f32;
    team::each_part(&mut map, MEAN_PART, |part, values| {
        let first = part * MEAN_PART;
        for head in 1..heads {
            let more = &seen[head * l * n + first..][..values.len()];
            values.iter_mut().zip(more).for_each(|(sum, value)| *sum += value);
        }
        values.iter_mut().for_each(|sum| *sum *= share);
    });
    values::tensor(map, [l, n])
}
