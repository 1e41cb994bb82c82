//! The inner loop of products: some rows times some vectors of columns, all sums in registers.
#![allow(
    unsafe_code,
    reason = "vector loads and stores through pointers, and threads writing disjoint parts of one slice"
)]

use std::{array, mem::MaybeUninit, ops::Range};

use rten_simd::{
    Isa, SimdOp,
    ops::{BitOps, NumOps},
};

use super::{
    element::{Element, Pair},
    inner::{Inner, Singles, Widened},
    product::{Product, ROWS},
};

/// Vectors side by side in a full tile: with 8 rows, 24 running sums, what 32 registers hold beside the operands.
const VECTORS: usize = 3;
/// Products that are added one by one; longer sums are sums of such chains, which keeps rounding errors small.
const CHAIN: usize = 256;

/// Columns of a full tile on this machine.
pub(super) fn tile_width() -> usize {
    struct Lanes;
    impl SimdOp for Lanes {
        type Output = usize;

        #[inline(always)]
        fn eval<I: Isa>(self, isa: I) -> usize {
            isa.f32().len()
        }
    }
    VECTORS * Lanes.dispatch()
}

/// Where outputs go; tasks on several threads write their own parts of it.
#[derive(Clone, Copy)]
pub(super) struct Target(*mut f32);
// SAFETY: nothing is read through it, and whoever writes through it vouches that no two tasks share an output.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    pub(super) fn of(out: &mut [MaybeUninit<f32>]) -> Self {
        Self(out.as_mut_ptr().cast())
    }

    pub(super) fn of_values(out: &mut [f32]) -> Self {
        Self(out.as_mut_ptr())
    }

    /// Copies `values` here.
    ///
    /// # Safety
    /// There is room for them, and nobody else touches it meanwhile.
    pub(super) unsafe fn write(self, values: &[f32]) {
        // SAFETY: the caller's promise; what is written through is exclusively borrowed, so it is no part of `values`.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.0, values.len()) };
    }

    /// `floats` further on.
    ///
    /// # Safety
    /// That is still inside the slice.
    pub(super) unsafe fn at(self, floats: usize) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { self.0.add(floats) })
    }

    pub(super) fn pointer(self) -> *mut f32 {
        self.0
    }
}

/// Some panels times some columns.
pub(super) struct Task<'a, E> {
    pub(super) product: &'a Product<'a, E>,
    pub(super) panels: Range<usize>,
    pub(super) columns: Range<usize>,
    pub(super) out: Target,
}

impl SimdOp for Task<'_, f32> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        self.tiles::<I, Singles>(isa);
    }
}

impl SimdOp for Task<'_, Pair> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        self.tiles::<I, Widened>(isa);
    }
}

impl<E: Element> Task<'_, E> {
    /// All of it, summed by `C`.
    #[inline(always)]
    pub(super) fn tiles<I: Isa, C: Inner<I, Element = E>>(&self, isa: I) {
        let lanes = isa.f32().len();
        for panel in self.panels.clone() {
            let rows = (self.product.matrix.rows - panel * ROWS).min(ROWS);
            let mut column = self.columns.start;
            while column < self.columns.end {
                let left = self.columns.end - column;
                let vectors = left.div_ceil(lanes).min(VECTORS);
                // Sixteen registers (AVX2, SSE) hold half a panel's sums.
                let half = if lanes == 16 || cfg!(target_arch = "aarch64") { ROWS } else { ROWS / 2 };
                for row in (0..rows).step_by(half) {
                    let live = (rows - row).min(half);
                    let at = At { panel, row, live, column };
                    match (vectors, left < vectors * lanes, live > 4) {
                        (3, false, true) => self.tile::<I, C, 8, 3, false>(isa, at),
                        (3, false, false) => self.tile::<I, C, 4, 3, false>(isa, at),
                        (3, true, true) => self.tile::<I, C, 8, 3, true>(isa, at),
                        (3, true, false) => self.tile::<I, C, 4, 3, true>(isa, at),
                        (2, false, true) => self.tile::<I, C, 8, 2, false>(isa, at),
                        (2, false, false) => self.tile::<I, C, 4, 2, false>(isa, at),
                        (2, true, true) => self.tile::<I, C, 8, 2, true>(isa, at),
                        (2, true, false) => self.tile::<I, C, 4, 2, true>(isa, at),
                        (_, false, true) => self.tile::<I, C, 8, 1, false>(isa, at),
                        (_, false, false) => self.tile::<I, C, 4, 1, false>(isa, at),
                        (_, true, true) => self.tile::<I, C, 8, 1, true>(isa, at),
                        (_, true, false) => self.tile::<I, C, 4, 1, true>(isa, at),
                    }
                }
                column += vectors * lanes;
            }
        }
    }
}

/// A tile's place: `live` rows from `row` of `panel`, columns from `column`.
#[derive(Clone, Copy)]
struct At {
    panel: usize,
    row: usize,
    live: usize,
    column: usize,
}

