use burn::tensor::{Bool, FloatDType, Tensor, activation::softmax, module::attention, ops::AttentionModuleOptions};

use super::{
    ParamError, Params, Precision, gpu,
    kernels::{self, Values},
    layers::Linear,
};

/// At most this many attention scores exist at once (256 MiB of f32); longer pictures go in blocks of queries.
const SCORE_BUDGET: usize = 64 << 20;

/// From so many keys on, attention in f16 is fused. A text has fewer (77): there, scores are small and cheap.
const FUSED_FROM: usize = 128;

/// Tensor cores multiply so many channels of a head at once; burn falls back to plain steps for others.
const FUSED_CHANNELS: usize = 16;

/// Which attention maps of a U-Net are wanted, by downsampling factor (latent side / grid side: 1, 2, 4, 8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapRequest {
    pub factors: Vec<usize>,
}

impl TapRequest {
    /// No maps: costs nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The maps of all transformer blocks at the given factors.
    pub fn at(factors: impl Into<Vec<usize>>) -> Self {
        Self { factors: factors.into() }
    }

    pub(super) fn wants(&self, factor: usize) -> bool {
        self.factors.contains(&factor)
    }
}

/// Attention probabilities of one transformer block: after softmax, mean over heads. N = h * w positions, row-major.
#[derive(Clone, Debug)]
pub struct AttentionTap {
    /// Latent side / grid side.
    pub factor: usize,
    /// `[h, w]` of the block.
    pub grid: [usize; 2],
    /// `[N, N]`: row = position looked at, column = asking position. Columns sum to 1.
    pub self_map: Tensor<2>,
    /// `[L, N]`: row = token of the text, column = asking position. Columns sum to 1.
    pub cross_map: Tensor<2>,
}

/// Keys and values of one attention, `[batch, width, L]` each.
#[derive(Clone, Debug)]
pub(super) struct KeyValue {
    pub(super) key: Tensor<3>,
    pub(super) value: Tensor<3>,
}

/// Multi-head attention with its four projections, under diffusers' names.
#[derive(Clone)]
pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
    /// Products in f16, on devices other than the CPU.
    half: bool,
}

impl Attention {
    /// `width` of the queries and the output, `context` width of what is looked at; `bias` of the three projections.
    pub(super) fn load(p: &Params, width: usize, context: usize, heads: usize, bias: bool) -> Result<Self, ParamError> {
        Ok(Self {
            query: Linear::load(&p.at("to_q"), width, width, bias)?,
            key: Linear::load(&p.at("to_k"), context, width, bias)?,
            value: Linear::load(&p.at("to_v"), context, width, bias)?,
            out: Linear::load(&p.at("to_out.0"), width, width, true)?,
            heads,
            half: p.precision() == Precision::F16 && !kernels::is_cpu(p.device()),
        })
    }

    /// What there is to look at in `context` `[batch, context width, L]`.
    pub(super) fn read(&self, context: Tensor<3>) -> KeyValue {
        KeyValue { key: self.key.forward(context.clone()), value: self.value.forward(context) }
    }

    /// `x` `[batch, width, N]` looks at what was [`Attention::read`]: `residual` (if any) plus `[batch, width, N]`, and
    /// where `tap` says so the probabilities `[L, N]` of the first sample.
    pub(super) fn forward(
        &self,
        x: Tensor<3>,
        KeyValue { key, value }: KeyValue,
        residual: Option<Tensor<3>>,
        tap: bool,
    ) -> (Tensor<3>, Option<Tensor<2>>) {
        let query = self.query.forward(x);
        let (mixed, map) = if self.half && !tap && key.dims()[2] >= FUSED_FROM {
            (attend_fused([query, key, value], self.heads, SCORE_BUDGET), None)
        } else {
            attend([query, key, value], self.heads, false, tap)
        };
        (self.out.forward_onto(mixed, residual), map)
    }
}

/// softmax(q k^T / sqrt(d)) v per head.
///
/// Query `[batch, width, N]`, key and value `[batch, width, L]`; gives `[batch, width, N]` and, if asked, the first
/// sample's mean probabilities `[L, N]`. `causal`: a position does not see what comes after it.
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
        Err(query) => attend_composed([query, key, value], heads, causal, tap),
    }
}

/// In plain steps: burn's fused routine may round to f16 inside on GPUs.
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
    let mut mixed = Vec::new();
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
        mixed.push(probabilities.matmul(value.clone()));
    }
    let mixed = join(mixed, 2).transpose().reshape([batch, width, n]);
    (mixed, tap.then(|| join(maps, 1)))
}

/// [`attend`] in f16 by burn's fused routine, which keeps no scores where the device has one (flash attention).
///
/// Heads are padded with zeros to a multiple of [`FUSED_CHANNELS`] (SD 1.5's finest are 40 wide). That changes no product;
/// the routine divides by the root of the padded width, which is made good in the query.
///
/// Where the device has no such routine, scores are kept after all: `budget` at once, as in plain steps.
pub(super) fn attend_fused([query, key, value]: [Tensor<3>; 3], heads: usize, budget: usize) -> Tensor<3> {
    let [batch, width, n] = query.dims();
    let channels = width / heads;
    let padded = channels.next_multiple_of(FUSED_CHANNELS);
    let scale = (padded as f64 / channels as f64).sqrt();
    let split = |x: Tensor<3>| {
        let length = x.dims()[2];
        let x = x.reshape([batch, heads, channels, length]).transpose();
        let x = if padded > channels { x.pad((0, padded - channels, 0, 0), 0.0) } else { x };
        gpu::row_major(x.cast(FloatDType::F16))
    };
    let [query, key, value] = [query.mul_scalar(scale), key, value].map(split);
    let block = (budget / (batch * heads * key.dims()[2])).clamp(1, n);
    let mixed = (0..n).step_by(block).map(|start| {
        let query = gpu::row_major(query.clone().narrow(2, start, block.min(n - start)));
        attention(query, key.clone(), value.clone(), None, None, AttentionModuleOptions::default())
    });
    let mixed = join(mixed.collect(), 2).cast(FloatDType::F32).narrow(3, 0, channels);
    mixed.transpose().reshape([batch, width, n])
}

/// The blocks in a row; a single one is not copied.
fn join<const D: usize>(mut blocks: Vec<Tensor<D>>, dim: usize) -> Tensor<D> {
    if blocks.len() == 1 { blocks.remove(0) } else { Tensor::cat(blocks, dim) }
}
