//! Stable Diffusion 1.x and 2.x, Stable Diffusion XL, and the bundled models: a U-Net on latents of an autoencoder, told
//! of the text by CLIP encoders.
//!
//! Apart as one family behind the seam: it alone knows both the seam and the networks of `nets`.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use super::{
    codec::Codec,
    conditioning::{Conditioning, Embedding},
    denoiser::{Denoiser, IsCurrent, Precomputed, Prediction, Request, StepDenoiser},
    error::ModelError,
    family::Model,
    geometry::Geometry,
    reader::TextReader,
};
use crate::{
    nets::{
        self, AtStep, AttentionTap, NetError, SelfAttention, TapRequest, TextEncoding, TextKeys, TimeShifts, UNet, Vae,
    },
    recipe::TextRules,
    sampling::ScheduleConfig,
    tensor::{AttentionError, AttentionMaps, Latents, Pixels, TextReading, WordGroup},
    weights::{LearnedWords, LoadedModel, TextStack},
};

/// SDXL's pooled text embedding among the others of a conditioning.
const POOLED: &str = "pooled";

/// Maps that one call spreads on the CPU: few enough for all threads to share a layer's.
const MAPS_PER_CALL: usize = 48;

/// A model of the family, its networks on a device.
#[derive(Clone)]
pub struct LatentDiffusion(pub LoadedModel);

impl Model for LatentDiffusion {
    fn hash(&self) -> &str {
        &self.0.content_hash
    }

    fn geometry(&self) -> Geometry {
        let (unet, factor) = (self.0.unet.config(), self.0.vae.config().factor());
        Geometry {
            channels: unet.channels,
            factor,
            multiple_of: factor,
            native_side: unet.sample_size.map(|side| side * factor),
        }
    }

    fn schedule(&self) -> &ScheduleConfig {
        &self.0.scheduler
    }

    fn encode(&self, text: &str) -> Result<Conditioning, ModelError> {
        to_host(self.0.encode(text).map_err(encoding)?)
    }

    fn encode_negative(&self, text: &str) -> Result<Conditioning, ModelError> {
        to_host(self.0.encode_negative(text).map_err(encoding)?)
    }

    fn encode_by(&self, text: &str, rules: TextRules) -> Result<Conditioning, ModelError> {
        to_host(self.0.text.encode_by(text, rules).map_err(encoding)?)
    }

    fn encode_negative_by(&self, text: &str, rules: TextRules) -> Result<Conditioning, ModelError> {
        to_host(self.0.text.encode_negative_by(text, rules).map_err(encoding)?)
    }

    fn reader(&self) -> Option<Arc<dyn TextReader>> {
        Some(Arc::new(Reader { text: self.0.text.clone(), learned: self.0.words.clone() }))
    }

    fn denoiser(&self) -> &dyn Denoiser {
        self.0.unet.as_ref()
    }

    fn codec(&self) -> &dyn Codec {
        self.0.vae.as_ref()
    }
}

/// The tokenizer of a model, and the words it learned where its files list them.
struct Reader {
    text: Arc<TextStack>,
    learned: Option<Arc<LearnedWords>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("learned", &self.learned).finish_non_exhaustive()
    }
}

impl TextReader for Reader {
    fn read(&self, text: &str) -> TextReading {
        // Rules that fail on a text fail when it is encoded, too, and are reported then.
        self.text.reading(text, self.learned.as_deref()).unwrap_or_default()
    }

    fn read_by(&self, text: &str, rules: TextRules) -> TextReading {
        self.text.reading_by(text, rules, self.learned.as_deref()).unwrap_or_default()
    }

    fn learned(&self) -> &[WordGroup] {
        self.learned.as_ref().map_or(&[], |learned| &learned.groups)
    }

    fn completions(&self, prefix: &str, most: usize) -> Vec<String> {
        let prefix = prefix.to_lowercase();
        let begins = |word: &&String| word.starts_with(&prefix);
        let mut found: Vec<String> = match &self.learned {
            Some(learned) => learned.all().filter(begins).cloned().collect(),
            None => self.text.whole_words().iter().filter(begins).cloned().collect(),
        };
        found.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        found.truncate(most);
        found
    }
}

fn encoding(error: crate::weights::EncodeError) -> ModelError {
    ModelError::failed("text encoder", error)
}

impl Denoiser for UNet {
    fn name(&self) -> &'static str {
        "U-Net"
    }

    fn levels(&self) -> Vec<usize> {
        self.factors()
    }

    fn stages(&self) -> usize {
        UNet::stages(self)
    }

    fn working_memory(&self, latents: [usize; 2], texts: usize, levels: &[usize]) -> usize {
        // Texts run side by side, one on each thread of the processor.
        let at_once = std::thread::available_parallelism().map_or(1, |threads| threads.get()).min(texts).max(1);
        size_of::<f32>()
            * (at_once * self.config().activations(latents) + 2 * self.config().kept_attention(latents, levels))
    }

    fn prepare_text(&self, text: &Conditioning) -> Result<Precomputed, ModelError> {
        let keys = self.read_text(&to_device(text, self.device())?)?;
        let bytes = keys.bytes();
        Ok(Precomputed::new(keys, bytes))
    }

    fn prepare_timestep(&self, timestep: f32) -> Option<Precomputed> {
        let shifts = self.time_shifts(timestep)?;
        let bytes = shifts.bytes();
        Some(Precomputed::new(shifts, bytes))
    }

    fn at_step<'a>(
        &'a self,
        latents: &'a Latents,
        timestep: f32,
        prepared: Option<&Precomputed>,
    ) -> Result<Box<dyn StepDenoiser + 'a>, ModelError> {
        let shifts = prepared.map(|p| p.get::<TimeShifts>().ok_or_else(foreign)).transpose()?;
        Ok(Box::new(UNet::at_step(self, latents, timestep, shifts)?))
    }

    fn with_workers(&self, work: &mut dyn FnMut()) {
        nets::with_workers(self.device(), work);
    }

    fn run_tasks(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        nets::parallel_map(count, task);
    }
}

