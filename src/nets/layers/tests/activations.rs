//! Activation functions, against f64.
//!
//! Separate from layers with weights.

use burn::tensor::{Device, Tensor, TensorData};

use super::common::{assert_close, tensor, values};
use crate::nets::layers::{Activation, activation::geglu_composed, geglu};

/// P(X < x) for a standard normal X, by Simpson's rule from the nearer end.
fn normal_below(x: f64) -> f64 {
    let steps = 20_000;
    let width = 14.0 / f64::from(steps);
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let weight = |i: i32| {
        if i == 0 || i == steps {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    let tail: f64 = (0..=steps).map(|i| weight(i) * density(x.abs() + f64::from(i) * width)).sum::<f64>() * width / 3.0;
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
        assert_close(kind.of(x.clone()), kind.composed(x.clone()), "composed");
        for (x, found) in xs.iter().zip(values(kind.of(x))) {
            let exact = exact(kind, f64::from(*x));
            let off = ((f64::from(found) - exact) / exact).abs();
            // The error of rounding 1.702 x grows with x.
            let limit = if kind == Activation::QuickGelu { 3e-6 } else { 1e-6 };
            assert!(off < limit, "{kind:?}({x}) = {found}, exactly {exact}: {off:.1e}");
        }
    }
}

#[test]
fn activations_are_finite_at_the_ends_of_the_range() {
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
        // The composed one loses bits left of zero, so the kernel is compared with the exact function above.
        let expected = x.clone().narrow(1, 0, half) * Activation::Gelu.of(x.clone().narrow(1, half, half));
        assert_close(geglu(x.clone()), expected, "geglu");
        let off = (geglu(x.clone()) - geglu_composed(x)).abs().max().into_scalar::<f32>();
        assert!(off < 4e-6, "composed geglu is {off:.1e} off");
    }
}
