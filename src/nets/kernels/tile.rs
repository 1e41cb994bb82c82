//! The inner loop of products: some rows times some vectors of columns, all sums in registers.
#![allow(
    unsafe_code,
    reason = "vector loads and stores through pointers, and threads writing disjoint parts of one slice"
)]

use std::{
    array,
    mem::{self, MaybeUninit},
    ops::Range,
};

use rten_simd::{
    Isa, SimdOp,
    ops::{BitOps, NumOps},
};

use super::{
    element::{Element, Pair},
    inner::{Apart, Inner, Singles},
    memory::scratch,
    product::{Columns, Product, ROWS},
};

/// Vectors side by side in a full tile of the widest kind.
const VECTORS: usize = 3;

/// Vectors side by side in a full tile, and rows of it. Of 32 registers (AVX-512, NEON) 24 hold running sums. Of 16, 12
/// do where the inner loop is written by hand (AVX2, single values), else 8: a compiler would always move one or two of
/// 12 to memory and back, which costs more than it brings.
#[inline(always)]
pub(super) fn tile_size(lanes: usize) -> (usize, usize) {
    match lanes {
        _ if lanes == 16 || cfg!(target_arch = "aarch64") => (VECTORS, ROWS),
        8 => (VECTORS, ROWS / 2),
        _ => (2, ROWS / 2),
    }
}

/// Products that are added one by one; longer sums are sums of such chains, which keeps rounding errors small. So many
/// rows of a tile are what a first-level cache holds.
pub(super) const CHAIN: usize = 256;

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
    let lanes = Lanes.dispatch();
    tile_size(lanes).0 * lanes
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

    #[cfg(test)]
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
    /// Room for a stretch of the right-hand side: per tile, per row, whole vectors.
    right: &'a mut [E],
    /// Room for a stretch of a panel.
    left: &'a mut [E],
    /// Room for the sums of earlier stretches, `[panels][tiles][8][tile width]`.
    before: &'a mut [f32],
}

impl<'a, E: Element> Task<'a, E> {
    /// Computes `panels` times `columns` of `product` by `run`, with memory lent to it. (Not inside: what is not inlined
    /// there does not get vector instructions.)
    pub(super) fn with_room<T>(
        product: &Product<E>,
        [panels, columns]: [Range<usize>; 2],
        out: Target,
        run: impl FnOnce(Task<E>) -> T,
    ) -> T {
        let (depth, longest) = (product.matrix.depth, product.matrix.stretch());
        // The widest tiles in use; narrower ones divide them.
        let wide = columns.len().next_multiple_of(VECTORS * 16);
        let between = if depth > longest { panels.len() * ROWS * wide } else { 0 };
        let terms = depth.min(longest) * E::SPAN;
        scratch(wide * terms, |right| {
            scratch(ROWS * terms, |left| {
                scratch(between, |before| run(Task { product, panels, columns, out, right, left, before }))
            })
        })
    }
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
        self.tiles::<I, Apart>(isa);
    }
}

/// A tile's place: `live` rows from `row` of `panel`, `count` columns from `column`.
#[derive(Clone, Copy)]
struct At {
    panel: usize,
    row: usize,
    live: usize,
    column: usize,
    count: usize,
}

/// Columns that lie side by side in the map and in a tile.
#[derive(Clone, Copy)]
struct Piece {
    /// Behind the start of a row of the right-hand side.
    from: usize,
    len: usize,
    /// The first column of its tile, counted from the task's first.
    tile: usize,
    /// Whole vectors of the tile, in elements: a row of it.
    row: usize,
    /// Behind the start of the tile's row.
    place: usize,
}

