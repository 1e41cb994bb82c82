//! The running sums of one tile: the few lines in which nearly all time is spent, per kind of operand and instruction.
#![allow(unsafe_code, reason = "vector loads through pointers, and instructions that the compiler does not assume")]

use std::array;

use rten_simd::{
    Isa,
    ops::{BitOps, NumOps},
};

use super::{
    element::{Element, Pair},
    product::ROWS,
    tile::{Task, copy_few},
};

/// One way to add up products.
pub(super) trait Inner<I: Isa> {
    type Element: Element;
    /// Terms of the sum that an element is taken apart into beforehand, each of the size of an element.
    const TERMS: usize = 1;

    /// Lays out a row of one term each of the right-hand side's elements.
    #[inline(always)]
    fn lay(isa: I, from: &[Self::Element], _term: usize, to: &mut [Self::Element]) {
        copy_few(isa, from, to);
    }

    /// The terms of a panel, `[terms][8]`: as it lies, or in `room`.
    #[inline(always)]
    fn lay_panel<'a>(_isa: I, panel: &'a [Self::Element], _room: &'a mut [Self::Element]) -> &'a [Self::Element] {
        panel
    }

    /// `sums[r][v] += panel[k * 8 + r] * right[(k * V + v) * lanes..]` for k in 0..terms; of pairs, both products.
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

/// Pairs, taken apart beforehand: a value of bf16 is one of f32, and so is the product of two. The same sums as
/// [`dotted`]'s, in the same order: of each pair the second value first.
pub(super) struct Apart;

impl<I: Isa> Inner<I> for Apart {
    type Element = Pair;
    const TERMS: usize = 2;

    #[inline(always)]
    fn lay(isa: I, from: &[Pair], term: usize, to: &mut [Pair]) {
        let (lanes, half) = (isa.f32().len(), 1 - term);
        if from.len() < lanes {
            return to.iter_mut().zip(from).for_each(|(to, pair)| to.0 = pair.value(half).to_bits());
        }
        let to = &mut to[..from.len()];
        for at in (0..from.len()).step_by(lanes) {
            // The last vector overlaps the one before it where there are too few elements left.
            let at = at.min(from.len() - lanes);
            // SAFETY: elements are 4 bytes of any bits, and there are `lanes` of them from `at` on in both slices.
            unsafe {
                let values = Pair::values(isa, from.as_ptr().add(at), half);
                isa.f32().store_ptr(values, to.as_mut_ptr().add(at).cast());
            }
        }
    }

    #[inline(always)]
    fn lay_panel<'a>(isa: I, panel: &'a [Pair], room: &'a mut [Pair]) -> &'a [Pair] {
        let (ops, lanes) = (isa.f32(), isa.f32().len());
        assert!(room.len() == 2 * panel.len() && panel.len().is_multiple_of(ROWS), "room for the terms of a panel");
        let (panel_end, to) = (panel.len() / lanes * lanes, room.as_mut_ptr().cast::<f32>());
        let rows = ops.first_n_mask(ROWS.min(lanes));
        for at in (0..panel_end).step_by(lanes) {
            // SAFETY: a vector of pairs is there from `at` on, at most 16, and twice as many terms from `2 * at` on; what
            // is shorter than a panel's row stays inside it, which has its second values first.
            unsafe {
                let second = Pair::values(isa, panel.as_ptr().add(at), 1);
                let first = Pair::values(isa, panel.as_ptr().add(at), 0);
                let to = to.add(at / ROWS * 2 * ROWS + at % ROWS);
                if lanes > ROWS {
                    // Two rows, from the last to the first: what one store writes beyond its place the next ones mend.
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
    unsafe fn chain<const R: usize, const V: usize>(
        isa: I,
        panel: *const Pair,
        right: *const Pair,
        terms: usize,
        sums: [[I::F32; V]; R],
    ) -> [[I::F32; V]; R] {
        // SAFETY: the caller's promise; what was laid out are values of f32.
        unsafe { Singles::chain(isa, panel.cast(), right.cast(), terms, sums) }
    }
}

/// Computes a task on pairs: with `vdpbf16ps` where that is the faster way.
pub(super) fn run_pairs(task: Task<Pair>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(isa) = dotted::pays() {
        // SAFETY: `isa` is only there where the CPU has all that is enabled.
        return unsafe { dotted::run(isa, task) };
    }
    rten_simd::SimdOp::dispatch(task);
}

/// With `vdpbf16ps`; false where there is no such instruction.
#[cfg(all(test, target_arch = "x86_64"))]
pub(super) fn run_dotted(task: Task<Pair>) -> bool {
    let isa = dotted::isa();
    if let Some(isa) = isa {
        // SAFETY: `isa` is only there where the CPU has all that is enabled.
        unsafe { dotted::run(isa, task) };
    }
    isa.is_some()
}

#[cfg(target_arch = "x86_64")]
mod dotted {
    use std::{
        arch::x86_64::*,
        array,
        hint::black_box,
        mem::transmute,
        sync::OnceLock,
        time::{Duration, Instant},
    };

    use rten_simd::{Isa, isa::Avx512Isa, ops::BitOps};

    use super::{Inner, Pair, ROWS, Singles, Task};

    /// Pairs, by the instruction made for them.
    struct Dotted;

    /// AVX-512 with BF16, if this machine has it.
    pub(super) fn isa() -> Option<Avx512Isa> {
        if is_x86_feature_detected!("avx512bf16") { Avx512Isa::new() } else { None }
    }

    /// The same where it is faster than the same sum of single values, taken apart. On some CPUs (AMD's) it is nearly
    /// twice as fast, on others (Intel's before AMX) half as fast: so both are timed once. The sums are the same to the
    /// bit but for numbers below 1e-38, so nothing else depends on it.
    pub(super) fn pays() -> Option<Avx512Isa> {
        static PAYS: OnceLock<bool> = OnceLock::new();
        let isa = isa()?;
        // SAFETY: `isa` is only there where the CPU has all that is enabled.
        PAYS.get_or_init(|| unsafe { is_faster(isa) }).then_some(isa)
    }

    /// # Safety
    /// As for [`run`].
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,f16c")]
    unsafe fn is_faster(isa: Avx512Isa) -> bool {
        const DEPTH: usize = 128;
        let (panel, right) = ([Pair(0); 2 * DEPTH * ROWS], [Pair(0); 2 * DEPTH * 48]);
        let mut best = [Duration::MAX; 2];
        // The shortest of many, one way and the other in turn: whatever else runs here cannot turn that round.
        for _ in 0..50 {
            let sums = black_box([[isa.f32().zero(); 3]; ROWS]);
            let begun = Instant::now();
            // SAFETY: DEPTH rows of 8 and of 3 vectors are there.
            black_box(unsafe { Dotted::chain(isa, panel.as_ptr(), right.as_ptr(), DEPTH, sums) });
            let between = Instant::now();
            // SAFETY: twice as many of each are.
            black_box(unsafe { Singles::chain(isa, panel.as_ptr().cast(), right.as_ptr().cast(), 2 * DEPTH, sums) });
            let ended = Instant::now();
            best = [best[0].min(between - begun), best[1].min(ended - between)];
        }
        best[0] < best[1]
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
