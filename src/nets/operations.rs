//! Single operations of the networks, for `benches/operations.rs`: layers of given sizes with made-up weights.

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    ParamError, Params, TensorSource,
    attention::attend,
    kernels,
    layers::{self, Conv, GroupNorm, LayerNorm, Linear},
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

fn layer<T>(weight: &[usize], load: impl FnOnce(&Params) -> Result<T, ParamError>) -> Result<T, ParamError> {
    let source = MadeUp { weight: weight.to_vec(), bias: vec![weight[0]] };
    load(&Params::root(&source, &Device::flex()))
}

impl Operation {
    pub fn run(&self) {
        kernels::together(&Device::flex(), || (self.0)());
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