/// The pieces of `range` of the columns, in tiles of `widest` vectors of `lanes`.
fn pieces<E>(columns: &Columns<E>, range: Range<usize>, lanes: usize, widest: usize) -> Vec<Piece> {
    let full = widest * lanes;
    let mut pieces = Vec::with_capacity(range.len().div_ceil(columns.width) + range.len().div_ceil(full));
    let mut column = range.start;
    while column < range.end {
        let (y, x) = (column / columns.width, column % columns.width);
        let place = (column - range.start) % full;
        let tile = column - range.start - place;
        let row = (range.len() - tile).min(full).next_multiple_of(lanes);
        let len = (columns.width - x).min(range.end - column).min(full - place);
        pieces.push(Piece { from: y * columns.stride + x, len, tile, row, place });
        column += len;
    }
    pieces
}

/// Copies elements of which there are only a few vectors.
#[inline(always)]
pub(super) fn copy_few<I: Isa, E: Element>(isa: I, from: &[E], to: &mut [E]) {
    let ops = isa.i32();
    let (lanes, len) = (ops.len(), from.len().min(to.len()));
    if len < lanes {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
        return;
    }
    for at in (0..len).step_by(lanes) {
        // The last vector overlaps the one before it where there are too few elements left.
        let at = at.min(len - lanes);
        // SAFETY: elements are 4 bytes of any bits, and there are `lanes` of them from `at` on in both slices.
        unsafe { ops.store_ptr(ops.load_ptr(from.as_ptr().add(at).cast()), to.as_mut_ptr().add(at).cast()) };
    }
}

