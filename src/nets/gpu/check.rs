//! Operations with sizes at which the kernels of GPUs are compared with those of the CPU.
//!
//! Apart from the tests, because a card is checked in the same way before it is used.

use burn::tensor::{Device, Tensor, TensorData, TensorReadError};

use super::super::{
    ParamError,
    attention::attend,
    gpu, kernels,
    layers::{self, Activation, Conv, ConvExtras, GroupNorm, LayerNorm, Linear},
    made_up::{layer, numbers},
    spread::SelfAttention,
};

/// Largest distance from the CPU that passes: f32 on both sides, other sums.
const TOLERANCE: f64 = 2e-6;

/// Why an operation gave no result.
#[derive(Debug, thiserror::Error)]
pub enum KernelCheckError {
    #[error(transparent)]
    Param(#[from] ParamError),
    #[error("the device could not deliver the result: {0}")]
    Device(#[from] TensorReadError),
    #[error("the device is no graphics card")]
    NoCard,
}

/// An operation for which there is a GPU kernel, with its sizes.
#[derive(Clone, Copy, Debug)]
pub enum KernelCheck {
    /// `[batch, inputs, h, w]`, outputs, side of the kernel.
    Convolution([usize; 4], usize, usize),
    /// `[batch, channels, h, w]`, zeros before and after it.
    Downsampling([usize; 4], (usize, usize)),
    /// `[batch, inputs, h, w]`, outputs, the size to resize to; with a norm, a shift and a residual.
    Resized([usize; 4], usize, [usize; 2]),
    /// `[batch, inputs, n]`, outputs; with a residual.
    Linear([usize; 3], usize),
    /// `[batch, channels, h, w]` of both.
    Joined([usize; 4], [usize; 4]),
    /// `[batch, channels, h, w]` in so many groups, then silu where the flag is set.
    GroupNorm([usize; 4], usize, bool),
    /// `[batch, width, positions]`.
    LayerNorm([usize; 3]),
    /// `[batch, 2 * width, positions]`.
    Geglu([usize; 3]),
    /// So many values.
    Silu(usize),
    /// `[batch, width, positions]` of the query, the positions of keys and values, heads, whether it is causal, and how many
    /// scores may exist at once on a GPU. Output and map.
    Attention([usize; 3], usize, usize, bool, usize),
    /// So many maps of so many positions, by three powers of a self-attention.
    Spread(usize, usize),
}

impl KernelCheck {
    /// The relative distance (L2) of what `device` computes from what the CPU does.
    ///
    /// # Errors
    /// [`KernelCheckError`] when the device does not deliver.
    pub fn distance(self, device: &Device) -> Result<f64, KernelCheckError> {
        let (found, expected) = (self.values(device)?, self.values(&Device::flex())?);
        Ok(relative([&found, &expected]))
    }

    /// Whether `distance` is as small as rounding leaves it.
    pub fn passes(distance: f64) -> bool {
        distance < TOLERANCE
    }

    /// Its values on `device`, of numbers whose mean is far from 0: the same numbers on every device.
    fn values(self, device: &Device) -> Result<Vec<f32>, KernelCheckError> {
        let on_cpu = kernels::is_cpu(device);
        Ok(match self {
            Self::Convolution(dims, outputs, kernel) => {
                let shape = [outputs, dims[1], kernel, kernel];
                let conv = layer(device, &shape, |p| Conv::load(p, dims[1], outputs, kernel))?;
                conv.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::Downsampling(dims, padding) => {
                let shape = [dims[1], dims[1], 3, 3];
                let conv = layer(device, &shape, |p| Conv::load_downsampling(p, dims[1], padding))?;
                conv.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::Resized(dims, outputs, size) => resized(device, dims, outputs, size)?,
            Self::Linear([batch, inputs, n], outputs) => {
                let linear = layer(device, &[outputs, inputs], |p| Linear::load(p, inputs, outputs, true))?;
                let residual = far(device, [batch, outputs, n]);
                linear
                    .forward_with_residual(far(device, [batch, inputs, n]), Some(residual))
                    .try_into_vec_as::<f32>()?
            }
            Self::Joined(first, second) => {
                layers::join_channels(far(device, first), far(device, second)).try_into_vec_as::<f32>()?
            }
            Self::GroupNorm(dims, groups, silu) => {
                let norm = layer(device, &[dims[1]], |p| GroupNorm::load(p, groups, dims[1], 1e-5))?;
                let x = far(device, dims);
                match (on_cpu, silu) {
                    (true, true) => Activation::Silu.of(norm.forward(x)),
                    (true, false) => norm.forward(x),
                    (false, silu) => norm.on_gpu(x, silu),
                }
                .try_into_vec_as::<f32>()?
            }
            Self::LayerNorm(dims) => {
                let norm = layer(device, &[dims[1]], |p| LayerNorm::load(p, dims[1], 1e-5))?;
                norm.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::Geglu(dims) => layers::geglu(far(device, dims)).try_into_vec_as::<f32>()?,
            Self::Silu(count) => Activation::Silu.of(far(device, [count])).try_into_vec_as::<f32>()?,
            Self::Attention([batch, width, n], keys, heads, causal, budget) => {
                let (query, key) = (far(device, [batch, width, n]), far(device, [batch, width, keys]));
                let (y, map) = if on_cpu {
                    attend([query, key.clone(), key], heads, causal, true)
                } else {
                    gpu::attend([&query, &key, &key], heads, causal, true, budget).ok_or(KernelCheckError::NoCard)?
                };
                let map = map.ok_or(KernelCheckError::NoCard)?.try_into_vec_as::<f32>()?;
                [y.try_into_vec_as::<f32>()?, map].concat()
            }
            Self::Spread(maps, n) => {
                let attention = SelfAttention::new(far(device, [n, n]).div_scalar(n as f32));
                attention.spread(&numbers(maps * n), &[0.5, 0.25, -1.0])?
            }
        })
    }
}

/// [`KernelCheck::Resized`] on `device`.
fn resized(device: &Device, dims: [usize; 4], outputs: usize, size: [usize; 2]) -> Result<Vec<f32>, KernelCheckError> {
    let conv = layer(device, &[outputs, dims[1], 3, 3], |p| Conv::load(p, dims[1], outputs, 3))?;
    let norm = layer(device, &[dims[1]], |p| GroupNorm::load(p, 1, dims[1], 1e-5))?;
    let extras = ConvExtras {
        norm: Some(&norm),
        size: Some(size),
        shift: Some(far(device, [dims[0], outputs, 1])),
        residual: Some(far(device, [dims[0], outputs, size[0], size[1]])),
    };
    Ok(conv.forward_with(far(device, dims), extras).try_into_vec_as::<f32>()?)
}

/// Every operation: small, odd, exactly full, in many parts, in parts larger than the usual.
pub fn kernel_checks() -> &'static [KernelCheck] {
    CHECKS
}

/// Numbers from 0 to 1.5, with a different mean in each plane.
pub(super) fn far<const D: usize>(device: &Device, shape: [usize; D]) -> Tensor<D> {
    let plane = shape[D - 1];
    let shift = |i: usize| (i / plane % 5) as f32 / 4.0;
    let values = numbers(shape.iter().product()).into_iter().enumerate().map(|(i, x)| x + 0.1 + shift(i)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Small, odd, exactly full, in many parts, in parts larger than the usual.
const CHECKS: &[KernelCheck] = &[
    KernelCheck::Convolution([2, 5, 7, 9], 6, 3),
    KernelCheck::Convolution([1, 32, 16, 16], 64, 3),
    KernelCheck::Convolution([1, 12, 5, 5], 20, 1),
    // Sums in parts, large tiles.
    KernelCheck::Convolution([1, 320, 8, 8], 70, 3),
    KernelCheck::Downsampling([1, 6, 9, 12], (1, 1)),
    KernelCheck::Downsampling([2, 5, 8, 11], (0, 1)),
    KernelCheck::Resized([1, 7, 5, 6], 9, [10, 12]),
    KernelCheck::Resized([2, 8, 4, 3], 6, [7, 5]),
    KernelCheck::Linear([1, 1, 1], 1),
    KernelCheck::Linear([1, 1280, 1], 320),
    KernelCheck::Linear([2, 33, 65], 17),
    KernelCheck::Linear([2, 7, 4200], 515),
    KernelCheck::Joined([2, 3, 5, 7], [2, 4, 5, 7]),
    KernelCheck::Attention([1, 24, 36], 36, 3, false, 1 << 20),
    KernelCheck::Attention([2, 80, 100], 77, 2, false, 40_000),
    KernelCheck::Attention([1, 48, 77], 77, 4, true, 10_000),
    KernelCheck::Attention([1, 512, 64], 64, 1, false, 1 << 20),
    KernelCheck::Attention([1, 64, 130], 130, 64, false, 1 << 21),
    KernelCheck::Spread(3, 36),
    KernelCheck::Spread(32, 150),
    KernelCheck::GroupNorm([1, 2, 1, 3], 1, false),
    KernelCheck::GroupNorm([2, 12, 9, 11], 3, false),
    KernelCheck::GroupNorm([1, 32, 24, 24], 8, true),
    KernelCheck::GroupNorm([1, 6, 65, 67], 2, true),
    KernelCheck::GroupNorm([1, 4, 64, 128], 2, true),
    KernelCheck::GroupNorm([1, 2, 401, 701], 1, true),
    KernelCheck::LayerNorm([1, 1, 1]),
    KernelCheck::LayerNorm([2, 7, 33]),
    KernelCheck::LayerNorm([1, 320, 64]),
    KernelCheck::LayerNorm([3, 129, 145]),
    KernelCheck::Geglu([1, 2, 1]),
    KernelCheck::Geglu([2, 14, 33]),
    KernelCheck::Geglu([1, 640, 576]),
    KernelCheck::Silu(1),
    KernelCheck::Silu(1031),
    KernelCheck::Silu(70_000),
];

/// The relative distance (L2) of values from those that are expected.
pub fn relative([found, expected]: [&[f32]; 2]) -> f64 {
    let square = |x: f64| x * x;
    let off: f64 = found.iter().zip(expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|b| square(f64::from(*b))).sum();
    // Expected values may all be 0; then only 0 is near. A missing value is as far off as can be.
    if found.len() == expected.len() { (off / norm.max(f64::MIN_POSITIVE)).sqrt() } else { f64::INFINITY }
}
