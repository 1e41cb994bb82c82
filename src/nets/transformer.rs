use burn::tensor::Tensor;

use super::{
    AttentionTap, ParamError, Params,
    attention::{Attention, KeyValue},
    layers::{GroupNorm, LayerNorm, Linear, from_tokens, geglu, to_tokens},
    unet_config::Level,
};

/// Layer norms inside a transformer block have torch's default epsilon.
const LAYER_NORM_EPS: f64 = 1e-5;
/// The group norm before a spatial transformer has its own, whatever `norm_eps` says.
const GROUP_NORM_EPS: f64 = 1e-6;

/// Transformer2DModel: picture positions as tokens, with self-attention, attention to the text and a feed-forward net.
#[derive(Clone)]
pub(super) struct SpatialTransformer {
    norm: GroupNorm,
    proj_in: Linear,
    blocks: Vec<Block>,
    proj_out: Linear,
    factor: usize,
}

#[derive(Clone)]
struct Block {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    /// Value and gate side by side.
    widen: Linear,
    narrow: Linear,
}

impl SpatialTransformer {
    /// `level` gives channels, heads, depth and context width. The outer projections are linear or 1x1 convolutions,
    /// by `use_linear_projection`; both are one matrix over channels, so both load alike.
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

    /// What each block's attention to the text makes of `context` `[batch, context width, L]`, in order.
    pub(super) fn read(&self, context: &Tensor<3>) -> impl Iterator<Item = KeyValue> {
        self.blocks.iter().map(|block| block.attn2.read(context.clone()))
    }

    /// As far as no text is needed, with the map of the positions' attention to each other where `tap` says so. `x`
    /// `[batch, channels, h, w]`.
    pub(super) fn begin(&self, x: Tensor<4>, tap: bool) -> Head {
        let tokens = self.proj_in.forward(self.norm.forward(to_tokens(x.clone())));
        // The config has at least one block.
        let (tokens, self_map) = self.blocks[0].look_around(tokens, tap);
        Head { x, tokens, self_map }
    }

    /// From there to the end, shaped as `x` was; `texts` are the blocks' keys and values in order, wanted maps are
    /// appended to `taps`.
    pub(super) fn finish<'a>(
        &self,
        head: Head,
        mut texts: impl Iterator<Item = &'a KeyValue>,
        tap: bool,
        taps: &mut Vec<AttentionTap>,
    ) -> Tensor<4> {
        let Head { x, mut tokens, mut self_map } = head;
        let [_, _, h, w] = x.dims();
        for (i, (block, text)) in self.blocks.iter().zip(&mut texts).enumerate() {
            if i > 0 {
                (tokens, self_map) = block.look_around(tokens, tap);
            }
            let cross_map;
            (tokens, cross_map) = block.look_at_text(tokens, text.clone(), tap);
            if let (Some(self_map), Some(cross_map)) = (self_map.take(), cross_map) {
                taps.push(AttentionTap { factor: self.factor, grid: [h, w], self_map, cross_map });
            }
        }
        from_tokens(self.proj_out.forward_onto(tokens, Some(to_tokens(x))), [h, w])
    }

    pub(super) fn depth(&self) -> usize {
        self.blocks.len()
    }
}

/// A transformer about to look at the text for the first time.
#[derive(Clone)]
pub(super) struct Head {
    /// What went in.
    x: Tensor<4>,
    tokens: Tensor<3>,
    /// `[N, N]`, where it was wanted.
    self_map: Option<Tensor<2>>,
}

impl Head {
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
            widen: Linear::load(&p.at("ff.net.0.proj"), width, 8 * width, true)?,
            narrow: Linear::load(&p.at("ff.net.2"), 4 * width, width, true)?,
        })
    }

    /// Self-attention of `[batch, width, N]`, shape kept, and its map if asked.
    fn look_around(&self, x: Tensor<3>, tap: bool) -> (Tensor<3>, Option<Tensor<2>>) {
        let normed = self.norm1.forward(x.clone());
        self.attn1.forward(normed.clone(), self.attn1.read(normed), Some(x), tap)
    }

    /// Attention to the text and the feed-forward net, shape kept, and the map of the former if asked.
    fn look_at_text(&self, x: Tensor<3>, text: KeyValue, tap: bool) -> (Tensor<3>, Option<Tensor<2>>) {
        let (x, map) = self.attn2.forward(self.norm2.forward(x.clone()), text, Some(x), tap);
        let wide = self.widen.forward(self.norm3.forward(x.clone()));
        // GEGLU with the exact gelu.
        (self.narrow.forward_onto(geglu(wide), Some(x)), map)
    }
}
