//! The map of an attention: its probabilities, mean over heads.
//!
//! Apart from the blocks because it is taken when all of them are done.
#![allow(unsafe_code, reason = "vectors under masks, and outputs that are written before their vector gets its length")]

use std::{mem::MaybeUninit, ops::Range};

use rten_simd::ops::{BitOps, NumOps};

use super::{
    super::{
        instruction_set::{InstructionSet, Kernel},
        memory::filled,
        parallel,
    },
    packed::{KEYS, Sizes},
};

/// Values of a map that are averaged over heads in one task.
const PART: usize = 8 << 10;

/// What all heads kept to `[l, n]`.
pub(super) fn mean_over_heads(seen: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { n, l, .. } = sizes;
    let rows = (PART / n.max(1)).max(1);
    let fill = |map: &mut [MaybeUninit<f32>]| {
        parallel::each_part(map, rows * n, |part, out| {
            let first = part * rows;
            Mean { seen, sizes, rows: first..first + out.len() / n, out }.dispatch();
        });
    };
    // SAFETY: the parts are all of it, and a `Mean` writes all of its part.
    unsafe { filled(l * n, fill) }
}

/// Some rows of a map.
pub(in super::super) struct Mean<'a> {
    /// [`Sizes::kept`] of each head.
    pub(in super::super) seen: &'a [f32],
    pub(in super::super) sizes: Sizes,
    pub(in super::super) rows: Range<usize>,
    /// `[rows, n]`, all of which is written.
    pub(in super::super) out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        let ops = isa.f32();
        let Sizes { heads, n, l, .. } = self.sizes;
        assert!(self.rows.end <= l && self.out.len() == self.rows.len() * n, "rows of a map");
        let share = ops.splat(1.0 / heads as f32);
        for (row, out) in self.rows.zip(self.out.chunks_exact_mut(n.max(1))) {
            let (row, factors) = (row * n, (l + row / KEYS) * n);
            for at in (0..n).step_by(ops.len()) {
                let mask = ops.first_n_mask((n - at).min(ops.len()));
                let mut sum = ops.zero();
                for seen in self.seen.chunks_exact(self.sizes.kept()) {
                    // SAFETY: a head keeps `l + l / 128` rows of n, of which these are two. The mask ends with the row.
                    let [value, factor] = unsafe {
                        [
                            ops.load_ptr_mask(seen.as_ptr().add(row + at), mask),
                            ops.load_ptr_mask(seen.as_ptr().add(factors + at), mask),
                        ]
                    };
                    sum = ops.mul_add(value, factor, sum);
                }
                // SAFETY: a row of the output has n values too.
                unsafe { ops.store_ptr_mask(ops.mul(sum, share), out.as_mut_ptr().add(at).cast(), mask) };
            }
        }
    }
}
