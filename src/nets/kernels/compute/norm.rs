//! Group and layer normalisation.
//!
//! Apart because a group norm is either an operation of its own or happens while a convolution lays out its input.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length, by several threads")]

use std::ops::Range;

use rten_simd::{
    SimdUnaryOp,
    functional::simd_map,
    ops::{BitOps, NumOps},
};
use rten_vecmath::Silu;

use super::{
    disjoint::WriteTarget,
    instruction_set::{InstructionSet, Kernel, MAX_LANES},
    memory::filled,
    parallel,
    vectors::store_first,
};

/// Values summed in f32 before the sums are added in f64.
const CHUNK: usize = 4096;
/// Columns that a layer norm takes at a time.
const COLUMNS: usize = 64;

/// The normalisation of one channel: `(x - mean) * scale + shift`, then silu if `silu`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    mean: f32,
    scale: f32,
    shift: f32,
    silu: bool,
}

impl Channel {
    #[inline(always)]
    pub(super) fn apply<I: InstructionSet>(&self, isa: I, values: &mut [f32]) {
        let ops = isa.f32();
        let (mean, scale, shift) = (ops.splat(self.mean), ops.splat(self.scale), ops.splat(self.shift));
        if self.silu {
            simd_map(
                ops,
                values,
                #[inline(always)]
                |x| Silu {}.eval(isa, ops.mul_add(ops.sub(x, mean), scale, shift)),
            );
        } else {
            simd_map(
                ops,
                values,
                #[inline(always)]
                |x| ops.mul_add(ops.sub(x, mean), scale, shift),
            );
        }
    }
}

/// Groups, epsilon, and a weight and a bias per channel.
pub(crate) struct GroupNormArgs<'a> {
    pub(crate) groups: usize,
    pub(crate) epsilon: f64,
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    /// Whether silu follows.
    pub(crate) silu: bool,
}

impl GroupNormArgs<'_> {
    /// The normalisation of each channel of one sample, `[channels, area]`.
    ///
    /// # Panics
    /// If the sample or the bias does not have the channels of the weight, or these are no whole groups.
    pub(super) fn channels(&self, x: &[f32], area: usize) -> Vec<Channel> {
        let channels = self.weight.len();
        assert!(channels.is_multiple_of(self.groups) && self.bias.len() == channels, "channels of a norm");
        assert!(x.len() == channels * area, "a sample");
        let per_group = channels / self.groups;
        let size = (per_group * area).max(1);
        let mut moments = vec![(0.0, 0.0); x.len() / size];
        let at_once = (2 * CHUNK / size).max(1);
        parallel::each_part(&mut moments, at_once, |part, moments| {
            for (i, moments) in moments.iter_mut().enumerate() {
                *moments = Moments(&x[(part * at_once + i) * size..][..size]).dispatch();
            }
        });
        let channel = |c: usize| {
            let (mean, variance) = moments[c / per_group];
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            let scale = (scale * f64::from(self.weight[c])) as f32;
            Channel { mean: mean as f32, scale, shift: self.bias[c], silu: self.silu }
        };
        if moments.is_empty() { Vec::new() } else { (0..channels).map(channel).collect() }
    }
}

/// Group normalisation of `[batch, channels, area]`, and silu if `norm.silu` is set.
///
/// # Panics
/// If `x` or the norm has other sizes.
pub(crate) fn group_norm(x: &[f32], [batch, channels, area]: [usize; 3], norm: &GroupNormArgs) -> Vec<f32> {
    assert!(x.len() == batch * channels * area, "sizes of a group norm");
    let mut out = x.to_vec();
    let at_once = (2 * CHUNK / area.max(1)).max(1);
    for sample in out.chunks_exact_mut((channels * area).max(1)) {
        let prepare = norm.channels(sample, area);
        parallel::each_part(sample, at_once * area, |part, values| {
            for (i, values) in values.chunks_exact_mut(area).enumerate() {
                Apply(values, &prepare[part * at_once + i]).dispatch();
            }
        });
    }
    out
}

/// Normalises some values of a channel.
pub(super) struct Apply<'a>(pub(super) &'a mut [f32], pub(super) &'a Channel);

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        self.1.apply(isa, self.0);
    }
}

/// Mean and (biased) variance, in two passes.
struct Moments<'a>(&'a [f32]);

