//! Results do not depend on the number of threads.
//!
//! Separate, because it runs several kinds of layers at once.

use burn::tensor::Device;

use super::common::{convolutions, group_norm, tensor, values};
use crate::nets::{
    attention::attend,
    kernels::{self, Geometry},
    layers::{Activation, geglu, to_tokens},
};

/// The bits of a convolution, an attention with its map, and a gated activation.
fn sample_bits() -> Vec<u32> {
    let device = Device::flex();
    kernels::with_workers(&device, || {
        let norm = group_norm(4, 32);
        let [conv, _] = convolutions(32, 48, Geometry::same(3));
        let x = tensor([1, 32, 61, 67], 5);
        let map = conv.forward_normed(x.clone(), &norm);
        let tokens = to_tokens(conv.forward(x));
        let (attended, attention_map) = attend([tokens.clone(), tokens.clone(), tokens.clone()], 4, false, true);
        let gated = geglu(Activation::Gelu.of(tokens));
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        [values(map), values(attended), values(attention_map.expect("a map")), values(gated)].map(bits).concat()
    })
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(sample_bits)
    };
    let alone = with(1);
    for threads in [2, 3, 7] {
        assert!(alone == with(threads), "{threads} threads");
    }
    assert!(alone == sample_bits(), "outside the pool");
}