impl<E: Element> Task<'_, E> {
    /// All of it, summed by `C`: for each stretch of the depth, the right-hand side is gathered into rows that lie side
    /// by side, where a first-level cache and its page table find them, and all panels pass over it.
    #[inline(always)]
    pub(super) fn tiles<I: Isa, C: Inner<I, Element = E>>(mut self, isa: I) {
        let depth = self.product.matrix.depth;
        let lanes = isa.f32().len();
        let pieces = pieces(&self.product.columns, self.columns.clone(), lanes, tile_size(lanes).0);
        let mut first = 0;
        loop {
            let stretch = first..(first + self.product.matrix.stretch()).min(depth);
            first = stretch.end;
            self.gather::<I, C>(isa, &pieces, stretch.clone());
            self.pass::<I, C>(isa, stretch);
            if first == depth {
                return;
            }
        }
    }

    /// Copies rows `depth` of this task's columns. Lanes behind the last column keep what they held: nothing reads what
    /// becomes of them.
    #[inline(always)]
    fn gather<I: Isa, C: Inner<I, Element = E>>(&mut self, isa: I, pieces: &[Piece], depth: Range<usize>) {
        let Columns { data, starts, .. } = self.product.columns;
        let terms = depth.len() * C::TERMS;
        for (k, start) in starts[depth].iter().enumerate() {
            for piece in pieces {
                let from = &data[start + piece.from..][..piece.len];
                for term in 0..C::TERMS {
                    let row = piece.tile * terms + (k * C::TERMS + term) * piece.row;
                    C::lay(isa, from, term, &mut self.right[row + piece.place..][..piece.len]);
                }
            }
        }
    }

    /// All panels over the stretch `depth`, which is gathered.
    #[inline(always)]
    fn pass<I: Isa, C: Inner<I, Element = E>>(&mut self, isa: I, depth: Range<usize>) {
        let lanes = isa.f32().len();
        let (widest, half) = tile_size(lanes);
        let room = mem::take(&mut self.left);
        for panel in self.panels.clone() {
            let rows = (self.product.matrix.rows - panel * ROWS).min(ROWS);
            let stored = self.product.matrix.panel(panel, &depth);
            let left = C::lay_panel(isa, stored, &mut room[..stored.len() * C::TERMS]);
            for column in self.columns.clone().step_by(widest * lanes) {
                let count = (self.columns.end - column).min(widest * lanes);
                for row in (0..rows).step_by(half) {
                    let live = (rows - row).min(half);
                    let at = At { panel, row, live, column, count };
                    match (count.div_ceil(lanes), live > 4) {
                        (3, true) => self.tile::<I, C, 8, 3>(isa, at, left, depth.clone()),
                        (3, false) => self.tile::<I, C, 4, 3>(isa, at, left, depth.clone()),
                        (2, true) => self.tile::<I, C, 8, 2>(isa, at, left, depth.clone()),
                        (2, false) => self.tile::<I, C, 4, 2>(isa, at, left, depth.clone()),
                        (_, true) => self.tile::<I, C, 8, 1>(isa, at, left, depth.clone()),
                        (_, false) => self.tile::<I, C, 4, 1>(isa, at, left, depth.clone()),
                    }
                }
            }
        }
        self.left = room;
    }

    /// `R` rows times `V` vectors of columns over one stretch; `left` are the terms of the panel's.
    #[inline(always)]
    fn tile<I: Isa, C: Inner<I, Element = E>, const R: usize, const V: usize>(
        &mut self,
        isa: I,
        at: At,
        left: &[E],
        depth: Range<usize>,
    ) {
        let ops = isa.f32();
        let lanes = ops.len();
        let Product { matrix, bias, .. } = self.product;
        let (first, terms) = (depth.start, depth.len() * C::TERMS);
        let first_row = at.panel * ROWS + at.row;
        let bias_of = |r: usize| if r < at.live { bias.map_or(0.0, |b| b[first_row + r]) } else { 0.0 };
        let begin: [[I::F32; V]; R] =
            if first == 0 { array::from_fn(|r| [ops.splat(bias_of(r)); V]) } else { [[ops.zero(); V]; R] };
        let (left, right) = (&left[..terms * ROWS], (at.column - self.columns.start) * terms);
        let right = &self.right[right..][..terms * V * lanes];
        // SAFETY: `row + R <= 8`, so `k * 8 + row + r` is inside the panel for all k < terms; the other slice has V
        // vectors for each of them.
        let mut sums = unsafe { C::chain::<R, V>(isa, left.as_ptr().add(at.row), right.as_ptr(), terms, begin) };
        let columns = self.columns.len().next_multiple_of(tile_size(lanes).0 * lanes);
        let tile = ((at.panel - self.panels.start) * columns + at.column - self.columns.start) * ROWS;
        let between = |r: usize, v: usize| tile + ((at.row + r) * V + v) * lanes;
        if first > 0 {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = ops.add(ops.load(&self.before[between(r, v)..]), *sum);
                }
            }
        }
        if depth.end == matrix.depth {
            return self.store::<I, R, V>(isa, at, sums);
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                ops.store(sum, &mut self.before[between(r, v)..]);
            }
        }
    }

    /// Writes a tile, residual added.
    #[inline(always)]
    fn store<I: Isa, const R: usize, const V: usize>(&self, isa: I, at: At, sums: [[I::F32; V]; R]) {
        let ops = isa.f32();
        let lanes = ops.len();
        let (columns, places, count) = (&self.product.columns, self.product.places, at.count);
        let first_row = at.panel * ROWS + at.row;
        let (y, x) = (at.column / columns.width, at.column % columns.width);
        let unbroken = columns.width == places.line;
        if places.step == 1 && (unbroken || x + count <= columns.width) {
            let tail = count - (V - 1) * lanes;
            let last = ops.first_n_mask(tail);
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
                        if tail < lanes && v + 1 == V {
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
        let (mut y, mut x) = (column / columns.width, column % columns.width);
        let mut done = 0;
        while done < count {
            let piece = (columns.width - x).min(count - done);
            for (r, values) in tile.iter().enumerate() {
                let position = (first_row + r) * places.channel + places.first + y * places.line + x * places.step;
                let values = &values[done..done + piece];
                // SAFETY: x + piece <= width and y < height, so these are places of row `first_row + r < rows`, which
                // `check` saw inside the output, and of this task's own columns.
                unsafe { write_piece(self.out.0.add(position), places.step, values, residual.map(|r| &r[position..])) };
            }
            done += piece;
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
