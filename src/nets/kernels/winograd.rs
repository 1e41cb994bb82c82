//! 3x3 convolutions by minimal filtering, F(2x2, 3x3): Winograd, Arithmetic Complexity of Computations (1980), and Lavin
//! and Gray, Fast Algorithms for Convolutional Neural Networks (2016).
//!
//! A tile of 2 x 2 outputs sees 4 x 4 inputs d. With the kernel g it is `A' [(G g G') . (B' d B)] A`: 16 multiplications
//! for each pair of channels where the plain sum takes 36. So a convolution becomes 16 products, one for each place of
//! the transformed tile, of depth = channels and one column per tile.
//!
//! Kernels are transformed on the way, from the panels that the plain product reads: for the columns that a task has,
//! that is a few hundredths of its work, and no transformed copy (16/9 of the size) has to be kept or read.
#![allow(unsafe_code, reason = "vector loads and stores through pointers into scratch memory, and disjoint outputs")]

use std::{mem::MaybeUninit, ops::Range};

use rten_simd::{
    Isa, SimdOp,
    ops::{BitOps, NumOps},
};

use super::{
    element::Element,
    grid::{Geometry, Grid, Sizes},
    inner::{Inner, Singles},
    memory::scratch,
    product::{Matrix, ROWS, part},
    tile::{Target, tile_size},
    worker_pool,
};

/// Places of a transformed tile.
const PLACES: usize = 16;
/// Channels that are summed in one chain.
const STRETCH: usize = 64;
/// Tiles that a task transforms at a time.
const TILES: usize = 192;
/// Panels whose kernels are transformed at a time: they share the transformed inputs while these are in a first-level
/// cache.
const PANELS: usize = 2;
/// Widest vectors, in floats: slack behind rows that are read or written by whole vectors.
pub(super) const LANES: usize = 16;
/// Multiplications that are worth a task of their own.
const TASK_WORK: usize = 1 << 19;

/// How the inputs lie: padded, rows and columns apart by parity, so that neighbouring tiles are neighbours in memory.
pub(super) fn grid(sizes: Sizes) -> Grid {
    let odd = (sizes.height % 2).max(sizes.width % 2);
    Grid::new(Geometry { kernel: 4, stride: 2, padding: (1, 1 + odd) }, sizes)
}

/// Elements behind a grid that may be read, and are not used.
pub(super) const SLACK: usize = LANES;

/// A 3x3 convolution of one sample, stride 1, as many rows and columns out as in.
pub(super) struct Filtering<'a, E> {
    /// Depth runs over channels, then the 9 taps.
    pub(super) matrix: Matrix<'a, E>,
    /// Laid out as `layout` says, [`SLACK`] behind it.
    pub(super) inputs: &'a [f32],
    pub(super) layout: &'a Grid,
    pub(super) channels: usize,
    /// Of the map.
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) bias: Option<&'a [f32]>,
    /// Laid out as the output.
    pub(super) residual: Option<&'a [f32]>,
}

impl<E: Element> Filtering<'_, E> {
    /// Writes all outputs, `[rows, height, width]`, on all threads of the current pool.
    ///
    /// # Panics
    /// Where slices are shorter than the sizes claim.
    pub(super) fn fill(&self, out: &mut [MaybeUninit<f32>]) {
        let (rows, area) = (self.matrix.rows, self.height * self.width);
        assert_eq!(out.len(), rows * area, "output");
        assert_eq!(self.matrix.depth, padded::<E>(self.channels) / E::SPAN * 9, "taps");
        assert!(self.inputs.len() >= self.channels * self.layout.plane + SLACK, "inputs");
        assert!(self.bias.is_none_or(|b| b.len() == rows), "bias");
        assert!(self.residual.is_none_or(|r| r.len() == out.len()), "residual");
        if out.is_empty() {
            return;
        }
        let total = self.height.div_ceil(2) * self.width.div_ceil(2);
        let panels = rows.div_ceil(ROWS);
        let (column_parts, row_parts) = cut(total.div_ceil(LANES), panels, self.channels);
        let out = Target::of(out);
        // Each task has panels and tiles of its own, so no output is written twice.
        worker_pool::each(column_parts * row_parts, |task| {
            let groups = part(total.div_ceil(LANES), column_parts, task / row_parts);
            let tiles = groups.start * LANES..(groups.end * LANES).min(total);
            Task::with_room(self, tiles, part(panels, row_parts, task % row_parts), out, |task| task.dispatch());
        });
    }
}

