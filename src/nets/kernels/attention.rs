//! softmax(k^T q / sqrt(d)) and its product with v, a few queries at a time.
//!
//! Keys are taken some at a time, whose scores a first-level cache holds, and what they bring is added to running sums: as
//! in Milakov and Gimelshein, Online normalizer calculation for softmax (2018), and Dao et al., FlashAttention (2022).
#![allow(unsafe_code, reason = "vectors through pointers, and tasks on several threads write disjoint columns")]

use std::{
    f32::consts::{LN_2, LOG2_E},
    mem::{self, MaybeUninit},
    ops::Range,
};

use burn::tensor::Tensor;
use rten_simd::{
    Isa, Simd, SimdOp,
    ops::{BitOps, FloatOps, IntOps, NumOps},
};

use super::{
    inner::{Inner, Singles},
    memory::{filled, recycle, scratch},
    product::ROWS,
    tile::{Target, copy_few, tile_size},
    values::{self, Values},
    worker_pool,
};

/// Queries of a task: a multiple of all tile widths, so that only the last one has a ragged end.
const QUERIES: usize = 48;
/// Keys whose scores are held at a time: 24 KiB for the widest tile.
const KEYS: usize = 128;
/// Values of a map that are averaged over heads in one task.
const MEAN_PART: usize = 8 << 10;

/// Sizes of one attention.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) heads: usize,
    /// Width of a head.
    pub(super) d: usize,
    /// Queries.
    pub(super) n: usize,
    /// Keys.
    pub(super) l: usize,
    pub(super) causal: bool,
}

impl Sizes {
    /// Floats that a head keeps for its map: what each key brought, `[l, n]`, and what that counts in the end,
    /// `[l / 128, n]`.
    pub(super) fn kept(self) -> usize {
        (self.l + self.l.div_ceil(KEYS)) * self.n
    }
}

/// Query `[batch, width, n]`, key and value `[batch, width, l]` to `[batch, width, n]`. `causal` hides keys after the
/// query's own position. With `map`, also the first sample's probabilities `[l, n]`, mean over heads.
pub(in super::super) fn attend(
    [query, key, value]: [&Values; 3],
    dims: [usize; 4],
    heads: usize,
    causal: bool,
    map: bool,
) -> (Tensor<3>, Option<Tensor<2>>) {
    let [batch, width, n, l] = dims;
    let d = width / heads;
    let sizes = Sizes { heads, d, n, l, causal };
    let packed = pack(sizes, key, value, batch * heads);
    let blocks = n.div_ceil(QUERIES);
    let mut out = Vec::new();
    // SAFETY: each task writes all rows of its head for the queries of its block, in `out` and, of the first sample, in
    // `seen`; together that is everything.
    let seen = unsafe {
        filled(if map { heads * sizes.kept() } else { 0 }, |seen| {
            let seen = Target::of(seen);
            out = filled(batch * heads * d * n, |out| {
                let out = Target::of(out);
                worker_pool::each(batch * heads * blocks, |task| {
                    let (head, first) = (task / blocks, task % blocks * QUERIES);
                    let query = &query[head * d * n..][..d * n];
                    let kept = (map && head < heads).then(|| seen.at(head * sizes.kept()));
                    let queries = [first, (first + QUERIES).min(n)];
                    let out = out.at(head * d * n);
                    room(sizes, |room| {
                        Block { sizes, packed: &packed[head], query, queries, out, kept, room }.dispatch();
                    });
                });
            });
        })
    };
    let map = map.then(|| mean_over_heads(&seen, sizes));
    recycle(seen);
    (values::tensor(out, [batch, heads * d, n]), map)
}

/// What a head reads again for each block of queries.
pub(super) struct Packed {
    /// Scaled, so that scores are powers of 2: `[l / 8][d][8]`, filled up with zeros.
    keys: Vec<f32>,
    /// For each [`KEYS`] of them, or the rest, `[d / 8][keys][8]`, filled up with zeros.
    values: Vec<f32>,
}

