//! Inputs, layers and comparisons that the tests share.
//!
//! Separate from the tests of each kind of layer.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use crate::nets::{
    Precision,
    kernels::{Geometry, Weights},
    layers::{
        Conv, GroupNorm,
        layer_weights::{GpuWeights, LayerWeights},
    },
};

/// The largest relative L2 distance that rounding explains.
pub(super) const TOLERANCE: f64 = 1e-6;

/// Pseudo-random numbers in -1..1 (the upper bits of a linear congruential generator).
pub(super) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

pub(super) fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    Tensor::from_data(TensorData::new(random(shape.iter().product(), seed), shape), &Device::flex())
}

pub(super) fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.try_into_vec_as::<f32>().expect("values")
}

#[track_caller]
pub(super) fn assert_close<const D: usize>(found: Tensor<D>, expected: Tensor<D>, what: &str) {
    let distance = distance(found, expected);
    assert!(distance < TOLERANCE, "{what}: relative L2 {distance:.2e}");
}

/// The relative L2 distance.
#[track_caller]
pub(super) fn distance<const D: usize>(found: Tensor<D>, expected: Tensor<D>) -> f64 {
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let square = |x: f64| x * x;
    let off: f64 = found.iter().zip(&expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|b| square(f64::from(*b))).sum();
    (off / norm).sqrt()
}

/// Numbers that bf16 represents exactly.
pub(super) fn bf16_tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let numbers = random(shape.iter().product(), seed).into_iter().map(|x| half::bf16::from_f32(x).to_f32()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

/// The same convolution by the CPU's kernels and composed of burn's operations.
pub(super) fn convolutions(inputs: usize, outputs: usize, geometry: Geometry) -> [Conv; 2] {
    convolutions_with(inputs, outputs, geometry, Precision::F32)
}

/// As [`convolutions`], with weights that both precisions represent exactly.
pub(super) fn convolutions_with(inputs: usize, outputs: usize, geometry: Geometry, precision: Precision) -> [Conv; 2] {
    let weight = bf16_tensor([outputs, inputs, geometry.kernel, geometry.kernel], 1);
    let bias = tensor([1, outputs, 1, 1], 2);
    let packed = Weights::new(
        &values(weight.clone()),
        outputs,
        geometry.kernel * geometry.kernel,
        precision,
        Some(values(bias.clone())),
    );
    let composed = LayerWeights::Gpu(Box::new(GpuWeights { weight, bias: Some(bias) }));
    [LayerWeights::Cpu(Arc::new(packed)), composed].map(|weights| Conv { weights, geometry })
}

pub(super) fn group_norm(groups: usize, channels: usize) -> GroupNorm {
    GroupNorm { groups, epsilon: 1e-5, weight: tensor([channels], 3), bias: tensor([channels], 4) }
}

/// The downsampling convolutions of U-Nets and of encoders.
pub(super) const DOWNSAMPLING: [Geometry; 2] =
    [Geometry { kernel: 3, stride: 2, padding: (1, 1) }, Geometry { kernel: 3, stride: 2, padding: (0, 1) }];
