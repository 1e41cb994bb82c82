//! Attention: the layer, its computation on each kind of device, and the maps that it can return.
//!
//! Separate from the other layers, because self-attention, cross-attention and the text encoder share it.

use burn::tensor::{Bool, Tensor, activation::softmax};

use super::{
    ParamError, Params, gpu,
    kernels::{self, Values},
    layers::Linear,
};

/// The largest number of attention scores in memory (64 MiB of f32). Above it, queries are processed in blocks.
const SCORE_BUDGET: usize = 16 << 20;

/// Which attention maps of a U-Net are requested, by downsampling factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapRequest {
    /// Latent side / grid side: 1, 2, 4, 8.
    pub factors: Vec<usize>,
}

impl TapRequest {
    /// No maps, at no cost.
    pub fn none() -> Self {
        Self::default()
    }

    /// The maps of all transformer blocks at the given factors.
    pub fn at(factors: impl Into<Vec<usize>>) -> Self {
        Self { factors: factors.into() }
    }

    /// Whether the maps at `factor` are requested.
    pub(super) fn wants(&self, factor: usize) -> bool {
        self.factors.contains(&factor)
    }
}

/// The attention probabilities of one transformer block: after softmax, averaged over heads, for N = h * w positions in
/// row-major order.
#[derive(Clone, Debug)]
pub struct AttentionTap {
    /// Latent side / grid side.
    pub factor: usize,
    /// `[h, w]` of the block.
    pub grid: [usize; 2],
    /// Self-attention `[N, N]`: rows are keys, columns are queries. Columns sum to 1.
    pub self_map: Tensor<2>,
    /// Cross-attention `[L, N]`: rows are tokens of the text, columns are queries. Columns sum to 1.
    pub cross_map: Tensor<2>,
}

/// Keys and values of one attention layer, `[batch, width, L]` each.
#[derive(Clone, Debug)]
pub(super) struct KeyValue {
    pub(super) key: Tensor<3>,
    pub(super) value: Tensor<3>,
}

/// Multi-head attention with its four projections (`Attention` in diffusers).
#[derive(Clone)]
pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

impl Attention {
    /// `width` is that of queries and output, `context` that of the input of keys and values. `bias` says whether the
    /// projections of queries, keys and values have one.
    pub(super) fn load(p: &Params, width: usize, context: usize, heads: usize, bias: bool) -> Result<Self, ParamError> {
        Ok(Self {
            query: Linear::load(&p.at("to_q"), width, width, bias)?,
            key: Linear::load(&p.at("to_k"), context, width, bias)?,
            value: Linear::load(&p.at("to_v"), context, width, bias)?,
            out: Linear::load(&p.at("to_out.0"), width, width, true)?,
            heads,
        })
    }

    /// Keys and values for `context` `[batch, context width, L]`.
    pub(super) fn key_value(&self, context: Tensor<3>) -> KeyValue {
        KeyValue { key: self.key.forward(context.clone()), value: self.value.forward(context) }
    }

    /// Attention of the queries `x` `[batch, width, N]` to keys and values: `[batch, width, N]`, plus `residual` where given.
    /// With `tap`, also the probabilities `[L, N]` of the first sample.
    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        KeyValue { key, value }: KeyValue,
        residual: Option<Tensor<3>>,
        tap: bool,
    ) -> (Tensor<3>, Option<Tensor<2>>) {
        let query = self.query.forward(x);
        let (attended, map) = attend([query, key, value], self.heads, false, tap);
        (self.out.forward_with_residual(attended, residual), map)
    }
}

/// `softmax(q k^T / sqrt(d)) v` per head (Vaswani et al. 2017, eq. 1).
///
/// Query `[batch, width, N]`, key and value `[batch, width, L]`; gives `[batch, width, N]` and, with `tap`, the first
/// sample's probabilities `[L, N]`, averaged over heads. With `causal`, a position attends to itself and those before it.
pub(super) fn attend(
    [query, key, value]: [Tensor<3>; 3],
    heads: usize,
    causal: bool,
    tap: bool,
) -> (Tensor<3>, Option<Tensor<2>>) {
    let [batch, width, n] = query.dims();
    let l = key.dims()[2];
    match Values::take(query) {
        Ok(query) => {
            let (key, value) = (Values::of(key), Values::of(value));
            kernels::attend([&query, &key, &value], [batch, width, n, l], heads, causal, tap)
        }
        Err(query) => gpu::attend([&query, &key, &value], heads, causal, tap, SCORE_BUDGET)
            .unwrap_or_else(|| attend_composed([query, key, value], heads, causal, tap)),
    }
}

/// [`attend`] composed of burn's operations: the oracle of both kinds of kernels.
pub(super) fn attend_composed(
    [query, key, value]: [Tensor<3>; 3],
    heads: usize,
    causal: bool,
    tap: bool,
) -> (Tensor<3>, Option<Tensor<2>>) {
    let [batch, width, n] = query.dims();
    let l = key.dims()[2];
    let scale = (heads as f64 / width as f64).sqrt();
    let split = |x: Tensor<3>| {
        let length = x.dims()[2];
        x.reshape([batch, heads, width / heads, length])
    };
    let query = split(query.mul_scalar(scale)).transpose();
    let (key, value) = (split(key), split(value).transpose());
    let future = causal.then(|| Tensor::<2, Bool>::tril_mask([n, l], 0, &query.device()).reshape([1, 1, n, l]));
    let block = (SCORE_BUDGET / (batch * heads * l)).clamp(1, n);
    let mut outputs = Vec::new();
    let mut maps = Vec::new();
    for start in (0..n).step_by(block) {
        let count = block.min(n - start);
        let mut scores = query.clone().narrow(2, start, count).matmul(key.clone());
        if let Some(future) = &future {
            let future = future.clone().narrow(2, start, count).expand([batch, heads, count, l]);
            scores = scores.mask_fill(future, f32::NEG_INFINITY);
        }
        let probabilities = softmax(scores, 3);
        if tap {
            maps.push(probabilities.clone().narrow(0, 0, 1).mean_dim(1).reshape([count, l]).transpose());
        }
        outputs.push(probabilities.matmul(value.clone()));
    }
    let output = concat(outputs, 2).transpose().reshape([batch, width, n]);
    (output, tap.then(|| concat(maps, 1)))
}

/// The blocks one after the other along `dim`; a single block is not copied.
fn concat<const D: usize>(mut blocks: Vec<Tensor<D>>, dim: usize) -> Tensor<D> {
    if blocks.len() == 1 { blocks.remove(0) } else { Tensor::cat(blocks, dim) }
}