impl Packed {
    /// Of one head, `[d, l]` each.
    pub(super) fn new(Sizes { d, l, .. }: Sizes, key: &[f32], value: &[f32]) -> Self {
        let scale = LOG2_E / (d as f32).sqrt();
        let mut keys = vec![0.0; l.next_multiple_of(ROWS) * d];
        for (panel, keys) in keys.chunks_exact_mut(ROWS * d).enumerate() {
            for (key, to) in key.chunks_exact(l).zip(keys.chunks_exact_mut(ROWS)) {
                let from = &key[panel * ROWS..l.min((panel + 1) * ROWS)];
                to.iter_mut().zip(from).for_each(|(to, key)| *to = key * scale);
            }
        }
        let mut values = vec![0.0; d.next_multiple_of(ROWS) * l];
        let mut rest = &mut values[..];
        for first in (0..l).step_by(KEYS) {
            let count = (l - first).min(KEYS);
            let (now, later) = rest.split_at_mut(d.next_multiple_of(ROWS) * count);
            rest = later;
            for (row, value) in value.chunks_exact(l).enumerate() {
                let to = now[row / ROWS * ROWS * count + row % ROWS..].iter_mut().step_by(ROWS);
                to.zip(&value[first..first + count]).for_each(|(to, value)| *to = *value);
            }
        }
        Self { keys, values }
    }
}

fn pack(sizes: Sizes, key: &Values, value: &Values, heads: usize) -> Vec<Packed> {
    let Sizes { d, l, .. } = sizes;
    let mut packed: Vec<Packed> = (0..heads).map(|_| Packed { keys: Vec::new(), values: Vec::new() }).collect();
    worker_pool::each_part(&mut packed, 1, |head, packed| {
        packed[0] = Packed::new(sizes, &key[head * d * l..][..d * l], &value[head * d * l..][..d * l]);
    });
    packed
}

/// One head, some queries.
pub(super) struct Block<'a> {
    pub(super) sizes: Sizes,
    pub(super) packed: &'a Packed,
    /// `[d, n]`.
    pub(super) query: &'a [f32],
    /// From the first to behind the last.
    pub(super) queries: [usize; 2],
    /// `[d, n]`, of which nobody else touches these columns meanwhile.
    pub(super) out: Target,
    /// [`Sizes::kept`], likewise.
    pub(super) kept: Option<Target>,
    pub(super) room: &'a mut [f32],
}

/// Lends what a [`Block`] needs: for each of the widest tile's queries, their values, sums, scores, and for each time
/// that keys were taken the highest score.
pub(super) fn room(Sizes { d, l, .. }: Sizes, work: impl FnOnce(&mut [f32])) {
    scratch((d + d.next_multiple_of(ROWS) + KEYS + l.div_ceil(KEYS)) * QUERIES, work);
}

impl SimdOp for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) {
        let lanes = isa.f32().len();
        let (widest, rows) = tile_size(lanes);
        let [first, end] = self.queries;
        for at in (first..end).step_by(widest * lanes) {
            let count = (end - at).min(widest * lanes);
            match (count.div_ceil(lanes), rows) {
                (3, ROWS) => self.tile::<I, ROWS, 3>(isa, at, count),
                (2, ROWS) => self.tile::<I, ROWS, 2>(isa, at, count),
                (_, ROWS) => self.tile::<I, ROWS, 1>(isa, at, count),
                (3, _) => self.tile::<I, 4, 3>(isa, at, count),
                (2, _) => self.tile::<I, 4, 2>(isa, at, count),
                _ => self.tile::<I, 4, 1>(isa, at, count),
            }
        }
    }
}

/// What has been summed for `V` vectors of queries.
struct Running<F, const V: usize> {
    /// Highest score.
    highest: [F; V],
    /// Sum of `2^(score - highest)`.
    total: [F; V],
}

