//! Single operations of the networks, for `benches/operations.rs` and `tests/card.rs`: layers of given sizes with made-up
//! weights.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    ParamError, Params, TensorSource,
    attention::{attend, attend_fused},
    kernels,
    layers::{self, Activation, Conv, GroupNorm, LayerNorm, Linear},
};

/// An operation on the CPU, ready to be carried out again and again.
pub struct Operation(Box<dyn Fn()>);

/// Numbers without a pattern, as large as weights are.
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

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919) % 1013) as f32 / 5060.0 - 0.1).collect()
}

fn tensor<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(shape.iter().product()), shape), &Device::flex())
}

fn layer_on<T>(
    device: &Device,
    weight: &[usize],
    load: impl FnOnce(&Params) -> Result<T, ParamError>,
) -> Result<T, ParamError> {
    let source = MadeUp { weight: weight.to_vec(), bias: vec![weight[0]] };
    load(&Params::root(&source, device))
}

fn layer<T>(weight: &[usize], load: impl FnOnce(&Params) -> Result<T, ParamError>) -> Result<T, ParamError> {
    layer_on(&Device::flex(), weight, load)
}

impl Operation {
    pub fn run(&self) {
        kernels::with_workers(&Device::flex(), || (self.0)());
    }

    /// Of one sample: `inputs` to `outputs` channels, `side` squared positions.
    ///
    /// # Errors
    /// None that sizes above 0 could cause; so for all that follow.
    pub fn convolution(inputs: usize, outputs: usize, kernel: usize, side: usize) -> Result<Self, ParamError> {
        let conv = layer(&[outputs, inputs, kernel, kernel], |p| Conv::load(p, inputs, outputs, kernel))?;
        let x = tensor([1, inputs, side, side]);
        Ok(Self(Box::new(move || drop(conv.forward(x.clone())))))
    }

    pub fn linear(inputs: usize, outputs: usize, positions: usize) -> Result<Self, ParamError> {
        let linear = layer(&[outputs, inputs], |p| Linear::load(p, inputs, outputs, true))?;
        let x = tensor([1, inputs, positions]);
        Ok(Self(Box::new(move || drop(linear.forward(x.clone())))))
    }

    /// `positions` that look at `keys`; with `map` the probabilities are kept.
    pub fn attention(width: usize, heads: usize, positions: usize, keys: usize, map: bool) -> Self {
        let (query, key) = (tensor([1, width, positions]), tensor([1, width, keys]));
        Self(Box::new(move || drop(attend([query.clone(), key.clone(), key.clone()], heads, false, map))))
    }

    pub fn group_norm(channels: usize, groups: usize, side: usize) -> Result<Self, ParamError> {
        let norm = layer(&[channels], |p| GroupNorm::load(p, groups, channels, 1e-5))?;
        let x = tensor([1, channels, side, side]);
        Ok(Self(Box::new(move || drop(norm.forward(x.clone())))))
    }

    pub fn layer_norm(width: usize, positions: usize) -> Result<Self, ParamError> {
        let norm = layer(&[width], |p| LayerNorm::load(p, width, 1e-5))?;
        let x = tensor([1, width, positions]);
        Ok(Self(Box::new(move || drop(norm.forward(x.clone())))))
    }

    /// Of `2 * width` channels.
    pub fn geglu(width: usize, positions: usize) -> Self {
        let x = tensor([1, 2 * width, positions]);
        Self(Box::new(move || drop(layers::geglu(x.clone()))))
    }

    /// Maps spread along self-attention through four powers, as S-CFG does.
    pub fn spread(positions: usize, maps: usize) -> Self {
        let attention = super::SelfAttention::new(tensor([positions, positions]));
        let maps = numbers(maps * positions);
        Self(Box::new(move || drop(attention.spread(&maps, &[0.25; 4]))))
    }
}

/// One of the operations that graphics cards have kernels of their own for, with its sizes.
#[derive(Clone, Copy, Debug)]
pub enum Fused {
    /// `[batch, inputs, h, w]`, outputs, side of the kernel. Not a kernel of our own, but its weight lies as burn wants it.
    Convolution([usize; 4], usize, usize),
    /// `[batch, channels, h, w]` in so many groups, then silu where the flag is set.
    GroupNorm([usize; 4], usize, bool),
    /// `[batch, width, positions]`.
    LayerNorm([usize; 3]),
    /// `[batch, 2 * width, positions]`.
    Geglu([usize; 3]),
    /// So many values.
    Silu(usize),
    /// `[batch, width, positions]` of the query, the positions of keys and values, heads, and how many scores may exist at
    /// once on a card. There in f16.
    Attention([usize; 3], usize, usize, usize),
}

impl Fused {
    /// Its values on `device`, of numbers whose mean is far from 0: the same numbers on every device.
    ///
    /// # Errors
    /// Where the device cannot deliver them.
    pub fn values(self, device: &Device) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
        let here = kernels::is_cpu(device);
        Ok(match self {
            Self::Convolution(dims, outputs, kernel) => {
                let shape = [outputs, dims[1], kernel, kernel];
                let conv = layer_on(device, &shape, |p| Conv::load(p, dims[1], outputs, kernel))?;
                conv.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::GroupNorm(dims, groups, silu) => {
                let norm = layer_on(device, &[dims[1]], |p| GroupNorm::load(p, groups, dims[1], 1e-5))?;
                let x = far(device, dims);
                match (here, silu) {
                    (true, true) => Activation::Silu.of(norm.forward(x)),
                    (true, false) => norm.forward(x),
                    (false, silu) => norm.on_gpu(x, silu),
                }
                .try_into_vec_as::<f32>()?
            }
            Self::LayerNorm(dims) => {
                let norm = layer_on(device, &[dims[1]], |p| LayerNorm::load(p, dims[1], 1e-5))?;
                norm.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::Geglu(dims) => layers::geglu(far(device, dims)).try_into_vec_as::<f32>()?,
            Self::Silu(count) => Activation::Silu.of(far(device, [count])).try_into_vec_as::<f32>()?,
            Self::Attention([batch, width, n], keys, heads, budget) => {
                let (query, key) = (far(device, [batch, width, n]), far(device, [batch, width, keys]));
                let parts = [query, key.clone(), key];
                let y = if here { attend(parts, heads, false, false).0 } else { attend_fused(parts, heads, budget) };
                y.try_into_vec_as::<f32>()?
            }
        })
    }
}

/// Numbers from 0 to 1.5, with a different mean in each plane.
fn far<const D: usize>(device: &Device, shape: [usize; D]) -> Tensor<D> {
    let plane = shape[D - 1];
    let shift = |i: usize| (i / plane % 5) as f32 / 4.0;
    let values = numbers(shape.iter().product()).into_iter().enumerate().map(|(i, x)| x + 0.1 + shift(i)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}