/// Channels with those that fill up the last two planes.
fn padded<E: Element>(channels: usize) -> usize {
    channels.next_multiple_of(2 * E::SPAN)
}

/// Which channel stands at place `k` of a sum over channels, and the other way round: of two planes side by side the
/// first values come before the second.
#[inline(always)]
fn swapped<E: Element>(k: usize) -> usize {
    let (group, value, plane) = (k / (2 * E::SPAN), k / 2 % E::SPAN, k % 2);
    (group * 2 + plane) * E::SPAN + value
}

/// Into how many parts tiles (in groups of [`LANES`]) and panels are cut: none with more columns than a cache holds, and
/// for enough threads by the way that costs less. Parts of columns transform all kernels anew, parts of panels all inputs.
fn cut(groups: usize, panels: usize, channels: usize) -> (usize, usize) {
    // Cycles for each channel, roughly: of products, of kernels (which come from memory) and of inputs.
    const PRODUCT: usize = 64;
    const KERNEL: usize = 100;
    const INPUT: usize = 45;
    let threads = worker_pool::hands();
    let cached = groups.div_ceil(TILES / LANES);
    if cached >= threads {
        return (cached.next_multiple_of(threads).min(groups), 1);
    }
    let work = groups * panels * channels * (PLACES * LANES * ROWS);
    let wanted = (work / TASK_WORK).clamp(1, threads);
    let cost = |&(columns, rows): &(usize, usize)| {
        let longest = groups.div_ceil(columns) * panels.div_ceil(rows) * PRODUCT;
        longest + panels.div_ceil(rows) * KERNEL + groups.div_ceil(columns) * INPUT
    };
    let by_columns =
        (cached..=wanted.max(cached)).map(|columns| (columns.min(groups), wanted.div_ceil(columns).min(panels)));
    by_columns.min_by_key(cost).unwrap_or((cached, 1))
}

/// Some panels times some tiles.
pub(super) struct Task<'a, 'b, E> {
    filtering: &'a Filtering<'b, E>,
    tiles: Range<usize>,
    panels: Range<usize>,
    out: Target,
    /// Transformed inputs of a stretch: per block of columns, per place, `[channels][width of the block]`, and slack.
    inputs: &'a mut [f32],
    /// Transformed kernels of a stretch: per panel of a group, per place, `[channels][8]`.
    kernels: &'a mut [f32],
    /// Sums: per panel, per place, per block of columns, `[8][width of the block]`.
    sums: &'a mut [f32],
}

/// Tiles that lie side by side in the map and in a block of columns.
struct Piece {
    /// Place of the first in the map of tiles.
    down: usize,
    right: usize,
    len: usize,
    /// Its block of columns, and its place there.
    block: usize,
    place: usize,
}

impl<'a, 'b, E: Element> Task<'a, 'b, E> {
    /// With room to work in; `out` has room for all outputs, and nobody else writes those of these tiles and panels.
    pub(super) fn with_room(
        filtering: &'a Filtering<'b, E>,
        tiles: Range<usize>,
        panels: Range<usize>,
        out: Target,
        run: impl FnOnce(Task<E>),
    ) {
        let stretch = padded::<E>(filtering.channels.min(STRETCH));
        // The widest blocks in use; narrower ones divide them.
        let wide = tiles.len().next_multiple_of(3 * LANES);
        let kept = if filtering.channels > STRETCH { panels.len() } else { panels.len().min(PANELS) };
        scratch(PLACES * (wide * stretch + wide / 8 * LANES), |inputs| {
            scratch(PANELS * PLACES * stretch * ROWS, |kernels| {
                scratch(kept * PLACES * ROWS * wide + LANES, |sums| {
                    run(Task { filtering, tiles, panels, out, inputs, kernels, sums });
                });
            });
        });
    }

