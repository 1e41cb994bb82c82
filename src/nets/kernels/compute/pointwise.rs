//! Functions of single values.
//!
//! Apart because they are operations of their own, on values in any order.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length")]

use std::mem::MaybeUninit;

use rten_simd::{
    Isa, SimdUnaryOp,
    ops::{BitOps, FloatOps, NumOps},
};
use rten_vecmath::{Exp, Silu, Swish};

use super::{
    instruction_set::{InstructionSet, Kernel},
    memory::filled,
    parallel,
    vectors::store_first,
};

/// Values per task: some microseconds.
const TASK: usize = 1 << 14;

/// x / (1 + exp(-x)).
pub(crate) fn silu(x: &[f32]) -> Vec<f32> {
    map(x, Silu {})
}

/// x * sigmoid(1.702 x).
pub(crate) fn quick_gelu(x: &[f32]) -> Vec<f32> {
    map(x, Swish { alpha: 1.702 })
}

/// x times the normal distribution function of x.
pub(crate) fn gelu(x: &[f32]) -> Vec<f32> {
    map(x, Gelu)
}

/// The first half of the channels times gelu of the second: `[batch, 2 * channels, n]` to `[batch, channels, n]`.
///
/// # Panics
/// If `x` has another size.
pub(crate) fn geglu(x: &[f32], [batch, channels, n]: [usize; 3]) -> Vec<f32> {
    assert!(x.len() == batch * channels * n && channels.is_multiple_of(2), "sizes of a gated gelu");
    let half = channels / 2 * n;
    // SAFETY: the parts of `out` together are all of it, and `Gated` writes its whole part.
    unsafe {
        filled(batch * half, |out| {
            for (i, out) in out.chunks_exact_mut(half.max(1)).enumerate() {
                let (value, gate) = x[2 * i * half..2 * (i + 1) * half].split_at(half);
                parallel::each_part(out, TASK, |part, out| {
                    let [value, gate] = [value, gate].map(|x| &x[part * TASK..][..out.len()]);
                    Gated { value, gate, out }.dispatch();
                });
            }
        })
    }
}

fn map(x: &[f32], function: impl SimdUnaryOp<f32> + Sync) -> Vec<f32> {
    // SAFETY: the parts of `out` together are all of it, and `map` writes its whole part.
    unsafe {
        filled(x.len(), |out| {
            parallel::each_part(out, TASK, |part, out| {
                function.map(&x[part * TASK..][..out.len()], out);
            });
        })
    }
}

struct Gated<'a> {
    value: &'a [f32],
    gate: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Gated<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        let ops = isa.f32();
        let lanes = ops.len();
        assert!(self.value.len() == self.out.len() && self.gate.len() == self.out.len(), "values, gates and results");
        let parts = self.value.chunks(lanes).zip(self.gate.chunks(lanes)).zip(self.out.chunks_mut(lanes));
        for ((value, gate), out) in parts {
            let product = ops.mul(ops.load_pad(value).0, Gelu.eval(isa, ops.load_pad(gate).0));
            store_first(isa, product, out);
        }
    }
}

/// The slope of 1/u in t, see [`TAIL`].
const FALL: f32 = 0.3;
/// exp(t^2) erfc(t) / 2 is u times this polynomial in u = 1 / (1 + 0.3 t), for t in 0..9.5, to 2.4e-8 of itself.
/// Interpolated at Chebyshev nodes; lowest power first.
#[allow(clippy::excessive_precision, reason = "as fitted")]
const TAIL: [f32; 9] = [
    8.458755130e-02,
    8.545707812e-02,
    7.352270960e-02,
    1.097835572e-01,
    -5.235607015e-02,
    2.806231006e-01,
    -2.616573277e-01,
    2.452857988e-01,
    -6.524640773e-02,
];

/// x * P(X < x) for a standard normal X, from the tail beyond |x| so that nothing cancels left of zero.
pub(super) struct Gelu;

impl SimdUnaryOp<f32> for Gelu {
    #[inline(always)]
    fn eval<I: Isa>(&self, isa: I, x: I::F32) -> I::F32 {
        let ops = isa.f32();
        // Beyond this the tail is zero; squares must not overflow.
        let size = ops.min(ops.max(x, ops.neg(x)), ops.splat(20.0));
        let t = ops.mul(size, ops.splat(std::f32::consts::FRAC_1_SQRT_2));
        let u = ops.div(ops.one(), ops.mul_add(t, ops.splat(FALL), ops.one()));
        let mut tail = ops.splat(TAIL[8]);
        for coefficient in TAIL[..8].iter().rev() {
            tail = ops.mul_add(tail, u, ops.splat(*coefficient));
        }
        // exp(-x^2 / 2), corrected for the rounding of the square.
        let square = ops.mul(size, size);
        let lost = ops.mul_add(size, size, ops.neg(square));
        let density = Exp::apply(isa, ops.mul(square, ops.splat(-0.5)));
        let density = ops.mul_add(density, ops.mul(lost, ops.splat(-0.5)), density);
        let tail = ops.mul(ops.mul(tail, u), density);
        let below = ops.select(tail, ops.sub(ops.one(), tail), ops.lt(x, ops.zero()));
        ops.mul(x, below)
    }
}
