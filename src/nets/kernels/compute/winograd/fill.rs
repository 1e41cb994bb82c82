//! Filtered convolutions on all threads: how tiles and panels are cut into tasks.
//!
//! Apart because it stands above the tasks.
#![allow(unsafe_code, reason = "tasks on several threads write disjoint outputs")]

use std::mem::MaybeUninit;

use super::{
    super::{
        disjoint::WriteTarget,
        element::Element,
        instruction_set::{Kernel, MAX_LANES},
        matrix::ROWS,
        multiply::part,
        parallel,
    },
    filtering::{Filtering, PLACES},
    task::Task,
};

/// Tiles that a task transforms at a time.
const TILES: usize = 192;
/// Multiplications that are worth a task of their own.
const TASK_WORK: usize = 1 << 19;

impl<E: Element> Filtering<'_, E> {
    /// Writes all outputs, `[rows, height, width]`, on the threads that stand by.
    ///
    /// # Panics
    /// If slices are shorter than the sizes say.
    pub(in super::super) fn fill(&self, out: &mut [MaybeUninit<f32>]) {
        self.check(out.len());
        if out.is_empty() {
            return;
        }
        let (total, panels) = (self.tiles(), self.matrix.rows().div_ceil(ROWS));
        let groups = total.div_ceil(MAX_LANES);
        let (column_parts, row_parts) = cut(groups, panels, self.channels);
        let out = WriteTarget::new(out);
        parallel::each(column_parts * row_parts, |task| {
            let groups = part(groups, column_parts, task / row_parts);
            let tiles = groups.start * MAX_LANES..(groups.end * MAX_LANES).min(total);
            let panels = part(panels, row_parts, task % row_parts);
            // SAFETY: each task has a pair of tiles and panels of its own.
            unsafe { Task::with_room(self, tiles, panels, out, |task| task.dispatch()) };
        });
    }
}

/// Into how many parts tiles (in groups of [`MAX_LANES`]) and panels are cut: none with more columns than a cache holds,
/// and for enough threads by the way that costs less. Parts of columns transform all kernels anew, parts of panels all
/// inputs.
fn cut(groups: usize, panels: usize, channels: usize) -> (usize, usize) {
    // Cycles for each channel, roughly: of products, of kernels (which come from memory) and of inputs.
    const PRODUCT: usize = 64;
    const KERNEL: usize = 100;
    const INPUT: usize = 45;
    let threads = parallel::threads();
    let cached = groups.div_ceil(TILES / MAX_LANES);
    if cached >= threads {
        return (cached.next_multiple_of(threads).min(groups), 1);
    }
    let work = groups * panels * channels * (PLACES * MAX_LANES * ROWS);
    let tasks = (work / TASK_WORK).clamp(1, threads);
    let cost = |&(columns, rows): &(usize, usize)| {
        let longest = groups.div_ceil(columns) * panels.div_ceil(rows) * PRODUCT;
        longest + panels.div_ceil(rows) * KERNEL + groups.div_ceil(columns) * INPUT
    };
    let by_columns =
        (cached..=tasks.max(cached)).map(|columns| (columns.min(groups), tasks.div_ceil(columns).min(panels)));
    by_columns.min_by_key(cost).unwrap_or((cached, 1))
}