impl Block<'_> {
    /// `count` queries from `at` on, which fill `V` vectors.
    #[inline(always)]
    fn tile<I: Isa, const R: usize, const V: usize>(&mut self, isa: I, at: usize, count: usize) {
        let ops = isa.f32();
        let Sizes { d, n, l, .. } = self.sizes;
        let width = V * ops.len();
        let whole = mem::take(&mut self.room);
        let (queries, room) = whole.split_at_mut(d * width);
        let (sums, room) = room.split_at_mut(d.next_multiple_of(ROWS) * width);
        let (scores, levels) = room.split_at_mut(KEYS * width);
        for (row, to) in self.query.chunks_exact(n).zip(queries.chunks_exact_mut(width)) {
            copy_few(isa, &row[at..at + count], to);
            to[count..].fill(0.0);
        }
        sums.fill(0.0);
        let mut running = Running { highest: [ops.splat(f32::NEG_INFINITY); V], total: [ops.zero(); V] };
        for (first, level) in (0..l).step_by(KEYS).zip(levels.chunks_exact_mut(width)) {
            let keys = (l - first).min(KEYS);
            self.score::<I, R, V>(isa, queries, first, &mut scores[..keys.next_multiple_of(ROWS) * width]);
            let scores = &mut scores[..keys * width];
            self.hide(scores, at, first, width);
            let factor = running.take::<I>(isa, scores);
            self.add::<I, R, V>(isa, scores, first, factor, sums);
            store(isa, running.highest, level);
            self.keep::<I, V>(isa, scores, first, at, count);
        }
        let mut share = running.total;
        for share in &mut share {
            *share = ops.div(ops.one(), *share);
        }
        self.finish(isa, sums, share, at, count);
        for (taken, level) in levels.chunks_exact_mut(width).take(l.div_ceil(KEYS)).enumerate() {
            for (v, level) in level.chunks_exact_mut(ops.len()).enumerate() {
                let since = power_of_two(isa, ops.sub(ops.load(level), running.highest[v]));
                ops.store(ops.mul(since, share[v]), level);
            }
            self.keep::<I, V>(isa, level, l + taken, at, count);
        }
        self.room = whole;
    }

    /// Writes `sums`, `[d][V vectors]`, times each query's share.
    #[inline(always)]
    fn finish<I: Isa, const V: usize>(&self, isa: I, sums: &[f32], share: [I::F32; V], at: usize, count: usize) {
        let ops = isa.f32();
        for (row, sums) in sums.chunks_exact(V * ops.len()).take(self.sizes.d).enumerate() {
            for (v, share) in share.into_iter().enumerate() {
                let value = ops.mul(ops.load(&sums[v * ops.len()..]), share);
                // SAFETY: row < d of `[d, n]`, columns of this block.
                unsafe {
                    write_few(isa, value, self.out.at(row * self.sizes.n + at + v * ops.len()), count - v * ops.len())
                };
            }
        }
    }

    /// Keeps `rows`, `[..][V vectors]`, of which the first `count` columns are queries from `at` on, as the rows from `first`
    /// on.
    #[inline(always)]
    fn keep<I: Isa, const V: usize>(&self, isa: I, rows: &[f32], first: usize, at: usize, count: usize) {
        let Some(kept) = self.kept else { return };
        let ops = isa.f32();
        for (j, row) in rows.chunks_exact(V * ops.len()).enumerate() {
            for v in 0..V {
                let value = ops.load(&row[v * ops.len()..]);
                // SAFETY: row first + j of `[l + l / 128, n]`, columns of this block.
                unsafe {
                    write_few(
                        isa,
                        value,
                        kept.at((first + j) * self.sizes.n + at + v * ops.len()),
                        count - v * ops.len(),
                    )
                };
            }
        }
    }

    /// Scores of the keys from `first` on, `[keys][V vectors]`, those that fill up the last panel included.
    #[inline(always)]
    fn score<I: Isa, const R: usize, const V: usize>(&self, isa: I, queries: &[f32], first: usize, scores: &mut [f32]) {
        let ops = isa.f32();
        let d = self.sizes.d;
        for (i, scores) in scores.chunks_exact_mut(R * V * ops.len()).enumerate() {
            let (panel, row) = (first / ROWS + i * R / ROWS, i * R % ROWS);
            let panel = &self.packed.keys[panel * ROWS * d..][..ROWS * d];
            let zeros = [[ops.zero(); V]; R];
            // SAFETY: row + R <= 8, d rows of 8 in the panel and of V vectors in the queries.
            let found = unsafe { Singles::chain::<R, V>(isa, panel.as_ptr().add(row), queries.as_ptr(), d, zeros) };
            for (row, to) in found.into_iter().zip(scores.chunks_exact_mut(V * ops.len())) {
                store(isa, row, to);
            }
        }
    }

    /// Hides keys behind each query's own place.
    fn hide(&self, scores: &mut [f32], at: usize, first: usize, width: usize) {
        if self.sizes.causal {
            for (j, row) in scores.chunks_exact_mut(width).enumerate() {
                let hidden = (first + j).saturating_sub(at).min(width);
                row[..hidden].fill(f32::NEG_INFINITY);
            }
        }
    }

    /// `sums = sums * factor + values * scores`, for the keys from `first` on.
    #[inline(always)]
    fn add<I: Isa, const R: usize, const V: usize>(
        &self,
        isa: I,
        scores: &[f32],
        first: usize,
        factor: [I::F32; V],
        sums: &mut [f32],
    ) {
        let ops = isa.f32();
        let keys = scores.len() / (V * ops.len());
        let values = &self.packed.values[first * self.sizes.d.next_multiple_of(ROWS)..];
        for (i, sums) in sums.chunks_exact_mut(R * V * ops.len()).enumerate() {
            let (panel, row) = (i * R / ROWS, i * R % ROWS);
            let panel = &values[panel * ROWS * keys..][..ROWS * keys];
            let zeros = [[ops.zero(); V]; R];
            // SAFETY: row + R <= 8, and `keys` rows of 8 in the panel and of V vectors in the scores.
            let found = unsafe { Singles::chain::<R, V>(isa, panel.as_ptr().add(row), scores.as_ptr(), keys, zeros) };
            for (found, sums) in found.iter().zip(sums.chunks_exact_mut(V * ops.len())) {
                for ((sum, found), factor) in sums.chunks_exact_mut(ops.len()).zip(found).zip(factor) {
                    ops.store(ops.mul_add(ops.load(sum), factor, *found), sum);
                }
            }
        }
    }
}

