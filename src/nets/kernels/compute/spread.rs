//! Maps spread along self-attention.
//!
//! Apart from the general product: these operands are too small for laying them out anew to pay.
#![allow(unsafe_code, reason = "vectors through pointers whose range is checked before")]

use std::array;

use rten_simd::ops::{BitOps, NumOps};

use super::{
    instruction_set::{InstructionSet, Kernel},
    matrix::ROWS,
};

/// `out[k, p] = sum over q of maps[k, q] * attention[q, p]`, on this thread: `maps` and `out` are `[count, n]`,
/// `attention` `[n, n]`. All are read where they lie.
///
/// # Panics
/// If a slice has another length.
pub(crate) fn spread(attention: &[f32], n: usize, maps: &[f32], out: &mut [f32]) {
    Spread { attention, n, maps, out }.dispatch();
}

pub(super) struct Spread<'a> {
    pub(super) attention: &'a [f32],
    pub(super) n: usize,
    pub(super) maps: &'a [f32],
    pub(super) out: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(mut self, isa: I) {
        let lanes = isa.f32().len();
        let (n, count) = (self.n, self.maps.len() / self.n.max(1));
        assert!(self.attention.len() == n * n, "an attention");
        assert!(self.maps.len() == count * n && self.out.len() == self.maps.len(), "maps");
        // Of 32 registers 24 hold running sums, of 16 half of them.
        let (rows, width) = if I::KIND.has_32_registers() { (ROWS, 3 * lanes) } else { (ROWS / 2, 2 * lanes) };
        for column in (0..self.n).step_by(width) {
            let vectors = (self.n - column).min(width).div_ceil(lanes);
            for map in (0..count).step_by(rows) {
                match ((count - map).min(rows), vectors) {
                    (5.., 3) => self.tile::<I, 8, 3>(isa, map, column),
                    (5.., 2) => self.tile::<I, 8, 2>(isa, map, column),
                    (5.., _) => self.tile::<I, 8, 1>(isa, map, column),
                    (3.., 3) => self.tile::<I, 4, 3>(isa, map, column),
                    (3.., 2) => self.tile::<I, 4, 2>(isa, map, column),
                    (3.., _) => self.tile::<I, 4, 1>(isa, map, column),
                    (_, 3) => self.tile::<I, 2, 3>(isa, map, column),
                    (_, 2) => self.tile::<I, 2, 2>(isa, map, column),
                    _ => self.tile::<I, 2, 1>(isa, map, column),
                }
            }
        }
    }
}

impl Spread<'_> {
    /// `R` maps from `map` on, of which the last may be behind the end, and `V` vectors of positions from `column` on, of
    /// which the last may end before its last lane. `eval` has checked the lengths.
    #[inline(always)]
    fn tile<I: InstructionSet, const R: usize, const V: usize>(&mut self, isa: I, map: usize, column: usize) {
        let (ops, n) = (isa.f32(), self.n);
        let last = self.maps.len() / n - 1;
        // Maps behind the last one are that one again.
        let maps: [&[f32]; R] = array::from_fn(|r| &self.maps[(map + r).min(last) * n..][..n]);
        let at: [usize; V] = array::from_fn(|v| column + v * ops.len());
        let masks = at.map(|at| ops.first_n_mask((n - at).min(ops.len())));
        let mut sums = [[ops.zero(); V]; R];
        for (q, attention) in self.attention.chunks_exact(n).enumerate() {
            let mut near = [ops.zero(); V];
            for (v, near) in near.iter_mut().enumerate() {
                let from = attention[at[v]..].as_ptr();
                // SAFETY: all vectors but the last end before the row does, and the mask ends with the row.
                *near = unsafe { if v + 1 < V { ops.load_ptr(from) } else { ops.load_ptr_mask(from, masks[v]) } };
            }
            for (sums, map) in sums.iter_mut().zip(maps) {
                // SAFETY: a map has n positions, as many as the attention has rows.
                let value = ops.splat(unsafe { *map.get_unchecked(q) });
                for (sum, near) in sums.iter_mut().zip(near) {
                    *sum = ops.mul_add(near, value, *sum);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate().take(last + 1 - map) {
            for (v, sum) in sums.into_iter().enumerate() {
                let to = self.out[(map + r) * n + at[v]..].as_mut_ptr();
                // SAFETY: the mask ends with the row.
                unsafe { ops.store_ptr_mask(sum, to, masks[v]) };
            }
        }
    }
}
