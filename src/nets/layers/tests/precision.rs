//! Layers in bf16 on the CPU, and in f16 composed of burn's operations.
//!
//! Separate from f32, which agrees up to its own rounding.

use std::sync::Arc;

use burn::tensor::FloatDType;

use super::common::{
    DOWNSAMPLING, assert_close, bf16_tensor, convolutions, convolutions_with, distance, group_norm, tensor, values,
};
use crate::nets::{
    Precision,
    kernels::{Geometry, Weights},
    layers::{
        ConvExtras, Linear,
        layer_weights::{GpuWeights, LayerWeights},
    },
};

#[test]
fn bf16_is_exact_on_numbers_that_it_represents() {
    let sizes = [[1, 1, 1, 1], [2, 3, 5, 7], [1, 24, 24, 4], [3, 6, 6, 20], [1, 17, 33, 9], [1, 12, 49, 16]];
    for geometry in [Geometry::same(1), Geometry::same(3), DOWNSAMPLING[0], DOWNSAMPLING[1]] {
        for (i, [batch, h, w, inputs]) in sizes.into_iter().enumerate() {
            let [cpu, composed] = convolutions_with(inputs, [1, 4, 8, 13, 24, 37][i], geometry, Precision::Bf16);
            let x = bf16_tensor([batch, inputs, h, w], 5);
            if h + geometry.padding.0 + geometry.padding.1 >= geometry.kernel {
                assert_close(cpu.forward(x.clone()), composed.forward(x), &format!("{geometry:?} {i}"));
            }
        }
    }
    for (batch, inputs, outputs, n) in [(1, 1, 1, 1), (2, 7, 5, 3), (3, 64, 40, 36), (1, 33, 129, 145), (2, 96, 8, 48)]
    {
        let weight = bf16_tensor([1, outputs, inputs], 1);
        let packed = Weights::new(&values(weight.clone()), outputs, 1, Precision::Bf16, None);
        let [cpu, composed] =
            [LayerWeights::Cpu(Arc::new(packed)), LayerWeights::Gpu(Box::new(GpuWeights { weight, bias: None }))]
                .map(Linear);
        let x = bf16_tensor([batch, inputs, n], 3);
        assert_close(cpu.forward(x.clone()), composed.forward(x), &format!("{inputs} to {outputs}"));
    }
}

#[test]
fn bf16_is_near_on_other_numbers() {
    // Two roundings to 8 bits of mantissa; sums of taps and probabilities are rounded once more.
    const TOLERANCE: f64 = 6e-3;
    let norm = group_norm(3, 12);
    for (i, geometry) in
        [Geometry::same(1), Geometry::same(3), DOWNSAMPLING[0], DOWNSAMPLING[1]].into_iter().enumerate()
    {
        let [cpu, composed] = convolutions_with(12, 10, geometry, Precision::Bf16);
        let x = tensor([2, 12, 9, 11], 6);
        for size in [None, Some([18, 22]), Some([19, 21]), Some([5, 4])] {
            let extras = || ConvExtras { norm: Some(&norm), size, shift: Some(tensor([2, 10, 1], 7)), residual: None };
            let off = distance(cpu.forward_with(x.clone(), extras()), composed.forward_with(x.clone(), extras()));
            assert!(off > 0.0 && off < TOLERANCE, "{i} {size:?}: {off:.2e}");
        }
    }
}

#[test]
fn f16_is_near() {
    // Two roundings to 10 bits of mantissa, and one of the sum.
    const TOLERANCE: f64 = 1.5e-3;
    let norm = group_norm(3, 12);
    for (i, geometry) in
        [Geometry::same(1), Geometry::same(3), DOWNSAMPLING[0], DOWNSAMPLING[1]].into_iter().enumerate()
    {
        let [cpu, mut composed] = convolutions(12, 10, geometry);
        if let LayerWeights::Gpu(composed) = &mut composed.weights {
            composed.weight = composed.weight.clone().cast(FloatDType::F16);
        }
        let x = tensor([2, 12, 9, 11], 6);
        let extras =
            || ConvExtras { norm: Some(&norm), size: None, shift: Some(tensor([2, 10, 1], 7)), residual: None };
        let off = distance(composed.forward_with(x.clone(), extras()), cpu.forward_with(x, extras()));
        assert!(off > 0.0 && off < TOLERANCE, "{i}: {off:.2e}");
    }
    for (batch, inputs, outputs, n) in [(1, 3, 2, 1), (2, 7, 5, 3), (3, 64, 40, 36), (1, 33, 129, 145)] {
        let weight = tensor([1, outputs, inputs], 1);
        let linear =
            |weight| Linear(LayerWeights::Gpu(Box::new(GpuWeights { weight, bias: Some(tensor([1, outputs, 1], 2)) })));
        let (x, residual) = (tensor([batch, inputs, n], 3), tensor([batch, outputs, n], 4));
        let f16 = linear(weight.clone().cast(FloatDType::F16)).forward_with_residual(x.clone(), Some(residual.clone()));
        let off = distance(f16, linear(weight).forward_with_residual(x, Some(residual)));
        assert!(off > 0.0 && off < TOLERANCE, "{inputs} to {outputs}: {off:.2e}");
    }
}
