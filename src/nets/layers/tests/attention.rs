//! Attention in f32 and f16.
//!
//! Separate from the layers, because it has no weights.

use super::common::{assert_close, tensor, values};
use crate::nets::attention::{attend, attend_composed};

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
