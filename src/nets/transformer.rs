use burn::tensor::Tensor;

use super::{
    AttentionTap, ParamError, Params,
    attention::Attention,
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

    /// `x` `[batch, channels, h, w]`, `context` `[batch, context width, L]`; wanted maps are appended to `taps`.
    pub(super) fn forward(
        &self,
        x: Tensor<4>,
        context: &Tensor<3>,
        tap: bool,
        taps: &mut Vec<AttentionTap>,
    ) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let mut tokens = self.proj_in.forward(self.norm.forward(to_tokens(x.clone())));
        for block in &self.blocks {
            let maps;
            (tokens, maps) = block.forward(tokens, context, tap);
            if let Some((self_map, cross_map)) = maps {
                taps.push(AttentionTap { factor: self.factor, grid: [h, w], self_map, cross_map });
            }
        }
        from_tokens(self.proj_out.forward_onto(tokens, Some(to_tokens(x))), [h, w])
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

    /// `[batch, width, N]`, shape kept, and the (self, cross) maps if asked.
    fn forward(&self, x: Tensor<3>, context: &Tensor<3>, tap: bool) -> (Tensor<3>, Option<(Tensor<2>, Tensor<2>)>) {
        let normed = self.norm1.forward(x.clone());
        let (x, self_map) = self.attn1.forward(normed.clone(), normed, Some(x), tap);
        let normed = self.norm2.forward(x.clone());
        let (x, cross_map) = self.attn2.forward(normed, context.clone(), Some(x), tap);
        let wide = self.widen.forward(self.norm3.forward(x.clone()));
        // GEGLU with the exact gelu.
        (self.narrow.forward_onto(geglu(wide), Some(x)), self_map.zip(cross_map))
    }
}
