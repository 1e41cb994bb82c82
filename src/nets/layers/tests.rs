//! The CPU's kernels against the plain compositions that other devices get, on shapes that fill no tile evenly.

use burn::tensor::{Device, Tensor, TensorData};

use super::*;
use crate::nets::{
    Precision,
    attention::{attend, attend_composed, attend_fused},
};

/// Largest relative L2 distance that rounding explains.
const TOLERANCE: f64 = 1e-6;

/// Numbers in -1..1 from a seed (a linear congruential generator's upper bits).
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    Tensor::from_data(TensorData::new(random(shape.iter().product(), seed), shape), &Device::flex())
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.try_into_vec_as::<f32>().expect("values")
}

#[track_caller]
fn assert_close<const D: usize>(found: Tensor<D>, expected: Tensor<D>, what: &str) {
    let distance = distance(found, expected);
    assert!(distance < TOLERANCE, "{what}: relative L2 {distance:.2e}");
}

/// Relative, L2.
#[track_caller]
fn distance<const D: usize>(found: Tensor<D>, expected: Tensor<D>) -> f64 {
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let square = |x: f64| x * x;
    let off: f64 = found.iter().zip(&expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|b| square(f64::from(*b))).sum();
    (off / norm).sqrt()
}

/// Numbers that bf16 holds.
fn short<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let numbers = random(shape.iter().product(), seed).into_iter().map(|x| half::bf16::from_f32(x).to_f32()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
}

/// The same convolution for the kernels and for the plain path.
fn convolutions(inputs: usize, outputs: usize, geometry: Geometry) -> [Conv; 2] {
    convolutions_with(inputs, outputs, geometry, Precision::F32)
}

/// The weights are numbers that both precisions hold.
fn convolutions_with(inputs: usize, outputs: usize, geometry: Geometry, precision: Precision) -> [Conv; 2] {
    let weight = short([outputs, inputs, geometry.kernel, geometry.kernel], 1);
    let bias = tensor([1, outputs, 1, 1], 2);
    let packed = Weights::new(
        &values(weight.clone()),
        outputs,
        geometry.kernel * geometry.kernel,
        precision,
        Some(values(bias.clone())),
    );
    let composed = Held::Gpu(Box::new(GpuWeights { weight, bias: Some(bias) }));
    [Held::Cpu(Arc::new(packed)), composed].map(|held| Conv { held, geometry })
}

fn group_norm(groups: usize, channels: usize) -> GroupNorm {
    GroupNorm { groups, epsilon: 1e-5, weight: tensor([channels], 3), bias: tensor([channels], 4) }
}

const HALVING: [Geometry; 2] =
    [Geometry { kernel: 3, stride: 2, padding: (1, 1) }, Geometry { kernel: 3, stride: 2, padding: (0, 1) }];

