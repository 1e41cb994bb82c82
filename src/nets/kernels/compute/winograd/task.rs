//! Some panels of a filtered convolution times some of its tiles.
//!
//! Apart from the transforms, which it calls, and from the cut into tasks.
#![allow(unsafe_code, reason = "threads write disjoint parts of one output")]

use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};

use super::{
    super::{
        disjoint::WriteTarget,
        element::Element,
        inner::{Inner, Singles},
        instruction_set::{InstructionSet, Kernel, MAX_LANES},
        matrix::ROWS,
        memory::scratch,
        tile_shape::{MAX_VECTORS, TileShape},
    },
    blocks::Blocks,
    filtering::{Filtering, PLACES, padded},
    transforms::{transform_inputs, transform_kernels, transform_outputs},
};

/// Channels that are summed in one chain.
const STRETCH: usize = 64;
/// Panels whose kernels are transformed at a time: they share the transformed inputs while these are in a first-level
/// cache.
const PANELS: usize = 2;

/// Some panels times some tiles. It exists only while their outputs are its own; see [`Task::with_room`].
pub(in super::super) struct Task<'a, E> {
    filtering: &'a Filtering<'a, E>,
    tiles: Range<usize>,
    panels: Range<usize>,
    out: WriteTarget<'a>,
    /// Transformed inputs of a stretch: per block of columns, per place, `[channels][width of the block]`, and slack.
    inputs: &'a mut [f32],
    /// Transformed kernels of a stretch: per panel of a group, per place, `[channels][8]`.
    kernels: &'a mut [f32],
    /// Sums: per panel, per place, per block of columns, `[8][width of the block]`.
    sums: &'a mut [f32],
}

impl<E: Element> Task<'_, E> {
    /// Computes `panels` for `tiles` by `run`, with memory lent to it.
    ///
    /// # Safety
    /// Until this returns, nothing else uses the outputs of these panels and tiles.
    ///
    /// # Panics
    /// If the convolution does not have these panels and tiles, or slices are shorter than its sizes say.
    pub(in super::super) unsafe fn with_room(
        filtering: &Filtering<E>,
        tiles: Range<usize>,
        panels: Range<usize>,
        out: WriteTarget,
        run: impl FnOnce(Task<E>),
    ) {
        filtering.check(out.len());
        assert!(panels.end <= filtering.matrix.rows().div_ceil(ROWS) && tiles.end <= filtering.tiles(), "task");
        let stretch = padded::<E>(filtering.channels.min(STRETCH));
        // The widest blocks in use; narrower ones divide them.
        let wide = tiles.len().next_multiple_of(MAX_VECTORS * MAX_LANES);
        let kept = if filtering.channels > STRETCH { panels.len() } else { panels.len().min(PANELS) };
        scratch(PLACES * (wide * stretch + wide / 8 * MAX_LANES), |inputs| {
            scratch(PANELS * PLACES * stretch * ROWS, |kernels| {
                scratch(kept * PLACES * ROWS * wide + MAX_LANES, |sums| {
                    run(Task { filtering, tiles, panels, out, inputs, kernels, sums });
                });
            });
        });
    }
}

impl<E: Element> Kernel for Task<'_, E> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(mut self, isa: I) {
        let lanes = isa.f32().len();
        let TileShape { vectors, .. } = TileShape::of::<I>();
        let blocks = Blocks { lanes, vectors, full: vectors * lanes, total: self.tiles.len() };
        let pieces = blocks.pieces(self.tiles.clone(), self.filtering.width.div_ceil(2));
        let all = self.filtering.channels;
        for first in (0..all).step_by(STRETCH) {
            let channels = first..(first + STRETCH).min(all);
            let step = PLACES * padded::<E>(channels.len()) * ROWS;
            transform_inputs(isa, self.filtering, (blocks, &pieces), channels.clone(), self.inputs);
            for group in self.panels.clone().step_by(PANELS) {
                let group = group..(group + PANELS).min(self.panels.end);
                for (panel, kernels) in group.clone().zip(self.kernels.chunks_exact_mut(step)) {
                    transform_kernels(isa, self.filtering, panel, channels.clone(), kernels);
                }
                let slot = if all > STRETCH { group.start - self.panels.start } else { 0 };
                self.multiply(isa, blocks, group.len(), slot, padded::<E>(channels.len()), first > 0);
                if channels.end == all {
                    for panel in group.clone() {
                        let place = (panel, slot + panel - group.start);
                        // SAFETY: the outputs of this task's panels and tiles are its own.
                        unsafe {
                            transform_outputs(isa, self.filtering, (blocks, &pieces), place, self.sums, self.out);
                        }
                    }
                }
            }
        }
    }
}

impl<E: Element> Task<'_, E> {
    /// Adds the products of a stretch of channels to the sums of `group` panels from `slot` on; or sets them, unless there
    /// is `more` of it.
    #[inline(always)]
    fn multiply<I: InstructionSet>(
        &mut self,
        isa: I,
        blocks: Blocks,
        group: usize,
        slot: usize,
        channels: usize,
        more: bool,
    ) {
        let TileShape { rows: half, .. } = TileShape::of::<I>();
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
    fn tile<I: InstructionSet, const R: usize, const V: usize>(
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
        let new = Singles.chain::<R, V>(isa, left, right, depth, [[ops.zero(); V]; R]);
        for (row, sums) in new.iter().zip(self.sums[sums..][..R * V * lanes].chunks_exact_mut(V * lanes)) {
            for (sum, place) in row.iter().zip(sums.chunks_exact_mut(lanes)) {
                let sum = if more { ops.add(ops.load(place), *sum) } else { *sum };
                ops.store(sum, place);
            }
        }
    }
}
