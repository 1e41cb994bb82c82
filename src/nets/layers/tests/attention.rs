//! Attention in f32 and f16.
//!
//! Separate from the layers, because it has no weights.

use super::common::{assert_close, distance, tensor, values};
use crate::nets::attention::{attend, attend_composed, attend_fused};

#[test]
fn attention_agrees() {
    let sizes = [
        (1, 1, 3, 1, 1),
        (2, 2, 8, 7, 5),
        (1, 4, 32, 144, 32),
        (2, 3, 11, 49, 150),
        (1, 1, 16, 250, 257),
        (1, 2, 40, 95, 400),
    ];
    for (batch, heads, d, n, l) in sizes {
        let width = heads * d;
        let parts = || {
            [tensor([batch, width, n], 1).mul_scalar(3.0), tensor([batch, width, l], 2), tensor([batch, width, l], 3)]
        };
        for causal in [false, true] {
            let (found, map) = attend(parts(), heads, causal, true);
            let (expected, expected_map) = attend_composed(parts(), heads, causal, true);
            assert_close(found.clone(), expected, "output");
            assert_close(map.expect("a map"), expected_map.expect("a map"), "probabilities");
            let (untapped, map) = attend(parts(), heads, causal, false);
            assert_eq!(values(untapped), values(found), "a tap must not change the output");
            assert!(map.is_none());
        }
    }
}

/// With heads whose width is a multiple of that of tensor cores, and with others, which are padded.
#[test]
fn attention_in_f16_is_near() {
    for (batch, heads, channels, n, keys) in [(1, 2, 40, 130, 130), (2, 1, 16, 9, 200), (1, 3, 7, 33, 128)] {
        let part = |length, seed| tensor([batch, heads * channels, length], seed);
        let parts = || [part(n, 1), part(keys, 2), part(keys, 3)];
        let off = distance(attend_fused(parts(), heads, 10_000), attend_composed(parts(), heads, false, false).0);
        assert!(off > 0.0 && off < 2e-3, "{heads} heads of {channels}: {off:.2e}");
    }
}
