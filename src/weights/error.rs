//! The error of everything that loads a model.
//!
//! Separate from the loaders, because all of them return it.

use std::io;

use safetensors::SafeTensorError;

use crate::{
    files::NotText,
    nets::{ConfigError, ParamError, TokenizerError},
    sampling::ScheduleError,
};

/// Why a model cannot be loaded: one sentence that names the file, the tensor if one is the reason, and a way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    #[error(
        "there is no model at {path}: choose a diffusers folder (one with model_index.json) or a .safetensors checkpoint"
    )]
    NoModel { path: String },
    #[error("{path} is {kind}: choose a Stable Diffusion 1.x, 2.x or XL checkpoint, or a diffusers folder")]
    OtherFile { path: String, kind: &'static str },
    #[error("{path} is {kind}, which cannot be used here yet: choose a model that draws from text alone")]
    OtherNetwork { path: String, kind: &'static str },
    #[error("{path} has no {what}: choose a complete checkpoint, or one that is a U-Net alone as an expert")]
    Incomplete { path: String, what: &'static str },
    #[error("{path} lacks the tensor \"{name}\": it is not complete, download it again")]
    NoTensor { path: String, name: String },
    #[error(
        "{path} does not say whether it predicts noise or velocity: put its .yaml beside it under the same name, or put \
         \"v-pred\" or \"base\" into its own name"
    )]
    Prediction { path: String },
    #[error(
        "{path} has no autoencoder that is known here: choose a VAE in its original or in diffusers' form, or a TAESD"
    )]
    NotAutoencoder { path: String },
    #[error("{path} is only the encoder of a TAESD: choose its decoder, and keep the encoder beside it")]
    HalfTaesd { path: String },
    #[error(
        "{path} has no autoencoder (first_stage_model): give one with --vae, or put it beside the file as {beside}"
    )]
    NoVae { path: String, beside: String },
    #[error(
        "there is no tokenizer beside {path}, and its vocabulary is not CLIP's of 49408 tokens: put vocab.json and \
         merges.txt, the tokenizer folder of its own model, beside it"
    )]
    NoTokenizer { path: String },
    #[error("{path} is a pickle file, which can run any program when opened: save the model as .safetensors instead")]
    Pickle { path: String },
    #[error("{path} holds only a U-Net: use it as the expert of a fusion, beside a complete model")]
    ExpertOnly { path: String },
    #[error("{path} is a {class}, but only StableDiffusionPipeline and StableDiffusionXLPipeline can be opened")]
    Pipeline { path: String, class: String },
    #[error("{path} is missing: the model's folder is not complete, copy or download it again")]
    MissingFile { path: String },
    #[error("{path} cannot be read: {source}")]
    Read { path: String, source: io::Error },
    #[error("{path} cannot be read: {source}; save it as UTF-8")]
    NotText { path: String, source: NotText },
    #[error("{path}: {source}")]
    Schedule { path: String, source: ScheduleError },
    #[error("{path} is not the JSON that was expected: {source}")]
    Json { path: String, source: serde_json::Error },
    #[error("{path} cannot be used: {source}")]
    Config { path: String, source: ConfigError },
    #[error("{path} is damaged or cut short, copy or download it again: {source}")]
    Safetensors { path: String, source: SafeTensorError },
    #[error("{path}: {source}")]
    Tensor { path: String, source: ParamError },
    #[error("{path}: {source}")]
    Tokenizer { path: String, source: TokenizerError },
    #[error("the LoRA {path} cannot be used: {what}")]
    Lora { path: String, what: String },
    #[error("the embedding {path} cannot be used: {what}")]
    Embedding { path: String, what: String },
    #[error("{path} does not fit the rest of the model: {what}")]
    Mismatch { path: String, what: String },
}
