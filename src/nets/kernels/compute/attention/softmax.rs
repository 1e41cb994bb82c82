//! The running sums of a softmax, and the power of 2 that it takes.
//!
//! Apart from the block because it is the arithmetic of the paper, for any scores.

use std::f32::consts::LN_2;

use rten_simd::{
    Simd,
    ops::{BitOps, IntOps, NumOps},
};

use super::super::instruction_set::InstructionSet;

/// What has been summed for `V` vectors of queries.
pub(super) struct Running<F, const V: usize> {
    /// Highest score.
    pub(super) highest: [F; V],
    /// Sum of `2^(score - highest)`.
    pub(super) total: [F; V],
}

impl<F: Copy, const V: usize> Running<F, V> {
    /// Makes `scores`, `[keys][V vectors]`, `2^(score - highest)`. What was summed before must be multiplied by the
    /// result.
    #[inline(always)]
    pub(super) fn take<I: InstructionSet<F32 = F>>(&mut self, isa: I, scores: &mut [f32]) -> [F; V] {
        let ops = isa.f32();
        let lanes = ops.len();
        let before = self.highest;
        for row in scores.chunks_exact(V * lanes) {
            for (highest, score) in self.highest.iter_mut().zip(row.chunks_exact(lanes)) {
                *highest = ops.max(*highest, ops.load(score));
            }
        }
        let mut factor = self.highest;
        for (factor, before) in factor.iter_mut().zip(before) {
            *factor = power_of_two(isa, ops.sub(before, *factor));
        }
        let mut total = [ops.zero(); V];
        for row in scores.chunks_exact_mut(V * lanes) {
            for ((score, total), highest) in row.chunks_exact_mut(lanes).zip(&mut total).zip(self.highest) {
                let value = power_of_two(isa, ops.sub(ops.load(score), highest));
                *total = ops.add(*total, value);
                ops.store(value, score);
            }
        }
        for ((sum, factor), total) in self.total.iter_mut().zip(factor).zip(total) {
            *sum = ops.mul_add(*sum, factor, total);
        }
        factor
    }
}

/// 2^x for x <= 0, to a unit in the last place; 0 where that is no normal number.
#[inline(always)]
pub(super) fn power_of_two<I: InstructionSet>(isa: I, x: I::F32) -> I::F32 {
    // 2^f for f in -0.5..0.5: the polynomial through 1 of least relative error, 2e-9.
    const SERIES: [f32; 7] = [0.000_153_533_62, 0.001_339_887_5, 0.009_618_437, 0.055_503_324, 0.240_226_48, LN_2, 1.0];
    // Added to a small number, this rounds it to a whole one, which with 127 added stands in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0 + 127.0;
    let (floats, ints) = (isa.f32(), isa.i32());
    // In this order what is not a number stays none.
    let x = floats.max(floats.splat(-127.0), x);
    let rounding = floats.splat(ROUNDING);
    let whole = floats.add(x, rounding);
    let rest = floats.sub(x, floats.sub(whole, rounding));
    let mut series = floats.splat(SERIES[0]);
    for coefficient in &SERIES[1..] {
        series = floats.mul_add(series, rest, floats.splat(*coefficient));
    }
    // The bits of 2^whole; for -127 they are those of zero.
    let power: I::F32 = ints.shift_left::<23>(whole.reinterpret_cast()).reinterpret_cast();
    floats.mul(series, power)
}
