//! Attention of one head, and its map.
#![allow(unsafe_code, reason = "blocks are made by hand")]

use super::{
    super::{
        attention::{Block, Mean, Packed, Sizes},
        disjoint::WriteTarget,
        instruction_set::{InstructionSet, Kernel},
    },
    common::{filled_by, on_each, some},
};

/// Attention of one head on one thread, and its map.
struct Attended<'a>(Sizes, [&'a [f32]; 3]);

impl Kernel for Attended<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> [Vec<f32>; 2] {
        let Self(sizes, [query, key, value]) = self;
        let Sizes { d, n, l, .. } = sizes;
        let packed = &Packed::new(sizes, key, value);
        let mut mixed = Vec::new();
        let seen = filled_by(sizes.kept(), |kept| {
            let kept = Some(WriteTarget::new(kept));
            mixed = filled_by(d * n, |out| {
                let out = WriteTarget::new(out);
                for queries in [[0, n / 3], [n / 3, n]] {
                    // SAFETY: one block at a time.
                    unsafe {
                        Block::with_room(sizes, packed, (query, queries), out, kept, |block| block.eval(isa));
                    }
                }
            });
        });
        let map = filled_by(l * n, |map| {
            let (upper, lower) = map.split_at_mut(l / 3 * n);
            for (rows, out) in [(0..l / 3, upper), (l / 3..l, lower)] {
                Mean { seen: &seen, sizes, rows, out }.eval(isa);
            }
        });
        [mixed, map]
    }
}

#[test]
fn attention_agrees_with_exponentials_in_f64() {
    for (d, n, l, causal) in [(1, 1, 1, false), (5, 37, 300, false), (40, 100, 131, true), (9, 17, 128, true)] {
        // Scores of up to some dozens, so that later keys often outdo what was summed before.
        let query: Vec<f32> = some(d * n, 5).into_iter().map(|q| q * 30.0).collect();
        let (key, value) = (some(d * l, 6), some(d * l, 7));
        let product = |j: usize, i: usize| {
            (0..d).map(|k| f64::from(key[k * l + j]) * f64::from(query[k * n + i])).sum::<f64>() / (d as f64).sqrt()
        };
        let share = |i: usize| {
            let scores: Vec<f64> = (0..l).take_while(|&j| !causal || j <= i).map(|j| product(j, i)).collect();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.into_iter().map(|score| (score - highest).exp()).collect();
            let total: f64 = shares.iter().sum();
            shares.into_iter().map(|share| share / total).collect::<Vec<f64>>()
        };
        let shares: Vec<Vec<f64>> = (0..n).map(share).collect();
        on_each(
            || Attended(Sizes { heads: 1, d, n, l, causal }, [&query, &key, &value]),
            |isa, [mixed, seen]| {
                for (i, shares) in shares.iter().enumerate() {
                    for j in 0..l {
                        let off = (f64::from(seen[j * n + i]) - shares.get(j).copied().unwrap_or(0.0)).abs();
                        assert!(off < 1e-5, "{isa}, {n}x{l}: share {j} of query {i} is {off:.1e} off");
                    }
                    for k in 0..d {
                        let exact: f64 = shares.iter().zip(&value[k * l..]).map(|(s, v)| s * f64::from(*v)).sum();
                        let off = (f64::from(mixed[k * n + i]) - exact).abs();
                        assert!(off < 1e-5, "{isa}, {n}x{l}: value {k} of query {i} is {off:.1e} off");
                    }
                }
            },
        );
    }
}
