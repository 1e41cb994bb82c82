//! Maps spread along self-attention.

use super::{
    super::{
        instruction_set::{InstructionSet, Kernel},
        spread::Spread,
    },
    common::{on_each, some},
};

/// Maps spread along an attention, into a vector of their own.
struct Spreads<'a>(&'a [f32], usize, &'a [f32]);

impl Kernel for Spreads<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> Vec<f32> {
        let Self(attention, n, maps) = self;
        let mut out = vec![f32::NAN; maps.len()];
        Spread { attention, n, maps, out: &mut out }.eval(isa);
        out
    }
}

#[test]
fn spread_maps_agree_with_sums_in_f64() {
    for (n, count) in [(1, 1), (7, 3), (31, 9), (48, 2), (100, 21), (300, 13)] {
        let (attention, maps) = (some(n * n, 8), some(count * n, 9));
        on_each(
            || Spreads(&attention, n, &maps),
            |isa, found| {
                for (at, found) in found.into_iter().enumerate() {
                    let (k, p) = (at / n, at % n);
                    let terms = (0..n).map(|q| f64::from(maps[k * n + q]) * f64::from(attention[q * n + p]));
                    let off = (f64::from(found) - terms.sum::<f64>()).abs();
                    assert!(off <= 1e-5 * (n as f64).sqrt(), "{isa}, {count} maps of {n}: {off:e} off at {k}, {p}");
                }
            },
        );
    }
}
