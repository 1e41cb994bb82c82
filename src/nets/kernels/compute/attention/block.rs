//! Some queries of one head: scores, softmax and the sum of values, tile by tile.
//!
//! Apart from the entry point, which cuts heads and queries into blocks.
#![allow(unsafe_code, reason = "tasks on several threads write disjoint columns")]

use std::mem;

use rten_simd::ops::{BitOps, FloatOps, NumOps};

use super::{
    super::{
        disjoint::WriteTarget,
        inner::{Inner, Singles},
        instruction_set::{InstructionSet, Kernel},
        matrix::ROWS,
        memory::scratch,
        tile_shape::TileShape,
        vectors::{copy_few, store_all, store_first},
    },
    packed::{KEYS, Packed, Sizes},
    softmax::{Running, power_of_two},
};

/// Queries of a block: a multiple of all tile widths, so that only the last one has a ragged end.
pub(super) const QUERIES: usize = 48;

/// One head, some queries. It exists only while their outputs are its own; see [`Block::with_room`].
pub(in super::super) struct Block<'a> {
    sizes: Sizes,
    packed: &'a Packed,
    /// `[d, n]`.
    query: &'a [f32],
    /// From the first to behind the last.
    queries: [usize; 2],
    /// `[d, n]`.
    out: WriteTarget<'a>,
    /// [`Sizes::kept`].
    kept: Option<WriteTarget<'a>>,
    /// For each of the widest tile's queries, their values, sums, scores, and for each time that keys were taken the
    /// highest score.
    room: &'a mut [f32],
}

impl Block<'_> {
    /// Computes the columns `queries` (from the first to behind the last) of `out`, `[d, n]`, and of what is `kept` for a
    /// map, by `run`, with memory lent to it. `query` is `[d, n]`.
    ///
    /// # Safety
    /// Until this returns, nothing else uses these columns.
    ///
    /// # Panics
    /// If slices have other sizes, or there are no such queries.
    pub(in super::super) unsafe fn with_room(
        sizes: Sizes,
        packed: &Packed,
        (query, queries): (&[f32], [usize; 2]),
        out: WriteTarget,
        kept: Option<WriteTarget>,
        run: impl FnOnce(Block),
    ) {
        let Sizes { d, n, l, .. } = sizes;
        assert!(query.len() == d * n && queries[1] <= n, "queries of a head");
        assert!(out.len() == d * n && kept.is_none_or(|kept| kept.len() == sizes.kept()), "outputs of a head");
        let len = (d + d.next_multiple_of(ROWS) + KEYS + l.div_ceil(KEYS)) * QUERIES;
        scratch(len, |room| run(Block { sizes, packed, query, queries, out, kept, room }));
    }
}

impl Kernel for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(mut self, isa: I) {
        let lanes = isa.f32().len();
        let TileShape { vectors, rows } = TileShape::of::<I>();
        let [first, end] = self.queries;
        for at in (first..end).step_by(vectors * lanes) {
            let count = (end - at).min(vectors * lanes);
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

impl Block<'_> {
    /// `count` queries from `at` on, which fill `V` vectors.
    #[inline(always)]
    fn tile<I: InstructionSet, const R: usize, const V: usize>(&mut self, isa: I, at: usize, count: usize) {
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
            store_all(isa, running.highest, level);
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
    fn finish<I: InstructionSet, const V: usize>(
        &self,
        isa: I,
        sums: &[f32],
        share: [I::F32; V],
        at: usize,
        count: usize,
    ) {
        let ops = isa.f32();
        for (row, sums) in sums.chunks_exact(V * ops.len()).take(self.sizes.d).enumerate() {
            let first = row * self.sizes.n + at;
            // SAFETY: queries of this block, whose columns are its own. The slice ends with the iteration.
            let to = unsafe { self.out.slice(first..first + count) };
            for (v, share) in share.into_iter().enumerate() {
                let value = ops.mul(ops.load(&sums[v * ops.len()..]), share);
                store_first(isa, value, &mut to[v * ops.len()..]);
            }
        }
    }

    /// Keeps `rows`, `[..][V vectors]`, of which the first `count` columns are queries from `at` on, as the rows from `first`
    /// on.
    #[inline(always)]
    fn keep<I: InstructionSet, const V: usize>(&self, isa: I, rows: &[f32], first: usize, at: usize, count: usize) {
        let Some(kept) = self.kept else { return };
        let ops = isa.f32();
        for (j, row) in rows.chunks_exact(V * ops.len()).enumerate() {
            let first = (first + j) * self.sizes.n + at;
            // SAFETY: as in `finish`.
            let to = unsafe { kept.slice(first..first + count) };
            for v in 0..V {
                store_first(isa, ops.load(&row[v * ops.len()..]), &mut to[v * ops.len()..]);
            }
        }
    }

    /// Scores of the keys from `first` on, `[keys][V vectors]`, those that fill up the last panel included.
    #[inline(always)]
    fn score<I: InstructionSet, const R: usize, const V: usize>(
        &self,
        isa: I,
        queries: &[f32],
        first: usize,
        scores: &mut [f32],
    ) {
        let ops = isa.f32();
        let d = self.sizes.d;
        for (i, scores) in scores.chunks_exact_mut(R * V * ops.len()).enumerate() {
            let (panel, row) = (first / ROWS + i * R / ROWS, i * R % ROWS);
            let panel = &self.packed.keys(panel, d)[row..];
            let found = Singles.chain::<R, V>(isa, panel, queries, d, [[ops.zero(); V]; R]);
            for (row, to) in found.into_iter().zip(scores.chunks_exact_mut(V * ops.len())) {
                store_all(isa, row, to);
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
    fn add<I: InstructionSet, const R: usize, const V: usize>(
        &self,
        isa: I,
        scores: &[f32],
        first: usize,
        factor: [I::F32; V],
        sums: &mut [f32],
    ) {
        let ops = isa.f32();
        let keys = scores.len() / (V * ops.len());
        let values = self.packed.values(first, keys, self.sizes.d);
        for (i, sums) in sums.chunks_exact_mut(R * V * ops.len()).enumerate() {
            let (panel, row) = (i * R / ROWS, i * R % ROWS);
            let panel = &values[panel * ROWS * keys..][..ROWS * keys];
            let found = Singles.chain::<R, V>(isa, &panel[row..], scores, keys, [[ops.zero(); V]; R]);
            for (found, sums) in found.iter().zip(sums.chunks_exact_mut(V * ops.len())) {
                for ((sum, found), factor) in sums.chunks_exact_mut(ops.len()).zip(found).zip(factor) {
                    ops.store(ops.mul_add(ops.load(sum), factor, *found), sum);
                }
            }
        }
    }
}
