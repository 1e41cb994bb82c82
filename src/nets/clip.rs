//! CLIP's text encoder.
//!
//! Separate as one network; its sizes are in `clip_config`.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{
    ClipActivation, ClipConfig, NetError, ParamError, Params,
    attention::attend,
    kernels,
    layers::{Activation, LayerNorm, Linear},
};

/// The text encoder of CLIP (Radford et al. 2021), and of OpenCLIP: transformers' `CLIPTextModel`.
#[derive(Clone)]
pub struct ClipText {
    config: ClipConfig,
    device: Device,
    /// `[vocabulary, width]`, and a row for each added token.
    token_embedding: Tensor<2>,
    /// `[positions, width]`.
    position_embedding: Tensor<2>,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    projection: Option<Linear>,
}

/// The outputs that diffusion models use, for a text of L tokens.
#[derive(Clone, Debug)]
pub struct ClipOutput {
    /// Output of the last layer, after the final layer norm: `[1, L, width]`.
    pub last: Tensor<3>,
    /// Input of the last layer, without norm (SDXL): `[1, L, width]`.
    pub penultimate: Tensor<3>,
    /// `last` at the end token, through the text projection if there is one: `[1, width or projection]`.
    pub pooled: Tensor<2>,
}

#[derive(Clone)]
struct Layer {
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    activation: ClipActivation,
}

impl ClipText {
    /// Builds the network that `config` describes, with weights from `p`. Their names may have the prefix `text_model.` or
    /// not: both are in use.
    ///
    /// # Errors
    /// [`ParamError`] for the first weight that is missing or has another shape.
    pub fn load(p: &Params, config: ClipConfig) -> Result<Self, ParamError> {
        let root = p;
        let nested = p.at("text_model");
        let p = if nested.has("final_layer_norm.weight") { &nested } else { root };
        let width = config.width;
        let layers =
            (0..config.layers).map(|i| Layer::load(&p.nth("encoder.layers", i), &config)).collect::<Result<_, _>>()?;
        let projection = root
            .has("text_projection.weight")
            .then(|| Linear::load(&root.at("text_projection"), width, config.projection, false));
        Ok(Self {
            device: p.device().clone(),
            token_embedding: p.tensor("embeddings.token_embedding.weight", [config.vocabulary, width])?,
            position_embedding: p.tensor("embeddings.position_embedding.weight", [config.positions, width])?,
            layers,
            final_norm: LayerNorm::load(&p.at("final_layer_norm"), width, config.norm_eps)?,
            projection: projection.transpose()?,
            config,
        })
    }

    pub fn config(&self) -> &ClipConfig {
        &self.config
    }

    /// Width of [`ClipOutput::pooled`].
    pub fn pooled_width(&self) -> usize {
        if self.projection.is_some() { self.config.projection } else { self.config.width }
    }

    /// Adds rows of `width` values behind the vocabulary; gives the ids that stand for them.
    pub fn add_rows(&mut self, values: &[f32]) -> Range<u32> {
        let (first, width) = (self.token_embedding.dims()[0], self.config.width);
        let count = values.len() / width;
        let data = TensorData::new(values[..count * width].to_vec(), [count, width]);
        let rows = Tensor::from_data(data, &self.device);
        self.token_embedding = Tensor::cat(vec![self.token_embedding.clone(), rows], 0);
        first as u32..(first + count) as u32
    }

    /// Encodes the token ids of one text, padding included. Padding is attended to, as in the training of diffusion models.
    ///
    /// # Errors
    /// [`NetError::Input`] for no ids, more than the model has positions, or ids outside its vocabulary.
    pub fn encode(&self, ids: &[u32]) -> Result<ClipOutput, NetError> {
        self.check(ids)?;
        let mut x = self.embedded(ids);
        let mut penultimate = x.clone();
        kernels::with_workers(&self.device, || {
            for layer in &self.layers {
                penultimate = x.clone();
                x = layer.forward(x.clone());
            }
        });
        let last = self.final_norm.forward(x);
        let pooled = last.clone().narrow(2, self.config.end_position(ids), 1);
        let pooled = match &self.projection {
            Some(projection) => projection.forward(pooled),
            None => pooled,
        };
        let [last, penultimate] = [last, penultimate].map(|x| x.swap_dims(1, 2));
        Ok(ClipOutput { last, penultimate, pooled: pooled.squeeze_dim(2) })
    }