    fn pieces(&self, full: usize) -> Vec<Piece> {
        let across = self.filtering.width.div_ceil(2);
        let mut pieces = Vec::new();
        let mut tile = self.tiles.start;
        while tile < self.tiles.end {
            let (down, right) = (tile / across, tile % across);
            let (block, place) = ((tile - self.tiles.start) / full, (tile - self.tiles.start) % full);
            let len = (across - right).min(self.tiles.end - tile).min(full - place);
            pieces.push(Piece { down, right, len, block, place });
            tile += len;
        }
        pieces
    }
}

/// How blocks of columns lie, for vectors of `lanes`.
#[derive(Clone, Copy)]
struct Blocks {
    lanes: usize,
    /// Vectors of a full block, and columns.
    vectors: usize,
    full: usize,
    /// All columns of the task.
    total: usize,
}

impl Blocks {
    fn count(self) -> usize {
        self.total.div_ceil(self.full)
    }

    /// Vectors of a block.
    fn vectors_of(self, block: usize) -> usize {
        (self.total - block * self.full).div_ceil(self.lanes).min(self.vectors)
    }

    /// Where a place of a block begins among the transformed inputs of `channels`.
    fn inputs(self, block: usize, place: usize, channels: usize) -> usize {
        (block * PLACES + place) * (self.full * channels + LANES)
    }

    /// Where a place of a block begins among the sums.
    fn sums(self, panel: usize, place: usize, block: usize) -> usize {
        ((panel * PLACES + place) * self.count() + block) * ROWS * self.full
    }
}

impl<E: Element> SimdOp for Task<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) {
        let lanes = isa.f32().len();
        let vectors = tile_size(lanes).0;
        let blocks = Blocks { lanes, vectors, full: vectors * lanes, total: self.tiles.len() };
        let pieces = self.pieces(blocks.full);
        let all = self.filtering.channels;
        for first in (0..all).step_by(STRETCH) {
            let channels = first..(first + STRETCH).min(all);
            self.transform_inputs(isa, blocks, &pieces, channels.clone());
            for group in self.panels.clone().step_by(PANELS) {
                let group = group..(group + PANELS).min(self.panels.end);
                for panel in group.clone() {
                    self.transform_kernels(isa, panel, panel - group.start, channels.clone());
                }
                let slot = if all > STRETCH { group.start - self.panels.start } else { 0 };
                self.multiply(isa, blocks, group.len(), slot, padded::<E>(channels.len()), first > 0);
                if channels.end == all {
                    for panel in group.clone() {
                        self.transform_outputs(isa, blocks, &pieces, panel, slot + panel - group.start);
                    }
                }
            }
        }
    }
}

impl<E: Element> Task<'_, '_, E> {
    /// `B' d B` of all tiles of these channels.
    #[inline(always)]
    fn transform_inputs<I: Isa>(&mut self, isa: I, blocks: Blocks, pieces: &[Piece], channels: Range<usize>) {
        let ops = isa.f32();
        let count = padded::<E>(channels.len());
        let Grid { row, phase, plane, .. } = *self.filtering.layout;
        let step = blocks.inputs(0, 1, count);
        for k in 0..count {
            let channel = channels.start + swapped::<E>(k);
            for piece in pieces {
                let width = blocks.vectors_of(piece.block) * blocks.lanes;
                let to = blocks.inputs(piece.block, 0, count) + k * width + piece.place;
                if channel >= channels.end {
                    for place in 0..PLACES {
                        self.inputs[to + place * step..][..piece.len].fill(0.0);
                    }
                    continue;
                }
                let from = channel * plane + piece.down * row + piece.right;
                for at in (0..piece.len).step_by(blocks.lanes) {
                    let mut columns = [[ops.zero(); 4]; 4];
                    for (x, column) in columns.iter_mut().enumerate() {
                        for (y, value) in column.iter_mut().enumerate() {
                            let place = from + at + (y % 2 * 2 + x % 2) * phase + y / 2 * row + x / 2;
                            // SAFETY: the last value that is used is the tile's own, inside its plane; a vector reads at
                            // most LANES - 1 behind it, which are later planes or the slack.
                            *value = unsafe { ops.load_ptr(self.filtering.inputs.as_ptr().add(place)) };
                        }
                        *column = differences(isa, *column);
                    }
                    for (y, line) in transposed(columns).into_iter().enumerate() {
                        for (x, value) in differences(isa, line).into_iter().enumerate() {
                            // Behind the piece's end stands what later pieces and channels write, or slack.
                            ops.store(value, &mut self.inputs[to + at + (4 * y + x) * step..]);
                        }
                    }
                }
            }
        }
    }

