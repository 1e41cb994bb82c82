//! The seam between the engine and the model families: what the engine needs of a model, and nothing else.
//!
//! | the engine needs | here |
//! |---|---|
//! | text to conditioning, with the layout of its tokens | [`Model::encode`], [`Conditioning`] |
//! | channels, factor and allowed sizes of the latents | [`Geometry`] |
//! | predictions, with attention maps, for several texts at a step | [`Denoiser`], [`StepDenoiser`] |
//! | latents to picture and back | [`Codec`] |
//! | noise schedule and parametrisation | [`Model::schedule`] |
//! | what becomes of the words of a text, as it is typed | [`TextReader`] |
//! | reading a model by its name | [`ModelSource`] |
//!
//! Everything that crosses is a plain host array, so that a family need not compute with burn. A family is one type that
//! implements [`Model`], and whatever [`ModelSource`] makes it; `latent_diffusion` has Stable Diffusion and SDXL.
//!
//! Latents are arrays `[channels, height, width]` of any kind of number: compressed by an autoencoder, plain pixels
//! (factor 1, three channels), or whole numbers that name tokens. A network that also predicts a variance splits it off
//! before it answers. [`Model::schedule`] is where a process other than Gaussian diffusion would be told apart.

mod codec;
mod compatibility;
mod conditioning;
mod denoiser;
mod error;
mod evaluate;
mod family;
mod finite;
mod geometry;
mod latent_diffusion;
mod local;
mod outlines;
mod reader;
mod source;

pub use codec::Codec;
pub use compatibility::{Compatibility, CompatibilityPoint, ModelPair, Verdict, mismatches};
pub use conditioning::{Conditioning, Embedding};
pub use denoiser::{Denoiser, IsCurrent, Precomputed, Prediction, Request, StepDenoiser};
pub use error::{Cancelled, ModelError};
pub use evaluate::{predict, with_workers};
pub use family::Model;
pub use finite::{check_finite, checked_text, decode};
pub use geometry::Geometry;
pub use latent_diffusion::LatentDiffusion;
pub use local::LocalModels;
pub use outlines::native_side;
pub use reader::TextReader;
pub use source::{ModelSource, Target};