impl<E: Element> Task<'_, E> {
    /// `R` rows times `V` vectors of columns; `TAIL` says that the last vector is not full.
    #[inline(always)]
    fn tile<I: Isa, C: Inner<I, Element = E>, const R: usize, const V: usize, const TAIL: bool>(&self, isa: I, at: At) {
        let ops = isa.f32();
        let lanes = ops.len();
        let Product { matrix, columns, bias, .. } = self.product;
        let count = if TAIL { self.columns.end - at.column } else { V * lanes };
        let last = ops.first_n_mask(count - (V - 1) * lanes);
        let first_row = at.panel * ROWS + at.row;
        let bias_of = |r: usize| if r < at.live { bias.map_or(0.0, |b| b[first_row + r]) } else { 0.0 };
        let mut chains = columns.starts.chunks(CHAIN / E::SPAN);
        let mut sums: [[I::F32; V]; R] = array::from_fn(|r| [ops.splat(bias_of(r)); V]);
        // SAFETY: `panel < rows / 8` rounded up and `row + R <= 8`, so `k * 8 + r` stays inside this panel for all
        // k < depth; `check` saw that the panels are that long. Columns `at.column..at.column + count` end at or
        // before `total`, and `check` saw that every row start has `total` elements behind it; a tail's last vector is
        // read under a mask of what is left.
        unsafe {
            let mut panel = matrix.panels.as_ptr().add(at.panel * ROWS * matrix.depth + at.row);
            let base = columns.data.as_ptr().add(at.column);
            if let Some(starts) = chains.next() {
                sums = C::chain::<R, V, TAIL>(isa, panel, base, starts, last, sums);
            }
            for starts in chains {
                panel = panel.add(CHAIN / E::SPAN * ROWS);
                let more = C::chain::<R, V, TAIL>(isa, panel, base, starts, last, [[ops.zero(); V]; R]);
                for (sums, more) in sums.iter_mut().zip(more) {
                    for (sum, more) in sums.iter_mut().zip(more) {
                        *sum = ops.add(*sum, more);
                    }
                }
            }
        }
        self.store::<I, R, V, TAIL>(isa, at, count, sums);
    }

    /// Writes a tile, residual added.
    #[inline(always)]
    fn store<I: Isa, const R: usize, const V: usize, const TAIL: bool>(
        &self,
        isa: I,
        at: At,
        count: usize,
        sums: [[I::F32; V]; R],
    ) {
        let ops = isa.f32();
        let lanes = ops.len();
        let columns = &self.product.columns;
        let places = self.product.places;
        let first_row = at.panel * ROWS + at.row;
        let (y, x) = (at.column / columns.stride, at.column % columns.stride);
        let unbroken = columns.stride == columns.width && columns.width == places.line;
        if places.step == 1 && (unbroken || x + count <= columns.width) {
            let last = ops.first_n_mask(count - (V - 1) * lanes);
            for (r, sums) in sums.iter().enumerate().take(at.live) {
                let position = (first_row + r) * places.channel + places.first + y * places.line + x;
                for (v, &sum) in sums.iter().enumerate() {
                    let position = position + v * lanes;
                    // SAFETY: `position..` are outputs of row `first_row + r < rows` and of columns before `total`,
                    // which lie side by side here; a tail's last vector goes under a mask. `check` saw the lengths of
                    // output and residual. These outputs belong to this task alone.
                    unsafe {
                        let to = self.out.0.add(position);
                        let from = self.product.residual.map(|r| r.as_ptr().add(position));
                        if TAIL && v + 1 == V {
                            let more = from.map_or(ops.zero(), |f| ops.load_ptr_mask(f, last));
                            ops.store_ptr_mask(ops.add(sum, more), to, last);
                        } else {
                            let more = from.map_or(ops.zero(), |f| ops.load_ptr(f));
                            ops.store_ptr(ops.add(sum, more), to);
                        }
                    }
                }
            }
            return;
        }
        // Wide enough for the widest vectors in use.
        let mut buffer = [[0.0_f32; VECTORS * 16]; R];
        for (row, sums) in buffer.iter_mut().zip(sums) {
            for (v, sum) in sums.into_iter().enumerate() {
                ops.store(sum, &mut row[v * lanes..]);
            }
        }
        self.spread(&buffer[..at.live], first_row, at.column, count);
    }

    /// Writes a tile piece by piece: one that runs over the ends of map lines, or whose places are not side by side.
    #[inline(always)]
    fn spread(&self, tile: &[[f32; VECTORS * 16]], first_row: usize, column: usize, count: usize) {
        let Product { columns, places, residual, .. } = self.product;
        let (mut y, mut x) = (column / columns.stride, column % columns.stride);
        let mut done = 0;
        while done < count {
            let piece = columns.width.saturating_sub(x).min(count - done);
            for (r, values) in tile.iter().enumerate() {
                let position = (first_row + r) * places.channel + places.first + y * places.line + x * places.step;
                let values = &values[done..done + piece];
                // SAFETY: x + piece <= width and y < height, so these are places of row `first_row + r < rows`, which
                // `check` saw inside the output, and of this task's own columns.
                unsafe { write_piece(self.out.0.add(position), places.step, values, residual.map(|r| &r[position..])) };
            }
            done += columns.stride - x;
            (y, x) = (y + 1, 0);
        }
    }
}

/// `to[i * step] = values[i] + residual[i * step]`.
///
/// # Safety
/// There are such places behind `to`, and nobody else touches them meanwhile.
#[inline(always)]
unsafe fn write_piece(to: *mut f32, step: usize, values: &[f32], residual: Option<&[f32]>) {
    match residual {
        Some(residual) => {
            for (i, value) in values.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { to.add(i * step).write(value + residual[i * step]) };
            }
        }
        None if step == 1 => {
            // SAFETY: the caller's promise.
            unsafe { Target(to).write(values) };
        }
        None => {
            for (i, value) in values.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { to.add(i * step).write(*value) };
            }
        }
    }
}
