//! A layer's weights, in the form in which its device multiplies them.
//!
//! Separate from the layers, because linear layers and convolutions share it.

use std::sync::Arc;

use burn::tensor::{DType, FloatDType, Tensor, TensorData};
use half::f16;

use crate::nets::{
    ParamError, Params, Precision,
    kernels::{self, Weights},
};

/// The weight and bias of a layer: packed for the CPU's kernels, or as tensors of another device. D is 3 for linear layers
/// and 4 for convolutions.
#[derive(Clone)]
pub(super) enum LayerWeights<const D: usize> {
    Cpu(Arc<Weights>),
    Gpu(Box<GpuWeights<D>>),
}

#[derive(Clone)]
pub(super) struct GpuWeights<const D: usize> {
    /// In the precision of the product: inputs are rounded to it, and the result is f32.
    pub weight: Tensor<D>,
    /// `[1, outputs, 1, ..]`.
    pub bias: Option<Tensor<D>>,
}

impl<const D: usize> LayerWeights<D> {
    /// Loads `weight` as `shape`, stored with one of the shapes `stored`, and the bias of length `outputs` where `bias` is
    /// set.
    ///
    /// # Errors
    /// [`ParamError`] for a weight that is missing or has another shape.
    pub fn load(
        p: &Params,
        shape: [usize; D],
        outputs: usize,
        stored: &[&[usize]],
        bias: bool,
    ) -> Result<Self, ParamError> {
        let mut bias_shape = [1; D];
        bias_shape[1] = outputs;
        if kernels::is_cpu(p.device()) {
            let weight = p.values("weight", stored)?;
            let bias = if bias { Some(p.values("bias", &[&[outputs]])?) } else { None };
            // The taps of a convolution's kernel.
            let taps = if D == 4 { shape[2..].iter().product() } else { 1 };
            return Ok(Self::Cpu(Arc::new(Weights::new(&weight, outputs, taps, p.precision(), bias))));
        }
        let weight = weight_tensor(p.values("weight", stored)?, shape, p);
        let bias = if bias { Some(p.tensor_of("bias", bias_shape, &[&[outputs]])?) } else { None };
        Ok(Self::Gpu(Box::new(GpuWeights { weight, bias })))
    }
}

/// A weight on the device of `p`, in its precision. A convolution's lies in memory as `[outputs, kernel, kernel, inputs]`,
/// which the kernel of GPUs reads.
fn weight_tensor<const D: usize>(mut values: Vec<f32>, shape: [usize; D], p: &Params) -> Tensor<D> {
    let mut stored = shape;
    let mut axes: [isize; D] = std::array::from_fn(|axis| axis as isize);
    if D == 4 {
        values = inputs_last(&values, shape[1], shape[2..].iter().product());
        stored[1..].rotate_left(1);
        axes[1..].rotate_right(1);
    }
    let data = if p.precision() == Precision::F16 {
        TensorData::new(values.into_iter().map(f16::from_f32).collect(), stored)
    } else {
        TensorData::new(values, stored)
    };
    Tensor::from_data(data, p.device()).permute(axes)
}

/// `[outputs, inputs, taps]` to `[outputs, taps, inputs]`.
fn inputs_last(values: &[f32], inputs: usize, taps: usize) -> Vec<f32> {
    let size = inputs * taps;
    (0..values.len()).map(|i| values[i / size * size + i % inputs * taps + i % size / inputs]).collect()
}

impl<const D: usize> GpuWeights<D> {
    /// Calls `multiply` with `x` in the precision of the weight, and converts the result to f32.
    pub fn product<const N: usize>(&self, x: Tensor<N>, multiply: impl FnOnce(Tensor<N>) -> Tensor<N>) -> Tensor<N> {
        match self.weight.dtype() {
            DType::F16 => multiply(x.cast(FloatDType::F16)).cast(FloatDType::F32),
            _ => multiply(x),
        }
    }
}