    /// The output of an earlier layer, after the final layer norm: `[1, L, width]`. `skip` 1 is the last layer, 2 the one before
    /// it, and so on ("clip skip").
    ///
    /// # Errors
    /// As [`ClipText::encode`], and [`NetError::Input`] for a layer that there is none of.
    pub fn encode_skipping(&self, ids: &[u32], skip: usize) -> Result<Tensor<3>, NetError> {
        self.check(ids)?;
        let Some(count) = self.layers.len().checked_sub(skip.saturating_sub(1)).filter(|count| *count > 0) else {
            return Err(NetError::Input {
                network: "text encoder",
                expected: format!("a clip skip of 1 to {}", self.layers.len()),
                given: skip.to_string(),
            });
        };
        let mut x = self.embedded(ids);
        kernels::with_workers(&self.device, || {
            for layer in &self.layers[..count] {
                x = layer.forward(x.clone());
            }
        });
        Ok(self.final_norm.forward(x).swap_dims(1, 2))
    }

    /// Embeddings of tokens and positions: `[1, width, L]`.
    fn embedded(&self, ids: &[u32]) -> Tensor<3> {
        let (count, width, device) = (ids.len(), self.config.width, &self.device);
        let data = TensorData::new(ids.iter().map(|&id| id as i32).collect(), [count]);
        let tokens = self.token_embedding.clone().select(0, Tensor::<1, Int>::from_data(data, device));
        let positions = self.position_embedding.clone().narrow(0, 0, count);
        (tokens + positions).reshape([1, count, width]).swap_dims(1, 2)
    }

    fn check(&self, ids: &[u32]) -> Result<(), NetError> {
        let (positions, vocabulary) = (self.config.positions, self.token_embedding.dims()[0]);
        if (1..=positions).contains(&ids.len()) && ids.iter().all(|&id| (id as usize) < vocabulary) {
            return Ok(());
        }
        Err(NetError::Input {
            network: "text encoder",
            expected: format!("1 to {positions} token ids below {vocabulary}"),
            given: format!("{} ids up to {}", ids.len(), ids.iter().max().unwrap_or(&0)),
        })
    }
}

impl Layer {
    fn load(p: &Params, config: &ClipConfig) -> Result<Self, ParamError> {
        let width = config.width;
        let norm = |name| LayerNorm::load(&p.at(name), width, config.norm_eps);
        let projection = |name| Linear::load(&p.at("self_attn").at(name), width, width, true);
        Ok(Self {
            norm1: norm("layer_norm1")?,
            query: projection("q_proj")?,
            key: projection("k_proj")?,
            value: projection("v_proj")?,
            out: projection("out_proj")?,
            norm2: norm("layer_norm2")?,
            fc1: Linear::load(&p.at("mlp.fc1"), width, config.inner_width, true)?,
            fc2: Linear::load(&p.at("mlp.fc2"), config.inner_width, width, true)?,
            heads: config.heads,
            activation: config.activation,
        })
    }

    /// `[1, width, L]` to the same shape.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let normed = self.norm1.forward(x.clone());
        let parts = [&self.query, &self.key, &self.value].map(|projection| projection.forward(normed.clone()));
        // Causal: a position attends to itself and those before it.
        let (attended, _) = attend(parts, self.heads, true, false);
        let x = self.out.forward_with_residual(attended, Some(x));
        let activation = match self.activation {
            ClipActivation::QuickGelu => Activation::QuickGelu,
            ClipActivation::Gelu => Activation::Gelu,
        };
        let inner = activation.of(self.fc1.forward(self.norm2.forward(x.clone())));
        self.fc2.forward_with_residual(inner, Some(x))
    }
}
