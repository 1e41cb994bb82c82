//! Layers of given sizes with made-up weights.
//!
//! Apart because both the benchmark of single operations and the checks of the GPU's kernels take them; no network does.

use burn::tensor::Device;
#[cfg(feature = "bench")]
use burn::tensor::{Tensor, TensorData};

use super::{
    Precision,
    params::Params,
    source::{ParamError, TensorSource},
};

/// Numbers without a pattern, as large as weights are, for any name.
struct MadeUp {
    weight: Vec<usize>,
    bias: Vec<usize>,
}

impl TensorSource for MadeUp {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        Some(if name == "weight" { self.weight.clone() } else { self.bias.clone() })
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let count = self.shape_of(name).map_or(0, |shape| shape.iter().product());
        Ok(numbers(count))
    }
}

/// Numbers in -0.1..0.1.
pub(super) fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 1013) as f32 / 5060.0 - 0.1).collect()
}

/// A tensor of [`numbers`].
#[cfg(feature = "bench")]
pub(super) fn tensor<const D: usize>(device: &Device, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(shape.iter().product()), shape), device)
}

/// What `load` makes of a weight of this shape and a bias with as many values as the weight has rows.
pub(super) fn layer<T>(
    device: &Device,
    weight: &[usize],
    load: impl FnOnce(&Params) -> Result<T, ParamError>,
) -> Result<T, ParamError> {
    layer_in(device, Precision::F32, weight, load)
}

/// [`layer`] with weights in `precision`.
pub(super) fn layer_in<T>(
    device: &Device,
    precision: Precision,
    weight: &[usize],
    load: impl FnOnce(&Params) -> Result<T, ParamError>,
) -> Result<T, ParamError> {
    let source = MadeUp { weight: weight.to_vec(), bias: vec![weight[0]] };
    load(&Params::root(&source, device).with_precision(precision))
}
