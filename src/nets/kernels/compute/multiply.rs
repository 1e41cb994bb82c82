//! Products on all threads: how they are cut into tasks, and which instructions compute these.
//!
//! Apart from [`Product`] and [`Task`] because it stands above both.
#![allow(unsafe_code, reason = "tasks on several threads write disjoint outputs")]

use std::{mem::MaybeUninit, ops::Range};

use super::{
    disjoint::WriteTarget,
    element::{Element, Pair},
    instruction_set::Kernel,
    matrix::ROWS,
    parallel,
    product::Product,
    tile::Task,
    tile_shape::tile_width,
};

/// Elements of the right-hand side that a task gathers at a time and reads again for each panel: 192 KiB, well inside a
/// second-level cache.
const BLOCK_ELEMENTS: usize = 48 << 10;
/// Multiplications that are worth a task of their own: some microseconds.
const TASK_WORK: usize = 1 << 19;

/// Elements of which products are computed.
pub(super) trait Multiply: Element {
    /// Computes a task with the best instructions of this machine.
    fn run(task: Task<Self>);
}

impl Multiply for f32 {
    fn run(task: Task<Self>) {
        task.dispatch();
    }
}

impl Multiply for Pair {
    /// With `vdpbf16ps` where that is the faster way.
    fn run(task: Task<Self>) {
        #[cfg(target_arch = "x86_64")]
        if let Some(dotted) = super::dotted::Dotted::where_faster() {
            return dotted.run(task);
        }
        task.dispatch();
    }
}

impl<E: Multiply> Product<'_, E> {
    /// Writes all outputs to `out`, on the threads that stand by.
    ///
    /// # Panics
    /// If slices are shorter than the sizes say.
    pub(super) fn fill(&self, out: &mut [MaybeUninit<f32>]) {
        self.check(out.len());
        let (total, depth) = (self.columns.count(), self.matrix.depth());
        let panels = self.matrix.rows().div_ceil(ROWS);
        if total == 0 || panels == 0 {
            return;
        }
        let width = tile_width();
        let tiles = total.div_ceil(width);
        let cut = Cut::of(panels, tiles, depth * ROWS * width, width * depth.min(self.matrix.stretch()));
        let target = WriteTarget::new(out);
        let run = |task: usize| {
            let (row_part, tile_part) = (task % cut.row_parts, task / cut.row_parts);
            let tiles = part(tiles, cut.tile_parts, tile_part);
            let panels = part(panels, cut.row_parts, row_part);
            let columns = tiles.start * width..(tiles.end * width).min(total);
            // SAFETY: each task has a pair of panels and columns of its own, and no two outputs share a place (`check`).
            unsafe { Task::with_room(self, [panels, columns], target, E::run) };
        };
        parallel::each(cut.row_parts * cut.tile_parts, run);
    }
}

/// Into how many parts rows and tiles are cut.
struct Cut {
    row_parts: usize,
    tile_parts: usize,
}

impl Cut {
    /// Enough tasks for all threads, none too small to be worth it, and none with more columns than a cache holds.
    fn of(panels: usize, tiles: usize, work_per_tile: usize, elements_per_tile: usize) -> Self {
        let cached = tiles.div_ceil((BLOCK_ELEMENTS / elements_per_tile.max(1)).max(1));
        let threads = parallel::threads();
        let tasks = (panels * tiles * work_per_tile / TASK_WORK).clamp(1, 4 * threads);
        // Columns are cut first: then each task packs the whole matrix through one block of columns. Every thread gets
        // as many of them: one task too many keeps all threads but one waiting for it.
        let tile_parts = cached.max(tasks.min(tiles)).next_multiple_of(threads).min(tiles);
        let row_parts = tasks.div_ceil(tile_parts).min(panels);
        if tile_parts > cached && row_parts == 1 && panels > 2 * tasks && tiles < 4 * tasks {
            // Few columns and many rows (small maps): rows divide more evenly.
            return Self { row_parts: tasks.div_ceil(cached), tile_parts: cached };
        }
        Self { row_parts, tile_parts }
    }
}

/// Part `index` of `0..len` in `parts` nearly equal ones.
pub(super) fn part(len: usize, parts: usize, index: usize) -> Range<usize> {
    len * index / parts..len * (index + 1) / parts
}
