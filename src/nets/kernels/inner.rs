//! The running sums of one tile: the few lines in which nearly all time is spent, per kind of operand and instruction.
#![allow(unsafe_code, reason = "vector loads through pointers, and instructions that the compiler does not assume")]

use std::array;

use rten_simd::{
    Isa, Simd,
    ops::{BitOps, IntOps, NumOps},
};

use super::{
    element::{Element, Pair},
    product::ROWS,
    tile::Task,
};

/// One way to add up products.
pub(super) trait Inner<I: Isa> {
    type Element: Element;

    /// `sums[r][v] += panel[k * 8 + r] * right[(k * V + v) * lanes..]` for k in 0..depth; of pairs, both products.
    ///
    /// # Safety
    /// All of these exist.
    unsafe fn chain<const R: usize, const V: usize>(
        isa: I,
        panel: *const Self::Element,
        right: *const Self::Element,
        depth: usize,
        sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R];
}

/// Single values, by fused multiply-adds.
pub(super) struct Singles;

impl<I: Isa> Inner<I> for Singles {
    type Element = f32;

    #[inline(always)]
    unsafe fn chain<const R: usize, const V: usize>(
        isa: I,
        panel: *const f32,
        right: *const f32,
        depth: usize,
        mut sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R] {
        let ops = isa.f32();
        #[cfg(target_arch = "x86_64")]
        if R == 4 && V == 3 && ops.len() == 8 {
            let mut lanes = [0.0; 96];
            let place = |r: usize, v: usize| (r * V + v) * 8;
            for (r, sums) in sums.iter().enumerate() {
                for (v, &sum) in sums.iter().enumerate() {
                    ops.store(sum, &mut lanes[place(r, v)..]);
                }
            }
            // SAFETY: the caller's promise; vectors of eight lanes are AVX2's here, which are used only beside FMA.
            unsafe { avx2::chain(panel, right, depth, &mut lanes) };
            return array::from_fn(|r| array::from_fn(|v| ops.load(&lanes[place(r, v)..])));
        }
        for k in 0..depth {
            // SAFETY: the caller's promise.
            unsafe {
                let right: [I::F32; V] = array::from_fn(|v| ops.load_ptr(right.add((k * V + v) * ops.len())));
                let left = panel.add(k * ROWS);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let weight = ops.splat(*left.add(r));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = ops.mul_add(weight, right, *sum);
                    }
                }
            }
        }
        sums
    }
}

/// The tile that fills all sixteen registers of AVX2: twelve sums, three vectors of columns, one row's weight. Compilers
/// find no place for the weight and keep a sum in memory, which then waits for its own store in each round: hence by hand.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::asm;

    use super::ROWS;

    /// Bytes from one k to the next, of a panel and of the columns.
    const PANEL_STEP: usize = 4 * ROWS;
    const RIGHT_STEP: usize = 96;

    /// One row's weight times the three vectors of columns in ymm12 to ymm14, added to that row's sums.
    macro_rules! row {
        ($place:literal, $a:literal, $b:literal, $c:literal) => {
            concat!(
                "vbroadcastss ymm15, [{panel} + ",
                $place,
                "]\n",
                "vfmadd231ps ymm",
                $a,
                ", ymm12, ymm15\n",
                "vfmadd231ps ymm",
                $b,
                ", ymm13, ymm15\n",
                "vfmadd231ps ymm",
                $c,
                ", ymm14, ymm15\n",
            )
        };
    }

    /// One k: three vectors of columns times four rows, and on to the next.
    macro_rules! round {
        () => {
            concat!(
                "vmovups ymm12, [{right}]\n",
                "vmovups ymm13, [{right} + 32]\n",
                "vmovups ymm14, [{right} + 64]\n",
                row!("0", "0", "1", "2"),
                row!("4", "3", "4", "5"),
                row!("8", "6", "7", "8"),
                row!("12", "9", "10", "11"),
                "add {panel}, {panel_step}\n",
                "add {right}, {right_step}\n",
            )
        };
    }

    /// Moves the twelve sums between registers and memory.
    macro_rules! sums {
        ($($register:literal $place:literal),*; load) => {
            concat!($("vmovups ymm", $register, ", [{sums} + ", $place, "]\n"),*)
        };
        ($($register:literal $place:literal),*; store) => {
            concat!($("vmovups [{sums} + ", $place, "], ymm", $register, "\n"),*)
        };
        ($way:ident) => {
            sums!("0" "0", "1" "32", "2" "64", "3" "96", "4" "128", "5" "160", "6" "192", "7" "224", "8" "256",
                "9" "288", "10" "320", "11" "352"; $way)
        };
    }

    /// `sums[r][v] += panel[k * 8 + r] * right[(k * 3 + v) * 8..]` for four rows and three vectors of eight, k in
    /// 0..depth: one chain of fused multiply-adds each, as the plain loop makes them.
    ///
    /// # Safety
    /// All of these exist, and the CPU has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn chain(panel: *const f32, right: *const f32, depth: usize, sums: &mut [f32; 96]) {
        // SAFETY: reads four floats at each of `depth` steps of 8 from `panel`, 24 at each of `depth` steps of 24 from
        // `right`, which the caller vouches for, and reads and writes the 96 of `sums`. Every register that is written
        // is named, none of the stack is touched, and no flags are relied on afterwards.
        unsafe {
            asm!(
                sums!(load),
                "sub {fours}, 4",
                "jb 3f",
                "2:",
                round!(),
                round!(),
                round!(),
                round!(),
                "sub {fours}, 4",
                "jae 2b",
                "3:",
                "add {fours}, 4",
                "jz 5f",
                "4:",
                round!(),
                "dec {fours}",
                "jnz 4b",
                "5:",
                sums!(store),
                panel = inout(reg) panel => _,
                right = inout(reg) right => _,
                fours = inout(reg) depth => _,
                sums = in(reg) sums.as_mut_ptr(),
                panel_step = const PANEL_STEP,
                right_step = const RIGHT_STEP,
                out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _,
                out("ymm4") _, out("ymm5") _, out("ymm6") _, out("ymm7") _,
                out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
                out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
                options(nostack),
            );
        }
    }
}

