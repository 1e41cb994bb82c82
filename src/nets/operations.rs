//! Single operations of the networks on the CPU, for `benches/operations.rs`.
//!
//! Apart from the networks, and only with the feature `bench`: no user of the library needs it.

use burn::tensor::{Device, Tensor};

use super::{
    attention::attend,
    kernels,
    layers::{self, Conv, GroupNorm, LayerNorm, Linear},
    made_up::{self, numbers},
    params::Params,
    source::ParamError,
    spread::SelfAttention,
};

/// An operation on the CPU, ready to be carried out again and again.
pub struct Operation(Box<dyn Fn()>);

fn tensor<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    made_up::tensor(&Device::flex(), shape)
}

fn layer<T>(weight: &[usize], load: impl FnOnce(&Params) -> Result<T, ParamError>) -> Result<T, ParamError> {
    made_up::layer(&Device::flex(), weight, load)
}

impl Operation {
    /// Carries it out, with the threads of rayon's current pool.
    pub fn run(&self) {
        kernels::with_workers(&Device::flex(), || (self.0)());
    }

    /// A convolution of one sample: `inputs` to `outputs` channels, `side` squared positions.
    ///
    /// # Errors
    /// None that sizes above 0 cause; so for all that follow.
    pub fn convolution(inputs: usize, outputs: usize, kernel: usize, side: usize) -> Result<Self, ParamError> {
        let conv = layer(&[outputs, inputs, kernel, kernel], |p| Conv::load(p, inputs, outputs, kernel))?;
        let x = tensor([1, inputs, side, side]);
        Ok(Self(Box::new(move || drop(conv.forward(x.clone())))))
    }

    /// A linear layer of one sample, `inputs` to `outputs` channels.
    ///
    /// # Errors
    /// None.
    pub fn linear(inputs: usize, outputs: usize, positions: usize) -> Result<Self, ParamError> {
        let linear = layer(&[outputs, inputs], |p| Linear::load(p, inputs, outputs, true))?;
        let x = tensor([1, inputs, positions]);
        Ok(Self(Box::new(move || drop(linear.forward(x.clone())))))
    }

    /// Attention of `positions` queries to `keys` keys; with `map` the probabilities are kept.
    pub fn attention(width: usize, heads: usize, positions: usize, keys: usize, map: bool) -> Self {
        let (query, key) = (tensor([1, width, positions]), tensor([1, width, keys]));
        Self(Box::new(move || drop(attend([query.clone(), key.clone(), key.clone()], heads, false, map))))
    }

    /// A group norm of one sample.
    ///
    /// # Errors
    /// None.
    pub fn group_norm(channels: usize, groups: usize, side: usize) -> Result<Self, ParamError> {
        let norm = layer(&[channels], |p| GroupNorm::load(p, groups, channels, 1e-5))?;
        let x = tensor([1, channels, side, side]);
        Ok(Self(Box::new(move || drop(norm.forward(x.clone())))))
    }

    /// A layer norm of one sample.
    ///
    /// # Errors
    /// None.
    pub fn layer_norm(width: usize, positions: usize) -> Result<Self, ParamError> {
        let norm = layer(&[width], |p| LayerNorm::load(p, width, 1e-5))?;
        let x = tensor([1, width, positions]);
        Ok(Self(Box::new(move || drop(norm.forward(x.clone())))))
    }

    /// A gated gelu of `2 * width` channels.
    pub fn geglu(width: usize, positions: usize) -> Self {
        let x = tensor([1, 2 * width, positions]);
        Self(Box::new(move || drop(layers::geglu(x.clone()))))
    }

    /// Maps spread along self-attention through four powers, as S-CFG does.
    pub fn spread(positions: usize, maps: usize) -> Self {
        let attention = SelfAttention::new(tensor([positions, positions]));
        let maps = numbers(maps * positions);
        Self(Box::new(move || drop(attention.spread(&maps, &[0.25; 4]))))
    }
}
