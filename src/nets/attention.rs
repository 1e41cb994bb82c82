use burn::tensor::{Tensor, activation::softmax};

use super::{ParamError, Params, layers::Linear};

/// At most this many attention scores exist at once (256 MiB of f32); longer pictures go in blocks of queries.
const SCORE_BUDGET: usize = 64 << 20;

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
    /// `[N, N]`: row = asking position, column = position looked at.
    pub self_map: Tensor<2>,
    /// `[N, L]`: row = position, column = token of the text.
    pub cross_map: Tensor<2>,
}

/// Multi-head attention with its four projections, under diffusers' names.
#[derive(Clone)]
pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
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
        })
    }

    /// `x` `[batch, N, width]` looks at `context` `[batch, L, context width]`: `[batch, N, width]`, and where `tap`
    /// says so the probabilities `[N, L]` of the first sample.
    pub(super) fn forward(&self, x: Tensor<3>, context: Tensor<3>, tap: bool) -> (Tensor<3>, Option<Tensor<2>>) {
        let query = self.query.forward(x);
        let key = self.key.forward(context.clone());
        let value = self.value.forward(context);
        let (mixed, map) = attend(query, key, value, self.heads, tap);
        (self.out.forward(mixed), map)
    }
}

/// softmax(q k^T / sqrt(d)) v per head, in plain steps: burn's fused routine may round to f16 inside on GPUs.
///
/// `[batch, N, width]`, `[batch, L, width]` twice; gives `[batch, N, width]` and, if asked, the first sample's mean
/// probabilities `[N, L]`.
pub(super) fn attend(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    heads: usize,
    tap: bool,
) -> (Tensor<3>, Option<Tensor<2>>) {
    let [batch, n, width] = query.dims();
    let l = key.dims()[1];
    let scale = (heads as f64 / width as f64).sqrt();
    let query = split_heads(query.mul_scalar(scale), heads);
    let key = split_heads(key, heads).transpose();
    let value = split_heads(value, heads);
    let block = (SCORE_BUDGET / (batch * heads * l)).clamp(1, n);
    let mut mixed = Vec::new();
    let mut maps = Vec::new();
    for start in (0..n).step_by(block) {
        let rows = if block == n { query.clone() } else { query.clone().narrow(2, start, block.min(n - start)) };
        let probabilities = softmax(rows.matmul(key.clone()), 3);
        if tap {
            let first = probabilities.clone().narrow(0, 0, 1);
            let rows = first.dims()[2];
            maps.push(first.mean_dim(1).reshape([rows, l]));
        }
        mixed.push(probabilities.matmul(value.clone()));
    }
    let mixed = join(mixed, 2).swap_dims(1, 2).reshape([batch, n, width]);
    (mixed, tap.then(|| join(maps, 0)))
}

/// `[batch, N, width]` to `[batch, heads, N, width / heads]`, a view.
pub(super) fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, n, width] = x.dims();
    x.reshape([batch, n, heads, width / heads]).swap_dims(1, 2)
}

/// The blocks in a row; a single one is not copied.
fn join<const D: usize>(mut blocks: Vec<Tensor<D>>, dim: usize) -> Tensor<D> {
    if blocks.len() == 1 { blocks.remove(0) } else { Tensor::cat(blocks, dim) }
}