/// Pairs, for machines without an instruction for them: each half is widened to f32, which is exact, and so is the
/// product of two such values. The same sums as [`dotted`]'s, in the same order.
pub(super) struct Widened;

impl<I: Isa> Inner<I> for Widened {
    type Element = Pair;

    #[inline(always)]
    unsafe fn chain<const R: usize, const V: usize>(
        isa: I,
        panel: *const Pair,
        right: *const Pair,
        depth: usize,
        mut sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R] {
        let (floats, ints) = (isa.f32(), isa.i32());
        let upper = ints.splat(0xffff_0000_u32.cast_signed());
        for k in 0..depth {
            // SAFETY: the caller's promise; pairs are 4 bytes.
            unsafe {
                let (left, row) = (panel.add(k * ROWS).cast::<i32>(), right.add(k * V * floats.len()).cast::<i32>());
                let load = |v: usize| ints.load_ptr(row.add(v * floats.len()));
                // One half after the other: sixteen registers do not hold both.
                let right: [I::F32; V] = array::from_fn(|v| ints.and(load(v), upper).reinterpret_cast());
                for (r, sums) in sums.iter_mut().enumerate() {
                    let weight: I::F32 = ints.and(ints.splat(*left.add(r)), upper).reinterpret_cast();
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = floats.mul_add(weight, right, *sum);
                    }
                }
                let right: [I::F32; V] = array::from_fn(|v| ints.shift_left::<16>(load(v)).reinterpret_cast());
                for (r, sums) in sums.iter_mut().enumerate() {
                    let weight: I::F32 = ints.shift_left::<16>(ints.splat(*left.add(r))).reinterpret_cast();
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = floats.mul_add(weight, right, *sum);
                    }
                }
            }
        }
        sums
    }
}

/// Computes a task on pairs: with `vdpbf16ps` where the CPU has it.
pub(super) fn run_pairs(task: Task<Pair>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(isa) = dotted::isa() {
        // SAFETY: `isa` is only there where the CPU has all that is enabled.
        return unsafe { dotted::run(isa, task) };
    }
    rten_simd::SimdOp::dispatch(task);
}

/// Whether products of pairs have an instruction of their own here, which makes them about twice as fast.
pub(in super::super) fn multiplies_pairs() -> bool {
    #[cfg(target_arch = "x86_64")]
    return dotted::isa().is_some();
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(target_arch = "x86_64")]
mod dotted {
    use std::{arch::x86_64::*, array, mem::transmute};

    use rten_simd::{Isa, isa::Avx512Isa};

    use super::{Inner, Pair, ROWS, Task};

    /// Pairs, by the instruction made for them.
    struct Dotted;

    /// AVX-512 with BF16, if this machine has it.
    pub(super) fn isa() -> Option<Avx512Isa> {
        if is_x86_feature_detected!("avx512bf16") { Avx512Isa::new() } else { None }
    }

    /// # Safety
    /// The CPU has the features enabled here; [`isa`] says so.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,f16c")]
    pub(super) unsafe fn run(isa: Avx512Isa, task: Task<Pair>) {
        task.tiles::<Avx512Isa, Dotted>(isa);
    }

    impl Inner<Avx512Isa> for Dotted {
        type Element = Pair;

        #[inline(always)]
        unsafe fn chain<const R: usize, const V: usize>(
            _: Avx512Isa,
            panel: *const Pair,
            right: *const Pair,
            depth: usize,
            sums: [[<Avx512Isa as Isa>::F32; V]; R],
        ) -> [[<Avx512Isa as Isa>::F32; V]; R] {
            let mut sums = sums.map(|row| row.map(|sum| sum.0));
            for k in 0..depth {
                // SAFETY: the caller's promise; pairs are 4 bytes, and a vector of 16 of them is one of 32 bf16.
                // Only called from `run`, which enables the instruction.
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
}