impl Kernel for Moments<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> (f64, f64) {
        let count = self.0.len() as f64;
        // Loops, not iterator adapters: what the compiler does not inline here does not get vector instructions.
        let mut total = 0.0;
        for chunk in self.0.chunks(CHUNK) {
            total += sum::<I, false>(isa, chunk, 0.0);
        }
        let mean = total / count;
        let mut squares = 0.0;
        for chunk in self.0.chunks(CHUNK) {
            squares += sum::<I, true>(isa, chunk, mean as f32);
        }
        (mean, squares / count)
    }
}

/// The sum of `x - center`, or of its squares.
#[inline(always)]
fn sum<I: InstructionSet, const SQUARES: bool>(isa: I, values: &[f32], center: f32) -> f64 {
    let ops = isa.f32();
    let middle = ops.splat(center);
    let mut sums = [ops.zero(); 4];
    let mut vectors = values.chunks_exact(ops.len());
    for (i, vector) in vectors.by_ref().enumerate() {
        let off = ops.sub(ops.load(vector), middle);
        let sum = &mut sums[i % 4];
        *sum = if SQUARES { ops.mul_add(off, off, *sum) } else { ops.add(*sum, off) };
    }
    let tail = vectors.remainder().iter().map(|x| x - center);
    let tail: f32 = if SQUARES { tail.map(|off| off * off).sum() } else { tail.sum() };
    let [a, b, c, d] = sums;
    f64::from(ops.sum(ops.add(ops.add(a, b), ops.add(c, d)))) + f64::from(tail)
}

/// Layer normalisation over the channels of each column: `[batch, channels, n]`, shape kept.
///
/// # Panics
/// If `x`, `weight` or `bias` has another size.
pub(crate) fn layer_norm(
    x: &[f32],
    [batch, channels, n]: [usize; 3],
    weight: &[f32],
    bias: &[f32],
    epsilon: f64,
) -> Vec<f32> {
    let size = channels * n;
    assert!(x.len() == batch * size && weight.len() == channels && bias.len() == channels, "sizes of a layer norm");
    let blocks = n.div_ceil(COLUMNS);
    let epsilon = epsilon as f32;
    // SAFETY: every column of every sample belongs to one block, and a block writes all its columns.
    unsafe {
        filled(x.len(), |out| {
            let target = WriteTarget::new(out);
            let run = |task: usize| {
                let (sample, block) = (task / blocks, task % blocks);
                let columns = block * COLUMNS..(block * COLUMNS + COLUMNS).min(n);
                let own = sample * size..(sample + 1) * size;
                let (source, target) = (&x[own.clone()], target.part(own));
                LayerNorm { source, n, columns, weight, bias, epsilon, target }.dispatch();
            };
            parallel::each(batch * blocks, run);
        })
    }
}

/// Some columns of a sample, which are this task's alone.
struct LayerNorm<'a> {
    source: &'a [f32],
    n: usize,
    columns: Range<usize>,
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    target: WriteTarget<'a>,
}

impl Kernel for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        let ops = isa.f32();
        let mut column = self.columns.start;
        while column < self.columns.end {
            let live = (self.columns.end - column).min(ops.len());
            let channels = self.weight.len();
            let count = ops.splat(1.0 / channels as f32);
            let row = |c: usize| &self.source[c * self.n + column..][..live];
            let mut sum = ops.zero();
            for c in 0..channels {
                sum = ops.add(sum, ops.load_pad(row(c)).0);
            }
            let mean = ops.mul(sum, count);
            let mut squares = ops.zero();
            for c in 0..channels {
                let off = ops.sub(ops.load_pad(row(c)).0, mean);
                squares = ops.mul_add(off, off, squares);
            }
            let mut scales = [0.0; MAX_LANES];
            ops.store(ops.mul_add(squares, count, ops.splat(self.epsilon)), &mut scales);
            scales.iter_mut().for_each(|s| *s = 1.0 / s.sqrt());
            let scale = ops.load(&scales);
            for c in 0..channels {
                let normed = ops.mul(ops.sub(ops.load_pad(row(c)).0, mean), scale);
                let out = ops.mul_add(normed, ops.splat(self.weight[c]), ops.splat(self.bias[c]));
                let first = c * self.n + column;
                // SAFETY: columns of this task, which are its own. The slice ends here.
                store_first(isa, out, unsafe { self.target.slice(first..first + live) });
            }
            column += live;
        }
    }
}
