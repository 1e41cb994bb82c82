//! The spatial transformer of a U-Net.
//!
//! Separate from the U-Net's blocks. Like them, it can stop before its first cross-attention.

use burn::tensor::Tensor;

use super::{
    AttentionTap, ParamError, Params,
    attention::{Attention, KeyValue},
    layers::{GroupNorm, LayerNorm, Linear, from_tokens, geglu, to_tokens},
    unet_config::Level,
};

/// Epsilon of the layer norms: torch's default.
const LAYER_NORM_EPS: f64 = 1e-5;
/// Epsilon of the group norm before the transformer, independent of the config's `norm_eps`.
const GROUP_NORM_EPS: f64 = 1e-6;

/// `Transformer2DModel`: positions of the map as tokens, with self-attention, cross-attention to the text and a feed-forward
/// network.
#[derive(Clone)]
pub(super) struct SpatialTransformer {
    norm: GroupNorm,
    proj_in: Linear,
    blocks: Vec<Block>,
    proj_out: Linear,
    /// Latent side / side at this level.
    factor: usize,
}

#[derive(Clone)]
struct Block {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    /// To value and gate, one after the other.
    ff_in: Linear,
    ff_out: Linear,
}

impl SpatialTransformer {
    /// `level` gives channels, heads, depth and context width. The outer projections are linear layers or 1x1
    /// convolutions, by `use_linear_projection`: both are a matrix over channels, and load in the same way.
    pub(super) fn load(p: &Params, level: &Level, groups: usize) -> Result<Self, ParamError> {
        let width = level.channels;
        let blocks = (0..level.transformer_layers)
            .map(|i| Block::load(&p.nth("transformer_blocks", i), width, level.context, level.heads))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            norm: GroupNorm::load(&p.at("norm"), groups, width, GROUP_NORM_EPS)?,
            proj_in: Linear::load(&p.at("proj_in"), width, width, true)?,
            blocks,
            proj_out: Linear::load(&p.at("proj_out"), width, width, true)?,
            factor: level.factor,
        })
    }

    /// Keys and values of each block's cross-attention for `context` `[batch, context width, L]`, in order.
    pub(super) fn text_key_values(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.blocks.iter().map(|block| block.attn2.key_value(context.clone()))
    }

    /// The part before the first cross-attention, for `x` `[batch, channels, h, w]`. With `tap`, the map of the first
    /// self-attention is kept.
    pub(super) fn run_prefix(&self, x: Tensor<4>, tap: bool) -> TransformerState {
        let tokens = self.proj_in.forward(self.norm.forward(to_tokens(x.clone())));
        // `UNetConfig::parse` accepts only positive depths, so there is a first block.
        let (tokens, self_map) = self.blocks[0].self_attention(tokens, tap);
        TransformerState { input: x, tokens, self_map }
    }

    /// The part from the first cross-attention on, to the shape of `x`. `texts` are the keys and values of the blocks in
    /// order; with `tap`, one tap per block is appended to `taps`.
    pub(super) fn finish<'a>(
        &self,
        state: TransformerState,
        mut texts: impl Iterator<Item = &'a KeyValue>,
        tap: bool,
        taps: &mut Vec<AttentionTap>,
    ) -> Tensor<4> {
        let TransformerState { input, mut tokens, mut self_map } = state;
        let [_, _, h, w] = input.dims();
        for (i, (block, text)) in self.blocks.iter().zip(&mut texts).enumerate() {
            if i > 0 {
                (tokens, self_map) = block.self_attention(tokens, tap);
            }
            let cross_map;
            (tokens, cross_map) = block.cross_attention(tokens, text.clone(), tap);
            if let (Some(self_map), Some(cross_map)) = (self_map.take(), cross_map) {
                taps.push(AttentionTap { factor: self.factor, grid: [h, w], self_map, cross_map });
            }
        }
        from_tokens(self.proj_out.forward_with_residual(tokens, Some(to_tokens(input))), [h, w])
    }

    /// Number of transformer blocks.
    pub(super) fn depth(&self) -> usize {
        self.blocks.len()
    }
}

/// The state of a transformer before its first cross-attention.
#[derive(Clone)]
pub(super) struct TransformerState {
    /// `[batch, channels, h, w]`.
    input: Tensor<4>,
    /// `[batch, width, N]`, N = h * w.
    tokens: Tensor<3>,
    /// `[N, N]`, where it was requested.
    self_map: Option<Tensor<2>>,
}

impl TransformerState {
    pub(super) fn has_map(&self) -> bool {
        self.self_map.is_some()
    }
}

impl Block {
    fn load(p: &Params, width: usize, context: usize, heads: usize) -> Result<Self, ParamError> {
        let norm = |name| LayerNorm::load(&p.at(name), width, LAYER_NORM_EPS);
        Ok(Self {
            norm1: norm("norm1")?,
            attn1: Attention::load(&p.at("attn1"), width, width, heads, false)?,
            norm2: norm("norm2")?,
            attn2: Attention::load(&p.at("attn2"), width, context, heads, false)?,
            norm3: norm("norm3")?,
            ff_in: Linear::load(&p.at("ff.net.0.proj"), width, 8 * width, true)?,
            ff_out: Linear::load(&p.at("ff.net.2"), 4 * width, width, true)?,
        })
    }

    /// Self-attention of `[batch, width, N]`, to the same shape, and its map where `tap` requests it.
    fn self_attention(&self, x: Tensor<3>, tap: bool) -> (Tensor<3>, Option<Tensor<2>>) {
        let normed = self.norm1.forward(x.clone());
        self.attn1.forward(normed.clone(), self.attn1.key_value(normed), Some(x), tap)
    }

    /// Cross-attention to the text and the feed-forward network, to the same shape, and the map of the cross-attention where
    /// `tap` requests it.
    fn cross_attention(&self, x: Tensor<3>, text: KeyValue, tap: bool) -> (Tensor<3>, Option<Tensor<2>>) {
        let (x, map) = self.attn2.forward(self.norm2.forward(x.clone()), text, Some(x), tap);
        let gated = self.ff_in.forward(self.norm3.forward(x.clone()));
        (self.ff_out.forward_with_residual(geglu(gated), Some(x)), map)
    }
}
