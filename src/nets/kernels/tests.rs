//! What this machine's best instruction set would hide: the kernels on every set it has, plain code included.

use rten_simd::{Isa, SimdOp, SimdUnaryOp, isa::GenericIsa, ops::BitOps};

use super::{
    attention::Softmax,
    norm::{Apply, GroupNorm},
    pointwise::Gelu,
    product::{Columns, Matrix, Places, Product, ROWS, pack, packed_len},
    tile::{Target, Task},
};

/// Evaluates `op`, once for each instruction set, with `check` for what came out.
fn on_each<T, Op: SimdOp<Output = T>>(op: impl Fn() -> Op, check: impl Fn(&str, T)) {
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
fn some(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// A product on one thread, into a vector of its own.
struct Alone<'a>(Product<'a>, usize);

impl SimdOp for Alone<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Vec<f32> {
        let Self(product, count) = self;
        let panels = 0..product.matrix.rows.div_ceil(ROWS);
        let mut out = vec![0.0; product.matrix.rows * product.places.channel];
        Task { product: &product, panels, columns: 0..count, out: Target::of_values(&mut out) }.eval(isa);
        out
    }
}

#[test]
fn products_agree_with_sums_in_f64() {
    for (rows, depth, height, width, stride) in
        [(1, 1, 1, 1, 1), (3, 5, 4, 6, 7), (8, 300, 1, 48, 48), (13, 17, 9, 11, 12), (20, 600, 3, 50, 52)]
    {
        let (a, data) = (some(rows * depth, 1), some(depth + height * stride + width, 2));
        let (bias, residual) = (some(rows, 3), some(rows * height * width, 4));
        let mut panels = vec![0.0; packed_len(rows, depth)];
        pack(&mut panels, rows, depth, |r, k| a[r * depth + k]);
        // Overlapping rows, as those of a convolution.
        let starts: Vec<usize> = (0..depth).collect();
        let columns = Columns { data: &data, starts: &starts, height, width, stride, floats_per_column: depth };
        let product = Product {
            matrix: Matrix { panels: &panels, rows, depth },
            columns,
            bias: Some(&bias),
            residual: Some(&residual),
            places: Places::dense(height * width, width),
        };
        // The sum and, for what rounding can do, the sum of sizes.
        let exact = |row: usize, y: usize, x: usize| {
            let term = |k: usize| f64::from(a[row * depth + k]) * f64::from(data[k + y * stride + x]);
            let first = [f64::from(bias[row]), f64::from(residual[(row * height + y) * width + x])];
            let terms = first.into_iter().chain((0..depth).map(term));
            terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
        };
        on_each(
            || Alone(product, (height - 1) * stride + width),
            |isa, found| {
                for (i, found) in found.into_iter().enumerate() {
                    let (exact, size) = exact(i / width / height, i / width % height, i % width);
                    let off = (f64::from(found) - exact).abs();
                    assert!(off < 1e-6 * size, "{isa}, {rows}x{depth}, output {i}: {found} for {exact}");
                }
            },
        );
    }
}

struct Gelus(Vec<f32>);

impl SimdOp for Gelus {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) -> Vec<f32> {
        let ops = isa.f32();
        for chunk in self.0.chunks_exact_mut(ops.len()) {
            ops.store(Gelu.eval(isa, ops.load(chunk)), chunk);
        }
        self.0
    }
}

#[test]
fn gelu_has_its_known_values() {
    // x * (1 + erf(x / sqrt 2)) / 2, computed to 12 digits.
    const KNOWN: [(f32, f64); 6] = [
        (0.0, 0.0),
        (1.0, 0.841_344_746_069),
        (-1.0, -0.158_655_253_931),
        (2.0, 1.954_499_736_104),
        (-3.0, -0.004_049_694_095),
        (0.5, 0.345_731_230_637),
    ];
    for (x, exact) in KNOWN {
        on_each(
            || Gelus(vec![x; 16]),
            |isa, found| {
                for found in found {
                    let off = (f64::from(found) - exact).abs();
                    assert!(off <= 5e-7 * exact.abs(), "{isa}: gelu({x}) = {found}, not {exact}");
                }
            },
        );
    }
}

struct Shares(Vec<f32>, usize);

impl SimdOp for Shares {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) -> Vec<f32> {
        Softmax { scores: &mut self.0, stride: self.1, visible: None }.eval(isa);
        self.0
    }
}

#[test]
fn softmax_agrees_with_exponentials_in_f64() {
    let (keys, stride) = (37, 32);
    let scores: Vec<f32> = some(keys * stride, 5).into_iter().map(|s| s * 30.0).collect();
    let exp = |j: usize, column: usize| f64::from(scores[j * stride + column]).exp();
    on_each(
        || Shares(scores.clone(), stride),
        |isa, found| {
            for (i, found) in found.into_iter().enumerate() {
                let (j, column) = (i / stride, i % stride);
                let exact = exp(j, column) / (0..keys).map(|j| exp(j, column)).sum::<f64>();
                assert!((f64::from(found) - exact).abs() < 1e-6, "{isa}: {found} for {exact}");
            }
        },
    );
}

struct Normed<'a>(Vec<f32>, &'a GroupNorm<'a>);

impl SimdOp for Normed<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) -> Vec<f32> {
        let channels = self.1.channels(&self.0, self.0.len());
        Apply(&mut self.0, &channels[0]).eval(isa);
        self.0
    }
}

#[test]
fn norm_and_silu_agree_with_f64() {
    let x = some(1001, 6);
    let norm = GroupNorm { groups: 1, epsilon: 1e-5, weight: &[1.5], bias: &[0.25], silu: true };
    let count = x.len() as f64;
    let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    on_each(
        || Normed(x.clone(), &norm),
        |isa, found| {
            for (x, found) in x.iter().zip(found) {
                let normed = (f64::from(*x) - mean) / (variance + 1e-5).sqrt() * 1.5 + 0.25;
                let exact = normed / (1.0 + (-normed).exp());
                assert!((f64::from(found) - exact).abs() < 1e-6, "{isa}: {found} for {exact}");
            }
        },
    );
}