/// A value that another family precomputed.
fn foreign() -> ModelError {
    ModelError::failed("U-Net", "it was given what another kind of network computed ahead")
}

impl StepDenoiser for AtStep<'_> {
    fn predict(&mut self, request: Request<'_>, is_current: &dyn Fn() -> bool) -> Result<Prediction, ModelError> {
        let (text, taps) = read(&request)?;
        Ok(prediction(AtStep::predict(self, &text, &taps, is_current)?))
    }

    fn predict_all(
        &mut self,
        requests: &[Request<'_>],
        is_current: IsCurrent<'_>,
    ) -> Vec<Result<Prediction, ModelError>> {
        let texts: Vec<_> = match requests.iter().map(read).collect::<Result<_, _>>() {
            Ok(texts) => texts,
            Err(error) => return vec![Err(error)],
        };
        let requests: Vec<(&TextKeys, &TapRequest)> = texts.iter().map(|(text, taps)| (&**text, taps)).collect();
        let found = AtStep::predict_all(self, &requests, is_current).into_iter();
        found.map(|found| Ok(prediction(found?))).collect()
    }
}

fn read(request: &Request<'_>) -> Result<(Arc<TextKeys>, TapRequest), ModelError> {
    Ok((request.text.get::<TextKeys>().ok_or_else(foreign)?, TapRequest::at(request.levels)))
}

fn prediction(found: nets::Prediction) -> Prediction {
    let boxed = |tap| -> Box<dyn AttentionMaps> { Box::new(Tap(tap)) };
    Prediction { output: found.output, attention: found.taps.into_iter().map(boxed).collect() }
}

/// The attention of a transformer block, on its network's device.
struct Tap(AttentionTap);

impl AttentionMaps for Tap {
    fn grid(&self) -> [usize; 2] {
        self.0.grid
    }

    fn positions(&self) -> usize {
        self.0.cross_map.dims()[0]
    }

    fn cross(&self) -> Result<Vec<f32>, AttentionError> {
        self.0.cross_map.clone().try_into_vec_as::<f32>().map_err(|error| AttentionError(error.into()))
    }

    fn spread(&self, maps: &[f32], weights: &[f32]) -> Result<Vec<f32>, AttentionError> {
        let attention = SelfAttention::new(self.0.self_map.clone());
        attention.spread(maps, weights).map_err(|error| AttentionError(error.into()))
    }

    fn maps_per_call(&self) -> usize {
        if SelfAttention::is_cpu(&self.0.self_map) { MAPS_PER_CALL } else { usize::MAX }
    }
}

impl Codec for Vae {
    fn name(&self) -> &'static str {
        "VAE"
    }

    fn decode(&self, latents: &Latents, is_current: &dyn Fn() -> bool) -> Result<Pixels, ModelError> {
        Ok(Vae::decode(self, latents, is_current)?)
    }

    fn largest_tensor(&self, latents: [usize; 2]) -> usize {
        self.config().largest_decoded(latents) * size_of::<f32>()
    }

    fn encode(&self, picture: &Pixels, is_current: &dyn Fn() -> bool) -> Result<Latents, ModelError> {
        Ok(Vae::encode(self, picture, is_current)?)
    }
}

impl From<NetError> for ModelError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            NetError::Input { network, expected, given } => Self::Input { part: network, expected, given },
            other => Self::failed("network", other),
        }
    }
}

/// A text from the device of its encoder.
fn to_host(text: TextEncoding) -> Result<Conditioning, ModelError> {
    let others = text.pooled.map(|pooled| Ok::<_, ModelError>((POOLED, embedding(pooled)?))).transpose()?;
    Ok(Conditioning { tokens: text.tokens, hidden: embedding(text.hidden)?, others: others.into_iter().collect() })
}

fn embedding<const D: usize>(tensor: Tensor<D>) -> Result<Embedding, ModelError> {
    let shape = tensor.dims().to_vec();
    let values = tensor.try_into_vec_as::<f32>().map_err(NetError::from)?;
    Ok(Embedding { shape, values })
}

/// A text for the U-Net on `device`.
fn to_device(text: &Conditioning, device: &Device) -> Result<TextEncoding, ModelError> {
    let hidden = tensor(&text.hidden, device)?;
    let pooled = text.other(POOLED).map(|pooled| tensor(pooled, device)).transpose()?;
    Ok(TextEncoding { hidden, pooled, tokens: text.tokens.clone() })
}

fn tensor<const D: usize>(embedding: &Embedding, device: &Device) -> Result<Tensor<D>, ModelError> {
    let shape: [usize; D] = embedding.shape.clone().try_into().map_err(|shape: Vec<usize>| ModelError::Input {
        part: "U-Net",
        expected: format!("text embeddings of {D} axes"),
        given: format!("an array of shape {shape:?}"),
    })?;
    Ok(Tensor::from_data(TensorData::new(embedding.values.clone(), shape), device))
}

/// The model inside a [`Model`] of this family.
pub(super) fn networks(model: &Arc<dyn Model>) -> Option<&LoadedModel> {
    let any: &dyn std::any::Any = model.as_ref();
    any.downcast_ref::<LatentDiffusion>().map(|model| &model.0)
}
