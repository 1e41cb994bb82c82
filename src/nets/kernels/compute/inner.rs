//! The running sums of one tile: the few lines in which nearly all time is spent, per kind of operand.
//!
//! Apart because products, filtering and attention all end here.
#![allow(unsafe_code, reason = "vector loads through pointers whose range is checked once per chain")]

use rten_simd::ops::{BitOps, NumOps};

use super::{
    element::{Element, Pair},
    instruction_set::InstructionSet,
    matrix::ROWS,
    memory::{as_floats, as_floats_mut},
    vectors::copy_few,
};

/// One way to add up products.
pub(super) trait Inner<I: InstructionSet>: Copy {
    type Element: Element;
    /// Terms of the sum that an element is taken apart into beforehand, each of the size of an element.
    const TERMS: usize = 1;

    /// Lays out a row of one term of each of the right-hand side's elements.
    #[inline(always)]
    fn lay(self, isa: I, from: &[Self::Element], _term: usize, to: &mut [Self::Element]) {
        copy_few(isa, from, to);
    }

    /// The terms of a panel, `[terms][8]`: as it lies, or in `room`, which has the length of all terms.
    #[inline(always)]
    fn lay_panel<'a>(self, _isa: I, panel: &'a [Self::Element], _room: &'a mut [Self::Element]) -> &'a [Self::Element] {
        panel
    }

    /// `sums[r][v] += panel[k * 8 + r] * right[(k * V + v) * lanes..]` for k in 0..terms; of pairs, both products.
    ///
    /// # Panics
    /// If an operand is shorter than that.
    fn chain<const R: usize, const V: usize>(
        self,
        isa: I,
        panel: &[Self::Element],
        right: &[Self::Element],
        terms: usize,
        sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R];
}

/// Checks that operands are as long as [`Inner::chain`] reads.
#[inline(always)]
pub(super) fn check_operands<const R: usize, const V: usize>(
    panel: &[impl Element],
    right: &[impl Element],
    terms: usize,
    lanes: usize,
) {
    // By divisions, which do not overflow.
    assert!(terms == 0 || panel.len() >= R && (panel.len() - R) / ROWS >= terms - 1, "rows of the panel");
    assert!(right.len() / (V * lanes) >= terms, "columns");
}

/// Single values, by fused multiply-adds.
#[derive(Clone, Copy)]
pub(super) struct Singles;

impl<I: InstructionSet> Inner<I> for Singles {
    type Element = f32;

    #[inline(always)]
    fn chain<const R: usize, const V: usize>(
        self,
        isa: I,
        panel: &[f32],
        right: &[f32],
        terms: usize,
        mut sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R] {
        let ops = isa.f32();
        #[cfg(target_arch = "x86_64")]
        if matches!(I::KIND, super::instruction_set::Kind::Avx2) && (R, V) == super::avx2::TILE {
            use super::avx2;
            let mut lanes = [0.0; avx2::SUMS];
            let place = |r: usize, v: usize| (r * V + v) * 8;
            for (r, sums) in sums.iter().enumerate() {
                for (v, &sum) in sums.iter().enumerate() {
                    ops.store(sum, &mut lanes[place(r, v)..]);
                }
            }
            // SAFETY: `isa` exists and is of the kind that is made only where AVX2 and FMA were found.
            unsafe { avx2::chain(panel, right, terms, &mut lanes) };
            // Loops, and no `array::from_fn`: where that is not inlined, its calls lack the instructions.
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = ops.load(&lanes[place(r, v)..]);
                }
            }
            return sums;
        }
        check_operands::<R, V>(panel, right, terms, ops.len());
        let (panel, right) = (panel.as_ptr(), right.as_ptr());
        for k in 0..terms {
            // SAFETY: the operands are as long as was just checked.
            unsafe {
                let mut columns = [ops.zero(); V];
                for (v, column) in columns.iter_mut().enumerate() {
                    *column = ops.load_ptr(right.add((k * V + v) * ops.len()));
                }
                let left = panel.add(k * ROWS);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let weight = ops.splat(*left.add(r));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = ops.mul_add(weight, column, *sum);
                    }
                }
            }
        }
        sums
    }
}

/// Pairs, taken apart beforehand: a value of bf16 is one of f32, and so is the product of two. The same sums as those of the
/// instruction for pairs, in the same order: of each pair the second value first.
#[derive(Clone, Copy)]
pub(super) struct Apart;

impl<I: InstructionSet> Inner<I> for Apart {
    type Element = Pair;
    const TERMS: usize = 2;

    #[inline(always)]
    fn lay(self, isa: I, from: &[Pair], term: usize, to: &mut [Pair]) {
        let (lanes, half) = (isa.f32().len(), 1 - term);
        if from.len() < lanes {
            return to.iter_mut().zip(from).for_each(|(to, pair)| to.0 = pair.value(half).to_bits());
        }
        let to = &mut as_floats_mut(to)[..from.len()];
        for at in (0..from.len()).step_by(lanes) {
            // The last vector overlaps the one before it where there are too few elements left.
            let at = at.min(from.len() - lanes);
            isa.f32().store(Pair::values(isa, &from[at..at + lanes], half), &mut to[at..at + lanes]);
        }
    }

    #[inline(always)]
    fn lay_panel<'a>(self, isa: I, panel: &'a [Pair], room: &'a mut [Pair]) -> &'a [Pair] {
        let (ops, lanes) = (isa.f32(), isa.f32().len());
        assert!(room.len() == 2 * panel.len() && panel.len().is_multiple_of(ROWS), "room for the terms of a panel");
        let (panel_end, to) = (panel.len() / lanes * lanes, as_floats_mut(room).as_mut_ptr());
        let rows = ops.first_n_mask(ROWS.min(lanes));
        for at in (0..panel_end).step_by(lanes) {
            let vector = &panel[at..at + lanes];
            let (second, first) = (Pair::values(isa, vector, 1), Pair::values(isa, vector, 0));
            // SAFETY: for a vector of pairs from `at` on, at most 16, there are twice as many terms from `2 * at` on. What is
            // shorter than a row of the panel stays inside it; a row has its second values first.
            unsafe {
                let to = to.add(at / ROWS * 2 * ROWS + at % ROWS);
                if lanes > ROWS {
                    // Two rows, from the last to the first: each store overwrites what the one before wrote too far.
                    ops.store_ptr(first, to.add(2 * ROWS));
                    ops.store_ptr(second, to.add(ROWS));
                    ops.store_ptr_mask(first, to.add(ROWS), rows);
                    ops.store_ptr_mask(second, to, rows);
                } else {
                    ops.store_ptr(second, to);
                    ops.store_ptr(first, to.add(ROWS));
                }
            }
        }
        // A single row where vectors hold two.
        for (i, pair) in panel.iter().enumerate().skip(panel_end) {
            let at = i / ROWS * 2 * ROWS + i % ROWS;
            (room[at].0, room[at + ROWS].0) = (pair.value(1).to_bits(), pair.value(0).to_bits());
        }
        room
    }

    #[inline(always)]
    fn chain<const R: usize, const V: usize>(
        self,
        isa: I,
        panel: &[Pair],
        right: &[Pair],
        terms: usize,
        sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R] {
        // What was laid out are the bits of f32 values.
        Singles.chain(isa, as_floats(panel), as_floats(right), terms, sums)
    }
}
