//! Layers in f32.
//!
//! Separate from lower precisions, which only come near.

use std::sync::Arc;

use super::common::{DOWNSAMPLING, assert_close, convolutions, group_norm, tensor, values};
use crate::nets::{
    Precision,
    kernels::{Geometry, Weights},
    layers::{
        ConvExtras, LayerNorm, Linear,
        layer_weights::{GpuWeights, LayerWeights},
        to_tokens,
    },
};

#[test]
fn convolutions_agree() {
    let sizes = [[1, 1, 1, 1], [2, 3, 5, 7], [1, 24, 24, 4], [3, 6, 6, 20], [1, 17, 33, 9], [1, 12, 49, 16]];
    for geometry in [Geometry::same(1), Geometry::same(3), DOWNSAMPLING[0], DOWNSAMPLING[1]] {
        for (i, [batch, h, w, inputs]) in sizes.into_iter().enumerate() {
            let outputs = [1, 4, 8, 13, 24, 37][i];
            let [cpu, composed] = convolutions(inputs, outputs, geometry);
            let x = tensor([batch, inputs, h, w], 5);
            if h + geometry.padding.0 + geometry.padding.1 >= geometry.kernel {
                assert_close(cpu.forward(x.clone()), composed.forward(x), &format!("{geometry:?} {i}"));
            }
        }
    }
}

#[test]
fn extras_of_a_convolution_agree() {
    let norm = group_norm(3, 12);
    for (i, geometry) in
        [Geometry::same(1), Geometry::same(3), DOWNSAMPLING[0], DOWNSAMPLING[1]].into_iter().enumerate()
    {
        let [cpu, composed] = convolutions(12, 10, geometry);
        let x = tensor([2, 12, 9, 11], 6);
        for size in [None, Some([18, 22]), Some([19, 21]), Some([5, 4])] {
            let extras =
                |residual| ConvExtras { norm: Some(&norm), size, shift: Some(tensor([2, 10, 1], 7)), residual };
            let without = composed.forward_with(x.clone(), extras(None));
            let residual = tensor(without.dims(), 8);
            let expected = composed.forward_with(x.clone(), extras(Some(residual.clone())));
            let found = cpu.forward_with(x.clone(), extras(Some(residual)));
            assert_close(found, expected, &format!("{i} {size:?}"));
            assert_close(cpu.forward_with(x.clone(), extras(None)), without, &format!("{i} {size:?}"));
        }
    }
}

#[test]
fn linear_layers_agree() {
    for (batch, inputs, outputs, n) in [(1, 1, 1, 1), (2, 7, 5, 3), (3, 64, 40, 36), (1, 33, 129, 145), (2, 96, 8, 48)]
    {
        let weight = tensor([1, outputs, inputs], 1);
        let bias = tensor([1, outputs, 1], 2);
        let packed = Weights::new(&values(weight.clone()), outputs, 1, Precision::F32, Some(values(bias.clone())));
        let composed = LayerWeights::Gpu(Box::new(GpuWeights { weight, bias: Some(bias) }));
        let [cpu, composed] = [LayerWeights::Cpu(Arc::new(packed)), composed].map(Linear);
        let (x, residual) = (tensor([batch, inputs, n], 3), tensor([batch, outputs, n], 4));
        let expected = composed.forward_with_residual(x.clone(), Some(residual.clone()));
        assert_close(cpu.forward_with_residual(x, Some(residual)), expected, &format!("{inputs} to {outputs}"));
        // A view that is not row-major.
        let view = tensor([batch, n, inputs], 5).swap_dims(1, 2);
        assert_close(cpu.forward(view.clone()), composed.forward(view), "a view");
    }
}

#[test]
fn norms_agree() {
    for (batch, groups, channels, h, w) in [(1, 1, 1, 3, 5), (2, 4, 12, 7, 9), (1, 8, 16, 96, 96), (3, 2, 10, 1, 33)] {
        let norm = group_norm(groups, channels);
        // A mean far from zero, so that cancellation would show.
        let x = tensor([batch, channels, h, w], 5).add_scalar(3.0);
        assert_close(norm.forward(x.clone()), norm.composed(x.clone()), "group norm");
        let norm = LayerNorm { weight: tensor([channels], 6), bias: tensor([channels], 7), epsilon: 1e-5 };
        let tokens = to_tokens(x);
        if channels > 1 {
            assert_close(norm.forward(tokens.clone()), norm.composed(tokens), "layer norm");
        }
    }
}
