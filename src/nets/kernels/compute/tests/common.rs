//! What the tests of single kernels share.
#![allow(unsafe_code, reason = "a vector whose elements are all written before it gets its length")]

use std::mem::MaybeUninit;

use rten_simd::isa::GenericIsa;

use super::super::{instruction_set::Kernel, memory::filled};

/// Evaluates `op`, once for each instruction set, with `check` for what came out.
pub(super) fn on_each<T, Op: Kernel<Output = T>>(op: impl Fn() -> Op, check: impl Fn(&str, T)) {
    check("plain", op().eval(GenericIsa::new()));
    #[cfg(target_arch = "x86_64")]
    {
        use rten_simd::isa::{Avx2Isa, Avx512Isa};
        if let Some(isa) = Avx2Isa::new() {
            check("AVX2", op().eval(isa));
        }
        if let Some(isa) = Avx512Isa::new() {
            check("AVX-512", op().eval(isa));
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(isa) = rten_simd::isa::ArmNeonIsa::new() {
        check("NEON", op().eval(isa));
    }
}

/// Numbers in -1..1.
pub(super) fn some(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// A vector of `len` values that `fill` writes. What it leaves out is not a number.
pub(super) fn filled_by(len: usize, fill: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    // SAFETY: every element is written first.
    unsafe {
        filled(len, |out| {
            out.fill(MaybeUninit::new(f32::NAN));
            fill(out);
        })
    }
}