/// Writes the first `count` of a vector, or all of it.
///
/// # Safety
/// There is room for them, and nobody else touches it meanwhile.
#[inline(always)]
unsafe fn write_few<I: Isa>(isa: I, value: I::F32, to: Target, count: usize) {
    let (ops, to) = (isa.f32(), to.pointer());
    // SAFETY: the caller's promise; the mask ends with the last of them.
    unsafe {
        if count >= ops.len() {
            ops.store_ptr(value, to);
        } else {
            ops.store_ptr_mask(value, to, ops.first_n_mask(count));
        }
    }
}

/// Writes some vectors.
#[inline(always)]
fn store<I: Isa, const V: usize>(isa: I, values: [I::F32; V], to: &mut [f32]) {
    for (value, to) in values.into_iter().zip(to.chunks_exact_mut(isa.f32().len())) {
        isa.f32().store(value, to);
    }
}

impl<F: Copy, const V: usize> Running<F, V> {
    /// Makes `scores`, `[keys][V vectors]`, `2^(score - highest)`. What was summed before must be multiplied by the
    /// result.
    #[inline(always)]
    fn take<I: Isa<F32 = F>>(&mut self, isa: I, scores: &mut [f32]) -> [F; V] {
        let ops = isa.f32();
        let lanes = ops.len();
        let before = self.highest;
        for row in scores.chunks_exact(V * lanes) {
            for (highest, score) in self.highest.iter_mut().zip(row.chunks_exact(lanes)) {
                *highest = ops.max(*highest, ops.load(score));
            }
        }
        let mut factor = self.highest;
        for (factor, before) in factor.iter_mut().zip(before) {
            *factor = power_of_two(isa, ops.sub(before, *factor));
        }
        let mut total = [ops.zero(); V];
        for row in scores.chunks_exact_mut(V * lanes) {
            for ((score, total), highest) in row.chunks_exact_mut(lanes).zip(&mut total).zip(self.highest) {
                let value = power_of_two(isa, ops.sub(ops.load(score), highest));
                *total = ops.add(*total, value);
                ops.store(value, score);
            }
        }
        for ((sum, factor), total) in self.total.iter_mut().zip(factor).zip(total) {
            *sum = ops.mul_add(*sum, factor, total);
        }
        factor
    }
}

