//! Products of pairs by `vdpbf16ps`, the instruction that is made for them.
//!
//! Apart because only some CPUs have it (AVX-512 with BF16), and fewer gain by it.
#![allow(unsafe_code, reason = "instructions that the compiler does not assume")]

use std::{
    arch::x86_64::*,
    array,
    hint::black_box,
    mem::transmute,
    sync::OnceLock,
    time::{Duration, Instant},
};

use rten_simd::{Isa, isa::Avx512Isa, ops::BitOps};

use super::{
    element::Pair,
    inner::{Inner, Singles, check_operands},
    matrix::ROWS,
    memory::as_floats,
    tile::Task,
};

/// Pairs, by the instruction made for them. A value of it exists only where the CPU has the instruction.
#[derive(Clone, Copy)]
pub(super) struct Dotted(Avx512Isa);

impl Dotted {
    /// If this machine has AVX-512 with BF16.
    pub(super) fn new() -> Option<Self> {
        if is_x86_feature_detected!("avx512bf16") { Avx512Isa::new().map(Self) } else { None }
    }

    /// The same where it is faster than the same sum of single values, taken apart. On some CPUs (AMD's) it is nearly twice
    /// as fast, on others (Intel's before AMX) half as fast: so both are timed once. The sums are the same to the bit but
    /// for numbers below 1e-38, so nothing else depends on it.
    pub(super) fn where_faster() -> Option<Self> {
        static IS_FASTER: OnceLock<bool> = OnceLock::new();
        let dotted = Self::new()?;
        // SAFETY: `dotted` exists, so the CPU has all that is enabled.
        IS_FASTER.get_or_init(|| unsafe { dotted.is_faster() }).then_some(dotted)
    }

    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,f16c")]
    fn is_faster(self) -> bool {
        const DEPTH: usize = 128;
        let isa = self.0;
        let (panel, right) = ([Pair(0); 2 * DEPTH * ROWS], [Pair(0); 2 * DEPTH * 48]);
        let mut best = [Duration::MAX; 2];
        // The shortest of many, one way and the other in turn: other load on the machine does not turn that round.
        for _ in 0..50 {
            let sums = black_box([[isa.f32().zero(); 3]; ROWS]);
            let begun = Instant::now();
            black_box(self.chain(isa, &panel, &right, DEPTH, sums));
            let between = Instant::now();
            black_box(Singles.chain(isa, as_floats(&panel), as_floats(&right), 2 * DEPTH, sums));
            let ended = Instant::now();
            best = [best[0].min(between - begun), best[1].min(ended - between)];
        }
        best[0] < best[1]
    }

    /// Computes a task.
    pub(super) fn run(self, task: Task<Pair>) {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,f16c")]
        fn run(dotted: Dotted, task: Task<Pair>) {
            task.tiles(dotted.0, dotted);
        }
        // SAFETY: `self` exists, so the CPU has all that is enabled.
        unsafe { run(self, task) };
    }
}

impl Inner<Avx512Isa> for Dotted {
    type Element = Pair;

    #[inline(always)]
    fn chain<const R: usize, const V: usize>(
        self,
        _: Avx512Isa,
        panel: &[Pair],
        right: &[Pair],
        depth: usize,
        sums: [[<Avx512Isa as Isa>::F32; V]; R],
    ) -> [[<Avx512Isa as Isa>::F32; V]; R] {
        check_operands::<R, V>(panel, right, depth, 16);
        let (panel, right) = (panel.as_ptr(), right.as_ptr());
        let mut sums = sums.map(|row| row.map(|sum| sum.0));
        for k in 0..depth {
            // SAFETY: the operands are as long as was checked; pairs are 4 bytes, and a vector of 16 of them is one of 32
            // bf16. The CPU has the instruction, because `self` exists.
            unsafe {
                let right: [__m512bh; V] = array::from_fn(|v| {
                    transmute::<__m512i, __m512bh>(_mm512_loadu_si512(right.add((k * V + v) * 16).cast()))
                });
                let left = panel.add(k * ROWS).cast::<i32>();
                for (r, sums) in sums.iter_mut().enumerate() {
                    let weight = transmute::<__m512i, __m512bh>(_mm512_set1_epi32(*left.add(r)));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = _mm512_dpbf16_ps(*sum, weight, right);
                    }
                }
            }
        }
        sums.map(|row| row.map(Into::into))
    }
}
