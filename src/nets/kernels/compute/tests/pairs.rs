//! Rounding to bf16.

use super::{
    super::{
        element::{Element, Join, Pair},
        instruction_set::{InstructionSet, Kernel},
    },
    common::{on_each, some},
};

struct Joined<'a>([&'a [f32]; 2], usize);

impl Kernel for Joined<'_> {
    type Output = Vec<Pair>;

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> Vec<Pair> {
        let mut out = vec![Pair::default(); self.1];
        let [first, second] = self.0;
        Join { first, second, out: &mut out }.eval(isa);
        out
    }
}

#[test]
fn pairs_are_rounded_as_bf16_are() {
    let mut first = some(100, 7);
    // Ties to even both ways, the largest numbers, the smallest, none, and zeros of both signs.
    let special = [0x3f80_8000, 0x3f81_8000, 0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 1, 0x8000_0000, 0, 0x0080_7fff];
    first.extend(special.map(f32::from_bits));
    first.extend([f32::NAN, f32::from_bits(0xffff_ffff), f32::from_bits(0x7fff_ffff)]);
    let second: Vec<f32> = first.iter().rev().copied().collect();
    let half = &second[..50];
    for (second, len) in [(&second[..], first.len()), (half, first.len()), (&[][..], 13)] {
        on_each(
            || Joined([&first[..len], second], len),
            |isa, found| {
                for (k, pair) in found.into_iter().enumerate() {
                    let exact = Pair::of(|i| [Some(&first[k]), second.get(k)][i].copied().unwrap_or(0.0));
                    let same = |i: usize| pair.value(i).to_bits() == exact.value(i).to_bits();
                    let neither = |i: usize| pair.value(i).is_nan() && exact.value(i).is_nan();
                    assert!((0..2).all(|i| same(i) || neither(i)), "{isa}: {pair:x?} for {exact:x?}, element {k}");
                }
            },
        );
    }
}