    /// `G g G'` of a panel: vectors hold rows and, where they are that long, two planes.
    #[inline(always)]
    fn transform_kernels<I: Isa>(&mut self, isa: I, panel: usize, slot: usize, channels: Range<usize>) {
        let lanes = isa.f32().len();
        let step = padded::<E>(channels.len()) * ROWS;
        let kernels = &mut self.kernels[slot * PLACES * step..][..PLACES * step];
        for (i, group) in channels.clone().step_by(2 * E::SPAN).enumerate() {
            let taps = &self.filtering.matrix.from(panel, group / E::SPAN * 9)[..9 * 2 * ROWS];
            for half in 0..E::SPAN {
                for at in (0..2 * ROWS).step_by(lanes) {
                    // SAFETY: `at + lanes` is at most `2 * ROWS`, and there are 9 times as many.
                    let tap = |tap: usize| unsafe { E::values(isa, taps.as_ptr().add(tap * 2 * ROWS + at), half) };
                    let lines = [
                        halves(isa, [tap(0), tap(1), tap(2)]),
                        halves(isa, [tap(3), tap(4), tap(5)]),
                        halves(isa, [tap(6), tap(7), tap(8)]),
                    ];
                    for (x, column) in transposed(lines).into_iter().enumerate() {
                        for (y, value) in halves(isa, column).into_iter().enumerate() {
                            let to = (4 * y + x) * step + (i * E::SPAN + half) * 2 * ROWS + at;
                            isa.f32().store(value, &mut kernels[to..to + lanes]);
                        }
                    }
                }
            }
        }
    }

    /// Adds the products of a stretch of channels to the sums of `group` panels from `slot` on.
    #[inline(always)]
    fn multiply<I: Isa>(&mut self, isa: I, blocks: Blocks, group: usize, slot: usize, channels: usize, more: bool) {
        let half = tile_size(blocks.lanes).1;
        for place in 0..PLACES {
            for block in 0..blocks.count() {
                let vectors = blocks.vectors_of(block);
                let right = blocks.inputs(block, place, channels);
                for panel in 0..group {
                    let left = (panel * PLACES + place) * channels * ROWS;
                    let sums = blocks.sums(slot + panel, place, block);
                    for row in (0..ROWS).step_by(half) {
                        let at = [left + row, right, sums + row * vectors * blocks.lanes];
                        match (vectors, half) {
                            (3, ROWS) => self.tile::<I, ROWS, 3>(isa, at, channels, more),
                            (2, ROWS) => self.tile::<I, ROWS, 2>(isa, at, channels, more),
                            (_, ROWS) => self.tile::<I, ROWS, 1>(isa, at, channels, more),
                            (3, _) => self.tile::<I, 4, 3>(isa, at, channels, more),
                            (2, _) => self.tile::<I, 4, 2>(isa, at, channels, more),
                            _ => self.tile::<I, 4, 1>(isa, at, channels, more),
                        }
                    }
                }
            }
        }
    }

    /// `R` rows times `V` vectors of columns.
    #[inline(always)]
    fn tile<I: Isa, const R: usize, const V: usize>(
        &mut self,
        isa: I,
        [left, right, sums]: [usize; 3],
        depth: usize,
        more: bool,
    ) {
        let ops = isa.f32();
        let lanes = ops.len();
        // The last row of a panel begins at most 4 floats before the end of its 8.
        let left = &self.kernels[left..][..(depth - 1) * ROWS + R];
        let right = &self.inputs[right..][..depth * V * lanes];
        // SAFETY: as long as the slices just taken.
        let new = unsafe { Singles::chain::<R, V>(isa, left.as_ptr(), right.as_ptr(), depth, [[ops.zero(); V]; R]) };
        for (row, sums) in new.iter().zip(self.sums[sums..][..R * V * lanes].chunks_exact_mut(V * lanes)) {
            for (sum, place) in row.iter().zip(sums.chunks_exact_mut(lanes)) {
                let sum = if more { ops.add(ops.load(place), *sum) } else { *sum };
                ops.store(sum, place);
            }
        }
    }

