//! Group and layer normalisation.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length")]

use burn::tensor::Tensor;
use rten_simd::{
    Isa, SimdOp, SimdUnaryOp,
    functional::simd_map,
    ops::{BitOps, NumOps},
};
use rten_vecmath::Silu;

use super::{
    memory::filled,
    values::{self, Values},
    worker_pool,
};

/// Values summed in f32 before the sums are added in f64.
const CHUNK: usize = 4096;
/// Columns that a layer norm takes at a time.
const COLUMNS: usize = 64;

/// What normalisation does to one channel: `(x - mean) * scale + shift`, then silu where wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    mean: f32,
    scale: f32,
    shift: f32,
    silu: bool,
}

impl Channel {
    #[inline(always)]
    pub(super) fn apply<I: Isa>(&self, isa: I, values: &mut [f32]) {
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
pub(in super::super) struct GroupNorm<'a> {
    pub(in super::super) groups: usize,
    pub(in super::super) epsilon: f64,
    pub(in super::super) weight: &'a [f32],
    pub(in super::super) bias: &'a [f32],
    /// Whether silu follows.
    pub(in super::super) silu: bool,
}

impl GroupNorm<'_> {
    /// What to do to each channel of one sample, `[channels, area]`.
    pub(super) fn channels(&self, x: &[f32], area: usize) -> Vec<Channel> {
        let channels = self.weight.len();
        let per_group = channels / self.groups;
        let size = (per_group * area).max(1);
        let mut moments = vec![(0.0, 0.0); x.len() / size];
        let at_once = (2 * CHUNK / size).max(1);
        worker_pool::each_part(&mut moments, at_once, |part, moments| {
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

/// Group normalisation of `[batch, channels, area]`, and silu where the norm says so.
pub(in super::super) fn group_norm<const D: usize>(x: &Values, shape: [usize; D], norm: &GroupNorm) -> Tensor<D> {
    let channels = shape[1];
    let area: usize = shape[2..].iter().product();
    let mut out = x.to_vec();
    let at_once = (2 * CHUNK / area.max(1)).max(1);
    for sample in out.chunks_exact_mut((channels * area).max(1)) {
        let prepare = norm.channels(sample, area);
        worker_pool::each_part(sample, at_once * area, |part, values| {
            for (i, values) in values.chunks_exact_mut(area).enumerate() {
                Apply(values, &prepare[part * at_once + i]).dispatch();
            }
        });
    }
    values::tensor(out, shape)
}

/// Does to some values of a channel what its norm says.
pub(super) struct Apply<'a>(pub(super) &'a mut [f32], pub(super) &'a Channel);

impl SimdOp for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        self.1.apply(isa, self.0);
    }
}

/// Mean and (biased) variance, in two passes.
struct Moments<'a>(&'a [f32]);

impl SimdOp for Moments<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> (f64, f64) {
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
fn sum<I: Isa, const SQUARES: bool>(isa: I, values: &[f32], center: f32) -> f64 {
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
pub(in super::super) fn layer_norm(
    x: &Values,
    [batch, channels, n]: [usize; 3],
    weight: &[f32],
    bias: &[f32],
    epsilon: f64,
) -> Tensor<3> {
    let blocks = n.div_ceil(COLUMNS);
    let epsilon = epsilon as f32;
    // SAFETY: every column of every sample belongs to one block, and a block writes all its columns.
    let out = unsafe {
        filled(x.len(), |out| {
            let target = super::tile::Target::of(out);
            let run = |task: usize| {
                let (sample, block) = (task / blocks, task % blocks);
                let (start, end) = (block * COLUMNS, (block * COLUMNS + COLUMNS).min(n));
                let source = &x[sample * channels * n..][..channels * n];
                let target = target.at(sample * channels * n);
                LayerNorm { source, n, columns: start..end, weight, bias, epsilon, target }.dispatch();
            };
            worker_pool::each(batch * blocks, run);
        })
    };
    values::tensor(out, [batch, channels, n])
}

struct LayerNorm<'a> {
    source: &'a [f32],
    n: usize,
    columns: std::ops::Range<usize>,
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    target: super::tile::Target,
}

impl SimdOp for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let mut column = self.columns.start;
        while column < self.columns.end {
            let live = (self.columns.end - column).min(ops.len());
            let mask = ops.first_n_mask(live);
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
            let mut scales = [0.0; 16];
            ops.store(ops.mul_add(squares, count, ops.splat(self.epsilon)), &mut scales);
            scales.iter_mut().for_each(|s| *s = 1.0 / s.sqrt());
            let scale = ops.load(&scales);
            for c in 0..channels {
                let normed = ops.mul(ops.sub(ops.load_pad(row(c)).0, mean), scale);
                let out = ops.mul_add(normed, ops.splat(self.weight[c]), ops.splat(self.bias[c]));
                // SAFETY: the column is below n and the channel below channels, so this is inside the sample; columns
                // belong to one task each.
                unsafe { ops.store_ptr_mask(out, self.target.at(c * self.n + column).pointer(), mask) };
            }
            column += live;
        }
    }
}
