//! The networks of latent diffusion: CLIP text encoder, U-Net, autoencoder. Inference only, in f32, or with
//! products in bf16 or f16 (see [`Precision`]).
//!
//! Every size comes from a model's own `config.json`. A network is built from [`Params`], which asks a
//! [`TensorSource`] for weights by their diffusers names; `weights` implements that source, so no network knows files.
//! Everything inside is channel-major: maps are burn's `[batch, channels, height, width]`, tokens `[batch, width,
//! positions]`, so that one is the other without a copy; texts come and go as `[batch, positions, width]`.
//!
//! On the CPU the layers compute with `kernels`, on graphics cards with `gpu`, and elsewhere with burn's own operations.

mod added_tokens;
mod attention;
mod cancelled;
mod clip;
mod clip_config;
mod clip_rules;
mod error;
mod gpu;
mod kernels;
mod layers;
mod made_up;
#[cfg(feature = "bench")]
pub mod operations;
mod params;
mod precision;
mod predict;
mod probe;
mod resnet;
mod source;
mod spread;
mod text;
mod threads;
mod time;
mod tiny_vae;
mod tokenizer;
mod transformer;
mod unet;
mod unet_blocks;
mod unet_config;
mod unet_memory;
mod vae;
mod vae_blocks;
mod vae_config;

pub use attention::{AttentionTap, TapRequest};
pub use cancelled::Cancelled;
pub use clip::{ClipOutput, ClipText};
pub use clip_config::{ClipActivation, ClipConfig};
pub use error::NetError;
pub use gpu::{KernelCheck, KernelCheckError, kernel_checks, relative};
pub use params::Params;
pub use precision::{Precision, UnknownPrecision};
pub use predict::{AtStep, Prediction, TextKeys, TimeShifts};
pub use probe::probe_output;
pub use source::{ConfigError, ParamError, TensorSource};
pub use spread::SelfAttention;
pub use text::TextEncoding;
pub use threads::is_cpu;
pub(crate) use threads::{parallel_map, with_workers};
pub use time::AddedConditions;
pub use tokenizer::{RawToken, SpecialIds, Tokenized, Tokenizer, TokenizerError, TokenizerSettings};
pub use unet::UNet;
pub use unet_config::{Level, UNetConfig};
pub use vae::Vae;
pub use vae_config::VaeConfig;
