//! Some panels of a product times some of its columns, tile by tile.
//!
//! Apart from the inner loop, which is all arithmetic, and from the cut into tasks: this is how memory is walked.
#![allow(unsafe_code, reason = "threads write disjoint parts of one output")]

use std::{
    mem::{self, MaybeUninit},
    ops::Range,
};

use rten_simd::ops::{BitOps, NumOps};

use super::{
    disjoint::WriteTarget,
    element::{Element, Pair},
    inner::{Apart, Inner, Singles},
    instruction_set::{InstructionSet, Kernel, MAX_LANES},
    matrix::ROWS,
    memory::scratch,
    product::{Columns, Product},
    tile_shape::{MAX_VECTORS, TileShape},
    vectors::store_first,
};

/// Floats of the widest tile's row.
const MAX_WIDTH: usize = MAX_VECTORS * MAX_LANES;

/// Some panels times some columns. It exists only while its outputs are its own; see [`Task::with_room`].
pub(super) struct Task<'a, E> {
    product: &'a Product<'a, E>,
    panels: Range<usize>,
    columns: Range<usize>,
    out: WriteTarget<'a>,
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
    ///
    /// # Safety
    /// Until this returns, nothing else uses the outputs of these panels and columns.
    ///
    /// # Panics
    /// If the product does not have these panels and columns, or their outputs have no place in `out`.
    pub(super) unsafe fn with_room<T>(
        product: &Product<E>,
        [panels, columns]: [Range<usize>; 2],
        out: WriteTarget,
        run: impl FnOnce(Task<E>) -> T,
    ) -> T {
        assert!(panels.end <= product.matrix.rows().div_ceil(ROWS) && columns.end <= product.columns.count(), "task");
        let (depth, longest) = (product.matrix.depth(), product.matrix.stretch());
        // The widest tiles in use; narrower ones divide them.
        let wide = columns.len().next_multiple_of(MAX_WIDTH);
        let between = if depth > longest { panels.len() * ROWS * wide } else { 0 };
        let terms = depth.min(longest) * E::SPAN;
        scratch(wide * terms, |right| {
            scratch(ROWS * terms, |left| {
                scratch(between, |before| run(Task { product, panels, columns, out, right, left, before }))
            })
        })
    }
}

impl Kernel for Task<'_, f32> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        self.tiles(isa, Singles);
    }
}

impl Kernel for Task<'_, Pair> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        self.tiles(isa, Apart);
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

