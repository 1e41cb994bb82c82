//! Activations and norms.

use rten_simd::{SimdUnaryOp, ops::BitOps};

use super::{
    super::{
        instruction_set::{InstructionSet, Kernel},
        norm::{Apply, GroupNormArgs},
        pointwise::Gelu,
    },
    common::{on_each, some},
};

struct Gelus(Vec<f32>);

impl Kernel for Gelus {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: InstructionSet>(mut self, isa: I) -> Vec<f32> {
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

struct Normed<'a>(Vec<f32>, &'a GroupNormArgs<'a>);

impl Kernel for Normed<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: InstructionSet>(mut self, isa: I) -> Vec<f32> {
        let channels = self.1.channels(&self.0, self.0.len());
        Apply(&mut self.0, &channels[0]).eval(isa);
        self.0
    }
}

#[test]
fn norm_and_silu_agree_with_f64() {
    let x = some(1001, 6);
    let norm = GroupNormArgs { groups: 1, epsilon: 1e-5, weight: &[1.5], bias: &[0.25], silu: true };
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
