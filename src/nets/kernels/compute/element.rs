//! What products multiply: single f32 values, or pairs of values rounded to bf16.
//!
//! Apart because packing, gathering and the inner loops are written once for both.
#![allow(unsafe_code, reason = "words of scratch memory, and stores under masks")]

use rten_simd::{
    Simd,
    ops::{BitOps, IntOps, NumOps},
};

use super::{
    instruction_set::{InstructionSet, Kernel},
    memory::{Word, as_ints, as_ints_mut, scratch},
    parallel,
};

/// Elements that are worth a task of their own when rows are joined.
const TASK: usize = 1 << 13;

/// One or two values that stand one above the other in a product's depth.
pub(super) trait Element: Word + Default + Send + Sync + 'static {
    /// Values of depth in one element.
    const SPAN: usize;

    /// The element of the values `at(0)..at(SPAN)`.
    fn of(at: impl Fn(usize) -> f32) -> Self;

    /// Its value `i < SPAN`.
    fn value(self, i: usize) -> f32;

    /// Value `i < SPAN` of each of the first elements of `from`, as many as a vector has lanes.
    ///
    /// # Panics
    /// If there are fewer.
    fn values<I: InstructionSet>(isa: I, from: &[Self], i: usize) -> I::F32;

    /// Writes a row of elements, of which `lay(i, row)` writes the values `i`.
    fn gather(out: &mut [Self], lay: impl Fn(usize, &mut [f32]));

    /// Lends `work` these rows as elements, and the start of each.
    fn lend<T>(rows: Rows, work: impl FnOnce(&[Self], &[usize]) -> T) -> T;
}

/// Some columns of a row-major matrix.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [f32],
    pub(super) depth: usize,
    /// From one row to the next.
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

impl Element for f32 {
    const SPAN: usize = 1;

    fn of(at: impl Fn(usize) -> f32) -> Self {
        at(0)
    }

    fn value(self, _: usize) -> f32 {
        self
    }

    #[inline(always)]
    fn values<I: InstructionSet>(isa: I, from: &[Self], _: usize) -> I::F32 {
        isa.f32().load(from)
    }

    fn gather(out: &mut [Self], lay: impl Fn(usize, &mut [f32])) {
        lay(0, out);
    }

    /// Nothing is copied.
    fn lend<T>(rows: Rows, work: impl FnOnce(&[Self], &[usize]) -> T) -> T {
        let starts: Vec<usize> = (0..rows.depth).map(|k| k * rows.stride + rows.first).collect();
        work(rows.data, &starts)
    }
}

/// Two values rounded to bf16 (the upper half of an f32), the first in the lower half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Pair(pub(super) u32);

/// Mask of the second value.
const UPPER: i32 = 0xffff_0000_u32.cast_signed();

// SAFETY: a u32 inside.
unsafe impl Word for Pair {}

impl Pair {
    fn new(first: f32, second: f32) -> Self {
        Self(u32::from(half::bf16::from_f32(first).to_bits()) | u32::from(half::bf16::from_f32(second).to_bits()) << 16)
    }
}

impl Element for Pair {
    const SPAN: usize = 2;

    fn of(at: impl Fn(usize) -> f32) -> Self {
        Self::new(at(0), at(1))
    }

    fn value(self, i: usize) -> f32 {
        f32::from_bits(if i == 0 { self.0 << 16 } else { self.0 & 0xffff_0000 })
    }

    #[inline(always)]
    fn values<I: InstructionSet>(isa: I, from: &[Self], i: usize) -> I::F32 {
        let ints = isa.i32();
        let pairs = ints.load(as_ints(from));
        let upper = if i == 0 { ints.shift_left::<16>(pairs) } else { ints.and(pairs, ints.splat(UPPER)) };
        upper.reinterpret_cast()
    }

    fn gather(out: &mut [Self], lay: impl Fn(usize, &mut [f32])) {
        scratch(2 * out.len(), |rows| {
            let (first, second) = rows.split_at_mut(out.len());
            lay(0, first);
            lay(1, second);
            Join { first, second, out }.dispatch();
        });
    }

    fn lend<T>(rows: Rows, work: impl FnOnce(&[Self], &[usize]) -> T) -> T {
        let Rows { data, depth, stride, first, count } = rows;
        let pairs = depth.div_ceil(2);
        scratch(pairs * count, |joined| {
            let at_once = (TASK / count.max(1)).max(1);
            parallel::each_part(joined, at_once * count, |part, joined| {
                for (i, out) in joined.chunks_exact_mut(count.max(1)).enumerate() {
                    let k = 2 * (part * at_once + i);
                    let row = |k: usize| &data[k * stride + first..][..count];
                    let second = if k + 1 < depth { row(k + 1) } else { &[] };
                    Join { first: row(k), second, out }.dispatch();
                }
            });
            let starts: Vec<usize> = (0..pairs).map(|k| k * count).collect();
            work(joined, &starts)
        })
    }
}

/// Two rows as one row of pairs; what `second` lacks counts as zeros.
pub(super) struct Join<'a> {
    pub(super) first: &'a [f32],
    pub(super) second: &'a [f32],
    pub(super) out: &'a mut [Pair],
}

impl Kernel for Join<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        let lanes = isa.f32().len();
        let whole = self.out.len().min(self.first.len()).min(self.second.len()) / lanes * lanes;
        for at in (0..whole).step_by(lanes) {
            join::<I, true>(isa, &self.first[at..], &self.second[at..], &mut self.out[at..at + lanes]);
        }
        for at in (whole..self.out.len()).step_by(lanes) {
            let end = (at + lanes).min(self.out.len());
            let rest = |row: &[f32]| at.min(row.len())..end.min(row.len());
            join::<I, false>(
                isa,
                &self.first[rest(self.first)],
                &self.second[rest(self.second)],
                &mut self.out[at..end],
            );
        }
    }
}

/// One vector of pairs, or a shorter one; what the rows then lack counts as zeros.
#[inline(always)]
fn join<I: InstructionSet, const WHOLE: bool>(isa: I, first: &[f32], second: &[f32], out: &mut [Pair]) {
    let (floats, ints) = (isa.f32(), isa.i32());
    let load = |row: &[f32]| if WHOLE { floats.load(row) } else { floats.load_pad(row).0 };
    let (low, high) = (ints.splat(0xffff), ints.splat(UPPER));
    let pair = ints.or(
        ints.and(ints.shift_right::<16>(rounded(isa, load(first))), low),
        ints.and(rounded(isa, load(second)), high),
    );
    let out = as_ints_mut(out);
    if WHOLE {
        ints.store(pair, out);
    } else {
        // SAFETY: the mask covers no more than `out`.
        unsafe { ints.store_ptr_mask(pair, out.as_mut_ptr(), ints.first_n_mask(out.len())) };
    }
}

/// Bits whose upper half is `x` rounded to bf16, to nearest, ties to even.
#[inline(always)]
fn rounded<I: InstructionSet>(isa: I, x: I::F32) -> I::I32 {
    let ints = isa.i32();
    let bits: I::I32 = x.reinterpret_cast();
    let odd = ints.and(ints.shift_right::<16>(bits), ints.splat(1));
    let up = ints.add(bits, ints.add(odd, ints.splat(0x7fff)));
    // NaN stays NaN, with any payload.
    ints.select(up, ints.splat(0x7fc0_0000), isa.f32().eq(x, x))
}