impl<E: Element> Task<'_, E> {
    /// All of it, summed by `inner`: for each stretch of the depth, the right-hand side is gathered into rows that lie side
    /// by side, where a first-level cache and its page table find them, and all panels pass over it.
    #[inline(always)]
    pub(super) fn tiles<I: InstructionSet, C: Inner<I, Element = E>>(mut self, isa: I, inner: C) {
        let depth = self.product.matrix.depth();
        let lanes = isa.f32().len();
        let pieces = pieces(&self.product.columns, self.columns.clone(), lanes, TileShape::of::<I>().vectors);
        let mut first = 0;
        loop {
            let stretch = first..(first + self.product.matrix.stretch()).min(depth);
            first = stretch.end;
            self.gather(isa, inner, &pieces, stretch.clone());
            self.pass(isa, inner, stretch);
            if first == depth {
                return;
            }
        }
    }

    /// Copies rows `depth` of this task's columns. Lanes behind the last column keep what they held: nothing reads what
    /// becomes of them.
    #[inline(always)]
    fn gather<I: InstructionSet, C: Inner<I, Element = E>>(
        &mut self,
        isa: I,
        inner: C,
        pieces: &[Piece],
        depth: Range<usize>,
    ) {
        let Columns { data, starts, .. } = self.product.columns;
        let terms = depth.len() * C::TERMS;
        for (k, start) in starts[depth].iter().enumerate() {
            for piece in pieces {
                let from = &data[start + piece.from..][..piece.len];
                for term in 0..C::TERMS {
                    let row = piece.tile * terms + (k * C::TERMS + term) * piece.row;
                    inner.lay(isa, from, term, &mut self.right[row + piece.place..][..piece.len]);
                }
            }
        }
    }

    /// All panels over the stretch `depth`, which is gathered.
    #[inline(always)]
    fn pass<I: InstructionSet, C: Inner<I, Element = E>>(&mut self, isa: I, inner: C, depth: Range<usize>) {
        let lanes = isa.f32().len();
        let TileShape { vectors, rows: half } = TileShape::of::<I>();
        let room = mem::take(&mut self.left);
        for panel in self.panels.clone() {
            let rows = (self.product.matrix.rows() - panel * ROWS).min(ROWS);
            let stored = self.product.matrix.panel(panel, &depth);
            let left = inner.lay_panel(isa, stored, &mut room[..stored.len() * C::TERMS]);
            for column in self.columns.clone().step_by(vectors * lanes) {
                let count = (self.columns.end - column).min(vectors * lanes);
                for row in (0..rows).step_by(half) {
                    let live = (rows - row).min(half);
                    let at = At { panel, row, live, column, count };
                    match (count.div_ceil(lanes), live > 4) {
                        (3, true) => self.tile::<I, C, 8, 3>(isa, inner, at, left, depth.clone()),
                        (3, false) => self.tile::<I, C, 4, 3>(isa, inner, at, left, depth.clone()),
                        (2, true) => self.tile::<I, C, 8, 2>(isa, inner, at, left, depth.clone()),
                        (2, false) => self.tile::<I, C, 4, 2>(isa, inner, at, left, depth.clone()),
                        (_, true) => self.tile::<I, C, 8, 1>(isa, inner, at, left, depth.clone()),
                        (_, false) => self.tile::<I, C, 4, 1>(isa, inner, at, left, depth.clone()),
                    }
                }
            }
        }
        self.left = room;
    }

    /// `R` rows times `V` vectors of columns over one stretch; `left` are the terms of the panel's.
    #[inline(always)]
    fn tile<I: InstructionSet, C: Inner<I, Element = E>, const R: usize, const V: usize>(
        &mut self,
        isa: I,
        inner: C,
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
        let mut begin = [[ops.zero(); V]; R];
        if first == 0 {
            for (r, begin) in begin.iter_mut().enumerate() {
                *begin = [ops.splat(bias_of(r)); V];
            }
        }
        let right = &self.right[(at.column - self.columns.start) * terms..][..terms * V * lanes];
        // Without depth a panel is empty.
        let mut sums = inner.chain::<R, V>(isa, &left[at.row.min(left.len())..], right, terms, begin);
        let columns = self.columns.len().next_multiple_of(TileShape::of::<I>().vectors * lanes);
        let tile = ((at.panel - self.panels.start) * columns + at.column - self.columns.start) * ROWS;
        let between = |r: usize, v: usize| tile + ((at.row + r) * V + v) * lanes;
        if first > 0 {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = ops.add(ops.load(&self.before[between(r, v)..]), *sum);
                }
            }
        }
        if depth.end == matrix.depth() {
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
    fn store<I: InstructionSet, const R: usize, const V: usize>(&self, isa: I, at: At, sums: [[I::F32; V]; R]) {
        let ops = isa.f32();
        let (columns, places) = (&self.product.columns, self.product.places);
        let first_row = at.panel * ROWS + at.row;
        let (y, x) = (at.column / columns.width, at.column % columns.width);
        let unbroken = columns.width == places.line;
        if places.step == 1 && (unbroken || x + at.count <= columns.width) {
            for (r, sums) in sums.into_iter().enumerate().take(at.live) {
                let first = (first_row + r) * places.channel + places.first + y * places.line + x;
                let row = first..first + at.count;
                let residual = self.product.residual.map(|r| &r[row.clone()]);
                // SAFETY: outputs of row `first_row + r` and of `count` columns of this task, which lie side by side here.
                // They are this task's alone, and this slice ends with the iteration.
                write_row(isa, sums, residual, unsafe { self.out.slice(row) });
            }
            return;
        }
        let mut buffer = [[0.0_f32; MAX_WIDTH]; R];
        for (row, sums) in buffer.iter_mut().zip(sums) {
            for (v, sum) in sums.into_iter().enumerate() {
                ops.store(sum, &mut row[v * ops.len()..]);
            }
        }
        self.scatter(&buffer[..at.live], first_row, at.column, at.count);
    }

    /// Writes a tile piece by piece: one that runs over the ends of map lines, or whose places are not side by side.
    #[inline(always)]
    fn scatter(&self, tile: &[[f32; MAX_WIDTH]], first_row: usize, column: usize, count: usize) {
        let Product { columns, places, residual, .. } = self.product;
        let (mut y, mut x) = (column / columns.width, column % columns.width);
        let mut done = 0;
        while done < count {
            let piece = (columns.width - x).min(count - done);
            for (r, values) in tile.iter().enumerate() {
                let first = (first_row + r) * places.channel + places.first + y * places.line + x * places.step;
                let range = first..first + (piece - 1) * places.step + 1;
                let residual = residual.map(|r| &r[range.clone()]);
                // SAFETY: from the first to the last place of columns of this task on line y, which `x + piece <= width` keeps
                // inside the line. Places between them belong to other steps, which no thread writes meanwhile. This slice ends
                // with the iteration.
                let to = unsafe { self.out.slice(range) };
                write_piece(to, places.step, &values[done..done + piece], residual);
            }
            done += piece;
            (y, x) = (y + 1, 0);
        }
    }
}

/// Writes as much of some vectors as there is room for in `to`, the residual added, which has its length.
#[inline(always)]
fn write_row<I: InstructionSet, const V: usize>(
    isa: I,
    sums: [I::F32; V],
    residual: Option<&[f32]>,
    to: &mut [MaybeUninit<f32>],
) {
    let ops = isa.f32();
    for (v, sum) in sums.into_iter().enumerate() {
        let range = v * ops.len()..to.len().min((v + 1) * ops.len());
        let more = match residual {
            Some(residual) if range.len() == ops.len() => ops.load(&residual[range.clone()]),
            Some(residual) => ops.load_pad(&residual[range.clone()]).0,
            None => ops.zero(),
        };
        store_first(isa, ops.add(sum, more), &mut to[range]);
    }
}

/// `to[i * step] = values[i] + residual[i * step]`.
#[inline(always)]
fn write_piece(to: &mut [MaybeUninit<f32>], step: usize, values: &[f32], residual: Option<&[f32]>) {
    match residual {
        Some(residual) => {
            for (i, value) in values.iter().enumerate() {
                to[i * step].write(value + residual[i * step]);
            }
        }
        None if step == 1 => {
            to.write_copy_of_slice(values);
        }
        None => {
            for (i, value) in values.iter().enumerate() {
                to[i * step].write(*value);
            }
        }
    }
}