#[test]
fn convolutions_agree() {
    let sizes = [[1, 1, 1, 1], [2, 3, 5, 7], [1, 24, 24, 4], [3, 6, 6, 20], [1, 17, 33, 9], [1, 12, 49, 16]];
    for geometry in [Geometry::same(1), Geometry::same(3), HALVING[0], HALVING[1]] {
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
fn what_surrounds_a_convolution_agrees() {
    let norm = group_norm(3, 12);
    for (i, geometry) in [Geometry::same(1), Geometry::same(3), HALVING[0], HALVING[1]].into_iter().enumerate() {
        let [cpu, composed] = convolutions(12, 10, geometry);
        let x = tensor([2, 12, 9, 11], 6);
        for size in [None, Some([18, 22]), Some([19, 21]), Some([5, 4])] {
            let around = |residual| Around { norm: Some(&norm), size, shift: Some(tensor([2, 10, 1], 7)), residual };
            let without = composed.forward_in(x.clone(), around(None));
            let residual = tensor(without.dims(), 8);
            let expected = composed.forward_in(x.clone(), around(Some(residual.clone())));
            let found = cpu.forward_in(x.clone(), around(Some(residual)));
            assert_close(found, expected, &format!("{i} {size:?}"));
            assert_close(cpu.forward_in(x.clone(), around(None)), without, &format!("{i} {size:?}"));
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
        let composed = Held::Gpu(Box::new(GpuWeights { weight, bias: Some(bias) }));
        let [cpu, composed] = [Held::Cpu(Arc::new(packed)), composed].map(Linear);
        let (x, residual) = (tensor([batch, inputs, n], 3), tensor([batch, outputs, n], 4));
        let expected = composed.forward_onto(x.clone(), Some(residual.clone()));
        assert_close(cpu.forward_onto(x, Some(residual)), expected, &format!("{inputs} to {outputs}"));
        // A view, not row-major.
        let turned = tensor([batch, n, inputs], 5).swap_dims(1, 2);
        assert_close(cpu.forward(turned.clone()), composed.forward(turned), "a view");
    }
}

#[test]
fn bf16_is_exact_on_numbers_it_holds() {
    let sizes = [[1, 1, 1, 1], [2, 3, 5, 7], [1, 24, 24, 4], [3, 6, 6, 20], [1, 17, 33, 9], [1, 12, 49, 16]];
    for geometry in [Geometry::same(1), Geometry::same(3), HALVING[0], HALVING[1]] {
        for (i, [batch, h, w, inputs]) in sizes.into_iter().enumerate() {
            let [cpu, composed] = convolutions_with(inputs, [1, 4, 8, 13, 24, 37][i], geometry, Precision::Bf16);
            let x = short([batch, inputs, h, w], 5);
            if h + geometry.padding.0 + geometry.padding.1 >= geometry.kernel {
                assert_close(cpu.forward(x.clone()), composed.forward(x), &format!("{geometry:?} {i}"));
            }
        }
    }
    for (batch, inputs, outputs, n) in [(1, 1, 1, 1), (2, 7, 5, 3), (3, 64, 40, 36), (1, 33, 129, 145), (2, 96, 8, 48)]
    {
        let weight = short([1, outputs, inputs], 1);
        let packed = Weights::new(&values(weight.clone()), outputs, 1, Precision::Bf16, None);
        let [cpu, composed] =
            [Held::Cpu(Arc::new(packed)), Held::Gpu(Box::new(GpuWeights { weight, bias: None }))].map(Linear);
        let x = short([batch, inputs, n], 3);
        assert_close(cpu.forward(x.clone()), composed.forward(x), &format!("{inputs} to {outputs}"));
    }
}

#[test]
fn bf16_is_near_on_other_numbers() {
    // Two roundings to 8 bits of mantissa; sums of taps and probabilities are rounded once more.
    const NEAR: f64 = 6e-3;
    let norm = group_norm(3, 12);
    for (i, geometry) in [Geometry::same(1), Geometry::same(3), HALVING[0], HALVING[1]].into_iter().enumerate() {
        let [cpu, composed] = convolutions_with(12, 10, geometry, Precision::Bf16);
        let x = tensor([2, 12, 9, 11], 6);
        for size in [None, Some([18, 22]), Some([19, 21]), Some([5, 4])] {
            let around = || Around { norm: Some(&norm), size, shift: Some(tensor([2, 10, 1], 7)), residual: None };
            let off = distance(cpu.forward_in(x.clone(), around()), composed.forward_in(x.clone(), around()));
            assert!(off > 0.0 && off < NEAR, "{i} {size:?}: {off:.2e}");
        }
    }
}

#[test]
fn norms_agree() {
    for (batch, groups, channels, h, w) in [(1, 1, 1, 3, 5), (2, 4, 12, 7, 9), (1, 8, 16, 96, 96), (3, 2, 10, 1, 33)] {
        let norm = group_norm(groups, channels);
        // Far from zero: what cancels must not show.
        let x = tensor([batch, channels, h, w], 5).add_scalar(3.0);
        assert_close(norm.forward(x.clone()), norm.composed(x.clone()), "group norm");
        let norm = LayerNorm { weight: tensor([channels], 6), bias: tensor([channels], 7), epsilon: 1e-5 };
        let tokens = to_tokens(x);
        if channels > 1 {
            assert_close(norm.forward(tokens.clone()), norm.composed(tokens), "layer norm");
        }
    }
}

/// P(X < x) of a standard normal X, integrated by Simpson's rule from the nearer end.
fn normal_below(x: f64) -> f64 {
    let steps = 20_000;
    let width = 14.0 / f64::from(steps);
    let bell = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let weight = |i: i32| {
        if i == 0 || i == steps {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    let tail: f64 = (0..=steps).map(|i| weight(i) * bell(x.abs() + f64::from(i) * width)).sum::<f64>() * width / 3.0;
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[test]
fn activations_are_exact_to_rounding() {
    let xs: Vec<f32> = (-1200..=1200).map(|i| i as f32 / 100.0 + 0.003).collect();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let exact = |kind, x: f64| match kind {
        Activation::Silu => x * sigmoid(x),
        Activation::QuickGelu => x * sigmoid(f64::from(1.702_f32) * x),
        Activation::Gelu => x * normal_below(x),
    };
    for kind in [Activation::Silu, Activation::Gelu, Activation::QuickGelu] {
        let x = Tensor::<1>::from_data(TensorData::new(xs.clone(), [xs.len()]), &Device::flex());
        assert_close(kind.of(x.clone()), kind.composed(x.clone()), "plain");
        for (x, found) in xs.iter().zip(values(kind.of(x))) {
            let exact = exact(kind, f64::from(*x));
            let off = ((f64::from(found) - exact) / exact).abs();
            // A rounding of 1.702 x counts as often as x is large.
            let limit = if kind == Activation::QuickGelu { 3e-6 } else { 1e-6 };
            assert!(off < limit, "{kind:?}({x}) = {found}, exactly {exact}: {off:.1e}");
        }
    }
}

#[test]
fn activations_bear_the_ends_of_the_range() {
    let xs = [0.0, -0.0, -200.0, 200.0, -1e30, 1e30, f32::MIN_POSITIVE];
    for kind in [Activation::Silu, Activation::Gelu, Activation::QuickGelu] {
        let x = Tensor::<1>::from_data(TensorData::new(xs.to_vec(), [xs.len()]), &Device::flex());
        let found = values(kind.of(x));
        assert!(found.iter().all(|y| y.is_finite()), "{kind:?}: {found:?}");
        assert_eq!((found[2], found[3], found[5]), (0.0, 200.0, 1e30), "{kind:?}");
    }
}

#[test]
fn gated_gelu_agrees() {
    for [batch, channels, n] in [[1, 2, 1], [2, 6, 37], [1, 128, 300]] {
        let x = tensor([batch, channels, n], 9).mul_scalar(4.0);
        let half = channels / 2;
        // The plain one loses bits left of zero; ours is held against the exact function above.
        let expected = x.clone().narrow(1, 0, half) * Activation::Gelu.of(x.clone().narrow(1, half, half));
        assert_close(geglu(x.clone()), expected, "geglu");
        let off = (geglu(x.clone()) - geglu_composed(x)).abs().max().into_scalar::<f32>();
        assert!(off < 4e-6, "plain geglu is {off:.1e} off");
    }
}

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
            assert_close(found.clone(), expected, "mixed values");
            assert_close(map.expect("a map"), expected_map.expect("a map"), "probabilities");
            let (alone, map) = attend(parts(), heads, causal, false);
            assert_eq!(values(alone), values(found), "looking must not change what is seen");
            assert!(map.is_none());
        }
    }
}

/// A bit of everything, as bits.
fn sample_of_all() -> Vec<u32> {
    let device = Device::flex();
    kernels::with_workers(&device, || {
        let norm = group_norm(4, 32);
        let [conv, _] = convolutions(32, 48, Geometry::same(3));
        let x = tensor([1, 32, 61, 67], 5);
        let map = conv.forward_normed(x.clone(), &norm);
        let tokens = to_tokens(conv.forward(x));
        let (mixed, seen) = attend([tokens.clone(), tokens.clone(), tokens.clone()], 4, false, true);
        let gated = geglu(Activation::Gelu.of(tokens));
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        [values(map), values(mixed), values(seen.expect("a map")), values(gated)].map(bits).concat()
    })
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(sample_of_all)
    };
    let alone = with(1);
    for threads in [2, 3, 7] {
        assert!(alone == with(threads), "{threads} threads");
    }
    assert!(alone == sample_of_all(), "from outside the pool");
}

#[test]
fn f16_on_other_devices_is_near() {
    // Two roundings to 10 bits of mantissa, and one of the sum.
    const NEAR: f64 = 1.5e-3;
    let norm = group_norm(3, 12);
    for (i, geometry) in [Geometry::same(1), Geometry::same(3), HALVING[0], HALVING[1]].into_iter().enumerate() {
        let [cpu, mut composed] = convolutions(12, 10, geometry);
        if let Held::Gpu(composed) = &mut composed.held {
            composed.weight = composed.weight.clone().cast(FloatDType::F16);
        }
        let x = tensor([2, 12, 9, 11], 6);
        let around = || Around { norm: Some(&norm), size: None, shift: Some(tensor([2, 10, 1], 7)), residual: None };
        let off = distance(composed.forward_in(x.clone(), around()), cpu.forward_in(x, around()));
        assert!(off > 0.0 && off < NEAR, "{i}: {off:.2e}");
    }
    for (batch, inputs, outputs, n) in [(1, 3, 2, 1), (2, 7, 5, 3), (3, 64, 40, 36), (1, 33, 129, 145)] {
        let weight = tensor([1, outputs, inputs], 1);
        let held = |weight| Linear(Held::Gpu(Box::new(GpuWeights { weight, bias: Some(tensor([1, outputs, 1], 2)) })));
        let (x, residual) = (tensor([batch, inputs, n], 3), tensor([batch, outputs, n], 4));
        let short = held(weight.clone().cast(FloatDType::F16)).forward_onto(x.clone(), Some(residual.clone()));
        let off = distance(short, held(weight).forward_onto(x, Some(residual)));
        assert!(off > 0.0 && off < NEAR, "{inputs} to {outputs}: {off:.2e}");
    }
}

/// Padded heads change nothing: widths that are a multiple of what tensor cores take, and widths that are not.
#[test]
fn attention_in_f16_is_near() {
    for (batch, heads, channels, n, keys) in [(1, 2, 40, 130, 130), (2, 1, 16, 9, 200), (1, 3, 7, 33, 128)] {
        let part = |length, seed| tensor([batch, heads * channels, length], seed);
        let parts = || [part(n, 1), part(keys, 2), part(keys, 3)];
        let off = distance(attend_fused(parts(), heads, 10_000), attend_composed(parts(), heads, false, false).0);
        assert!(off > 0.0 && off < 2e-3, "{heads} heads of {channels}: {off:.2e}");
    }
}