    /// `A' m A` of a panel, with bias and residual, to where outputs go.
    #[inline(always)]
    fn transform_outputs<I: Isa>(&self, isa: I, blocks: Blocks, pieces: &[Piece], panel: usize, slot: usize) {
        let ops = isa.f32();
        let Filtering { matrix, height, width, bias, residual, .. } = *self.filtering;
        let step = blocks.sums(0, 1, 0);
        for piece in pieces {
            let wide = blocks.vectors_of(piece.block) * blocks.lanes;
            for row in 0..(matrix.rows - panel * ROWS).min(ROWS) {
                let channel = panel * ROWS + row;
                let bias = ops.splat(bias.map_or(0.0, |b| b[channel]));
                let sums = blocks.sums(slot, 0, piece.block) + row * wide + piece.place;
                for at in (0..piece.len).step_by(blocks.lanes) {
                    let mut columns = [[ops.zero(); 2]; 4];
                    for (x, column) in columns.iter_mut().enumerate() {
                        let mut values = [ops.zero(); 4];
                        for (y, value) in values.iter_mut().enumerate() {
                            *value = ops.load(&self.sums[sums + at + (4 * y + x) * step..]);
                        }
                        *column = totals(isa, values);
                    }
                    let x = 2 * (piece.right + at);
                    let count = (2 * (piece.len - at).min(blocks.lanes)).min(width - x);
                    for (y, line) in transposed(columns).into_iter().enumerate() {
                        let [even, odd] = totals(isa, line);
                        let line = 2 * piece.down + y;
                        if line < height {
                            let mut pair = [0.0; 2 * LANES];
                            interleave(isa, ops.add(even, bias), ops.add(odd, bias), &mut pair);
                            let place = channel * height * width + line * width + x;
                            let residual = residual.map(|r| &r[place..place + count]);
                            // SAFETY: x + count <= width and line < height, so these are outputs of this channel, and
                            // of this task's own tiles.
                            unsafe { write(isa, self.out.at(place), &mut pair[..count], residual) };
                        }
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
fn differences<I: Isa>(isa: I, [a, b, c, d]: [I::F32; 4]) -> [I::F32; 4] {
    let ops = isa.f32();
    [ops.sub(a, c), ops.add(b, c), ops.sub(c, b), ops.sub(b, d)]
}

/// `A'` times four values.
#[inline(always)]
fn totals<I: Isa>(isa: I, [a, b, c, d]: [I::F32; 4]) -> [I::F32; 2] {
    let ops = isa.f32();
    [ops.add(ops.add(a, b), c), ops.sub(ops.sub(b, c), d)]
}

/// `G` times three values.
#[inline(always)]
fn halves<I: Isa>(isa: I, [a, b, c]: [I::F32; 3]) -> [I::F32; 4] {
    let ops = isa.f32();
    let half = ops.splat(0.5);
    let (ends, middle) = (ops.mul(half, ops.add(a, c)), ops.mul(half, b));
    [a, ops.add(ends, middle), ops.sub(ends, middle), c]
}

/// `even[0], odd[0], even[1], ..`.
#[inline(always)]
fn interleave<I: Isa>(isa: I, even: I::F32, odd: I::F32, to: &mut [f32; 2 * LANES]) {
    let ops = isa.f32();
    let (mut evens, mut odds) = ([0.0; LANES], [0.0; LANES]);
    ops.store(even, &mut evens);
    ops.store(odd, &mut odds);
    for i in 0..LANES {
        to[2 * i] = evens[i];
        to[2 * i + 1] = odds[i];
    }
}

/// Writes `values`, the residual added.
///
/// # Safety
/// There is room for them at `to`, and nobody else touches it meanwhile.
#[inline(always)]
unsafe fn write<I: Isa>(_: I, to: Target, values: &mut [f32], residual: Option<&[f32]>) {
    if let Some(residual) = residual {
        values.iter_mut().zip(residual).for_each(|(value, more)| *value += more);
    }
    // SAFETY: the caller's promise.
    unsafe { to.write(values) };
}