/// 2^x for x <= 0, to a unit in the last place; 0 where that is no normal number.
#[inline(always)]
fn power_of_two<I: Isa>(isa: I, x: I::F32) -> I::F32 {
    // 2^f for f in -0.5..0.5: the polynomial through 1 of least relative error, 2e-9.
    const SERIES: [f32; 7] = [0.000_153_533_62, 0.001_339_887_5, 0.009_618_437, 0.055_503_324, 0.240_226_48, LN_2, 1.0];
    // Added to a small number, this rounds it to a whole one, which with 127 added stands in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0 + 127.0;
    let (floats, ints) = (isa.f32(), isa.i32());
    // In this order what is not a number stays none.
    let x = floats.max(floats.splat(-127.0), x);
    let rounding = floats.splat(ROUNDING);
    let whole = floats.add(x, rounding);
    let rest = floats.sub(x, floats.sub(whole, rounding));
    let mut series = floats.splat(SERIES[0]);
    for coefficient in &SERIES[1..] {
        series = floats.mul_add(series, rest, floats.splat(*coefficient));
    }
    // The bits of 2^whole; for -127 they are those of zero.
    let power: I::F32 = ints.shift_left::<23>(whole.reinterpret_cast()).reinterpret_cast();
    floats.mul(series, power)
}

/// What all heads kept to `[l, n]`.
fn mean_over_heads(seen: &[f32], sizes: Sizes) -> Tensor<2> {
    let Sizes { n, l, .. } = sizes;
    let rows = (MEAN_PART / n.max(1)).max(1);
    let fill = |map: &mut [MaybeUninit<f32>]| {
        worker_pool::each_part(map, rows * n, |part, out| {
            let first = part * rows;
            Mean { seen, sizes, rows: first..first + out.len() / n, out: Target::of(out) }.dispatch();
        });
    };
    // SAFETY: the parts are all of it, and a `Mean` writes all of its part.
    values::tensor(unsafe { filled(l * n, fill) }, [l, n])
}

/// Some rows of a map.
pub(super) struct Mean<'a> {
    /// [`Sizes::kept`] of each head.
    pub(super) seen: &'a [f32],
    pub(super) sizes: Sizes,
    pub(super) rows: Range<usize>,
    /// `[rows, n]`, which nobody else touches meanwhile.
    pub(super) out: Target,
}

impl SimdOp for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let Sizes { heads, n, l, .. } = self.sizes;
        let share = ops.splat(1.0 / heads as f32);
        for (i, row) in self.rows.enumerate() {
            let (row, factors) = (row * n, (l + row / KEYS) * n);
            for at in (0..n).step_by(ops.len()) {
                let mask = ops.first_n_mask((n - at).min(ops.len()));
                let mut sum = ops.zero();
                for seen in self.seen.chunks_exact(self.sizes.kept()) {
                    // SAFETY: the mask ends with the row, which each head has.
                    let [value, factor] = unsafe {
                        [
                            ops.load_ptr_mask(seen.as_ptr().add(row + at), mask),
                            ops.load_ptr_mask(seen.as_ptr().add(factors + at), mask),
                        ]
                    };
                    sum = ops.mul_add(value, factor, sum);
                }
                // SAFETY: as above.
                unsafe { ops.store_ptr_mask(ops.mul(sum, share), self.out.at(i * n + at).pointer(), mask) };
            }
        }
    }
}
